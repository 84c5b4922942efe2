//! Whether the loop knows that something waits for it: what keeps wakes few and loses none.
//!
//! A publisher pushes first and raises the flag then; it wakes the loop only when the flag was
//! down. The loop lowers the flag when it finds nothing, and looks once more after that. So of two
//! things that happen at once one sees the other: either the loop sees what was pushed, or the
//! publisher sees the lowered flag.
//!
//! `make loom` tries every order in which two publishers and the loop can meet with at most three
//! preemptions, and the weakest visibility of each other's writes that the memory model allows:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p kymo --lib --target-dir target-loom wake_flag::loom
//! ```

#[cfg(all(test, loom))]
use ::loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicBool, Ordering};

/// The flag; see the module.
#[derive(Debug, Default)]
pub struct WakeFlag {
    is_raised: AtomicBool,
}

impl WakeFlag {
    /// For a publisher, after its push. Whether it has to wake the loop.
    #[must_use]
    pub fn raise(&self) -> bool {
        // Release: a loop that lowers the flag sees the push; of publishers that follow one another
        // each passes on what the one before it pushed, because it swaps. Acquire is to spare.
        !self.is_raised.swap(true, Ordering::AcqRel)
    }

    /// For the loop: whether something may be left. It must not sleep then, since nobody wakes it.
    pub fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Acquire)
    }

    /// For the loop: what `pop` finds. The flag is down only after `pop` found nothing.
    pub fn take<T>(&self, mut pop: impl FnMut() -> Option<T>) -> Option<T> {
        pop().or_else(|| {
            // A flag that is down saves the swap: who pushes from here on wakes the loop.
            if !self.is_raised() || !self.is_raised.swap(false, Ordering::AcqRel) {
                return None;
            }
            let found = pop()?;
            // More may be left, and the loop may stop here. No store: that would hide what
            // publishers released who raised the flag since it was lowered; a swap passes it on.
            self.is_raised.swap(true, Ordering::Relaxed);
            Some(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wake_until_nothing_was_found() {
        let flag = WakeFlag::default();
        assert!(flag.raise());
        assert!(!flag.raise());
        let mut left = 2_u32;
        let mut pop = || left.checked_sub(1).inspect(|rest| left = *rest);
        assert!(flag.take(&mut pop).is_some() && flag.is_raised());
        assert!(flag.take(&mut pop).is_some() && flag.is_raised() && !flag.raise());
        assert!(flag.take(&mut pop).is_none() && !flag.is_raised());
        assert!(flag.raise());
    }

    /// Something pushed between the first look and the second: it is taken, and the loop knows that
    /// more may be left.
    #[test]
    fn the_second_look_counts() {
        let flag = WakeFlag::default();
        assert!(flag.raise());
        let mut looks = 0;
        let found = flag.take(|| {
            looks += 1;
            (looks == 2).then_some(())
        });
        assert!(found.is_some() && flag.is_raised());
    }
}

#[cfg(all(test, loom))]
mod loom {
    use ::loom::sync::atomic::{AtomicBool, Ordering};
    use ::loom::sync::{Arc, Notify};
    use ::loom::{model::Builder, thread};

    use super::WakeFlag;

    /// How often a thread is stopped where it could have gone on.
    const PREEMPTIONS_MAX: usize = 3;

    /// A queue of one place for each publisher, and one for what was published before. Its accesses
    /// order nothing: what the loop sees, it sees because of the flag or the wake.
    struct Model {
        flag: WakeFlag,
        places: [AtomicBool; 3],
        wake: Notify,
    }

    impl Model {
        fn publish(&self, place: usize) {
            self.places[place].store(true, Ordering::Relaxed);
            if self.flag.raise() {
                self.wake.notify();
            }
        }

        fn pop(&self) -> Option<()> {
            let full = self.places.iter().find(|place| place.load(Ordering::Relaxed))?;
            full.store(false, Ordering::Relaxed);
            Some(())
        }
    }

    /// A lost wake leaves the loop asleep with nobody left to wake it, which loom calls a deadlock.
    /// The loop takes one at a time and sleeps as soon as it may: the strictest budget.
    #[test]
    fn no_wake_is_lost() {
        let mut builder = Builder::new();
        // Without a bound it takes hours; bugs of this kind need two.
        builder.preemption_bound = Some(PREEMPTIONS_MAX);
        builder.check(|| {
            let shared = Arc::new(Model {
                flag: WakeFlag::default(),
                places: [AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false)],
                wake: Notify::new(),
            });
            // The wake of this one is used up: it must not stand for one that is lost.
            shared.publish(2);
            shared.wake.wait();
            let publishers = [0, 1].map(|place| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.publish(place))
            });
            let mut taken = 0;
            while taken < 3 {
                taken += usize::from(shared.flag.take(|| shared.pop()).is_some());
                if taken < 3 && !shared.flag.is_raised() {
                    shared.wake.wait();
                }
            }
            for publisher in publishers {
                publisher.join().unwrap();
            }
            assert!(shared.flag.take(|| shared.pop()).is_none());
        });
    }
}
