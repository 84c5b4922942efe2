//! How other threads end the loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use mio::Waker;

/// Ends a loop from any thread; [`Reactor::stopper`](crate::Reactor::stopper) makes one. Dropping
/// it does nothing.
#[derive(Clone, Debug)]
pub struct Stopper {
    is_asked: Arc<AtomicBool>,
    /// Nobody keeps a descriptor of a loop that has ended.
    waker: Weak<Waker>,
}

impl Stopper {
    pub(crate) fn new(is_asked: &Arc<AtomicBool>, waker: Weak<Waker>) -> Self {
        Self { is_asked: Arc::clone(is_asked), waker }
    }

    /// Makes the loop stop as [`Reactor::stop`](crate::Reactor::stop) does, in its next turn: it is
    /// woken for that. A second time changes nothing.
    pub fn stop(&self) {
        self.is_asked.store(true, Ordering::Release);
        // A loop that can't be woken is one that has ended.
        let _ = self.waker.upgrade().map(|waker| waker.wake());
    }
}
