//! Whether events are let in, and how many were: so that at the end of a loop each is either taken,
//! or its publisher knows that it was not.
//!
//! Both are one number. A publisher counts itself in and learns by the same step whether the gate
//! was closed before; the loop closes it and learns who came before that. Whoever the loop counts
//! hands an event over, so it waits for as many as it has counted, and for no other.
//!
//! `make loom` tries every order in which two publishers and a loop that ends can meet.

#[cfg(all(test, loom))]
use ::loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicU64, Ordering};

const CLOSED: u64 = 1 << 63;

/// The gate; see the module.
#[derive(Debug, Default)]
pub struct Gate {
    /// How many were let in, and [`CLOSED`].
    state: AtomicU64,
}

impl Gate {
    /// For a publisher, before it hands its event over. Where this is `false` it must not.
    #[must_use]
    pub fn enter(&self) -> bool {
        let is_open = self.state.fetch_add(1, Ordering::AcqRel) & CLOSED == 0;
        if !is_open {
            // Until here the loop may count one too many, and looks again.
            self.state.fetch_sub(1, Ordering::AcqRel);
        }
        is_open
    }

    /// For the loop: nobody is let in from here on.
    pub fn close(&self) {
        self.state.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many were let in.
    pub fn entered(&self) -> u64 {
        self.state.load(Ordering::Acquire) & !CLOSED
    }
}

#[cfg(all(test, loom))]
mod loom {
    use ::loom::sync::atomic::{AtomicBool, Ordering};
    use ::loom::sync::{Arc, Notify};
    use ::loom::{model::Builder, thread};

    use super::Gate;

    /// How often a thread is stopped where it could have gone on.
    const PREEMPTIONS_MAX: usize = 3;

    struct Model {
        gate: Gate,
        /// A queue of one place for each publisher.
        places: [AtomicBool; 2],
        /// Stands for the loop's looking again.
        is_handed_over: Notify,
    }

    impl Model {
        /// Whether the publisher believes that its event was taken in.
        fn publish(&self, place: usize) -> bool {
            let is_let_in = self.gate.enter();
            if is_let_in {
                // A queue's push is such a step, too: a plain store has no place in their order.
                self.places[place].swap(true, Ordering::AcqRel);
            }
            self.is_handed_over.notify();
            is_let_in
        }

        fn take(&self) -> u64 {
            let taken = self.places.iter().filter(|place| place.swap(false, Ordering::AcqRel));
            taken.count() as u64
        }
    }

    /// The loop ends while both publish. It takes what it has counted, waiting for who is on the
    /// way, and nothing comes behind it. A wait for nobody is what loom calls a deadlock.
    #[test]
    fn what_was_let_in_is_taken_and_the_rest_knows() {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(PREEMPTIONS_MAX);
        builder.check(|| {
            let shared = Arc::new(Model {
                gate: Gate::default(),
                places: [AtomicBool::new(false), AtomicBool::new(false)],
                is_handed_over: Notify::new(),
            });
            let publishers = [0, 1].map(|place| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.publish(place))
            });
            let mut taken = shared.take();
            shared.gate.close();
            loop {
                taken += shared.take();
                if taken == shared.gate.entered() {
                    break;
                }
                shared.is_handed_over.wait();
            }
            let believed = publishers.map(|publisher| publisher.join().unwrap());
            assert_eq!(taken, believed.iter().filter(|is_let_in| **is_let_in).count() as u64);
            assert_eq!(shared.take(), 0);
            assert!(shared.gate.entered() == taken && shared.gate.is_closed());
        });
    }
}
