//! How a thread of the lane waits for work, and how it learns that there will be no more.
//!
//! Whoever has work for it puts it in its place first and rings then, which is `unpark`; a ring
//! while it is awake keeps it from its next sleep. So it looks at the place once more after each.
//!
//! `make loom` tries every order in which a thread and the loop can meet with at most three
//! preemptions.

#[cfg(all(test, loom))]
use ::loom::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
#[cfg(not(all(test, loom)))]
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// The bell of a lane's threads; see the module.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_over: AtomicBool,
}

impl Bell {
    /// For the thread: waits for what `pop` finds. `None` is the end.
    pub(super) fn next<T>(&self, mut pop: impl FnMut() -> Option<T>) -> Option<T> {
        // It hurries nothing on its way: who reads it, has been rung for.
        while !self.is_over.load(Ordering::Relaxed) {
            let found = pop();
            if found.is_some() {
                return found;
            }
            thread::park();
        }
        None
    }

    /// For the loop: nothing follows. The threads still have to be rung for.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

#[cfg(all(test, loom))]
mod loom {
    use ::loom::sync::atomic::{AtomicBool, Ordering};
    use ::loom::sync::{Arc, Notify};
    use ::loom::{model::Builder, thread};

    use super::Bell;

    /// How often a thread is stopped where it could have gone on.
    const PREEMPTIONS_MAX: usize = 3;
    const ROUNDS: usize = 2;

    /// What was asked for and what is done, a place for each, so that none is used twice. Their
    /// accesses order nothing: what is seen, is seen because of the bell or the wake.
    struct Model {
        bell: Bell,
        asked: [AtomicBool; ROUNDS],
        done: [AtomicBool; ROUNDS],
        wake: Notify,
    }

    /// A lost ring leaves the thread asleep, and a lost end leaves the loop waiting for it, which
    /// loom calls a deadlock.
    #[test]
    fn no_ring_is_lost() {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(PREEMPTIONS_MAX);
        builder.check(|| {
            let shared = Arc::new(Model {
                bell: Bell::default(),
                asked: [AtomicBool::new(false), AtomicBool::new(false)],
                done: [AtomicBool::new(false), AtomicBool::new(false)],
                wake: Notify::new(),
            });
            let theirs = Arc::clone(&shared);
            let worker = thread::spawn(move || {
                let mut places = theirs.asked.iter().zip(&theirs.done).peekable();
                let is_asked = |place: &AtomicBool| place.load(Ordering::Relaxed);
                let mut pop = || places.next_if(|(asked, _)| is_asked(asked));
                while let Some((_, done)) = theirs.bell.next(&mut pop) {
                    done.store(true, Ordering::Relaxed);
                    theirs.wake.notify();
                }
            });
            for (asked, done) in shared.asked.iter().zip(&shared.done) {
                asked.store(true, Ordering::Relaxed);
                worker.thread().unpark();
                while !done.load(Ordering::Relaxed) {
                    shared.wake.wait();
                }
            }
            shared.bell.end();
            worker.thread().unpark();
            worker.join().unwrap();
        });
    }
}
