//! What publishers and subscribers know together: which event has which sequence, how far they are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Publishers of a storm, one connection each; every second one speaks frames.
pub const PUBLISHERS: usize = 6;

/// So many events may the last of those who read be behind before publishers wait: far fewer than
/// the journal keeps. A debug build serves what its rings no longer have so slowly that it would
/// never be done.
const LAG_MAX: u64 = if cfg!(debug_assertions) { 600 } else { 4000 };

/// The ledger; see the module.
#[derive(Debug)]
pub struct Ledger {
    /// Sequence of the first event.
    pub first: u64,
    /// Of each publisher, the sequence it was told for each number from 0 on.
    acked: Mutex<[Vec<u64>; PUBLISHERS]>,
    events: AtomicU64,
    /// So many events has everybody who reads.
    taken: AtomicU64,
    is_over: AtomicBool,
}

impl Ledger {
    /// Before any event; the first will be `first`.
    pub fn new(first: u64) -> Self {
        Self {
            first,
            acked: Mutex::default(),
            events: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// The data of an event, which follows from whose it is.
    pub fn data(publisher: usize, number: u64) -> String {
        let size = usize::try_from((number * 7 + publisher as u64) % 16).unwrap();
        format!("{{\"n\":{number},\"pad\":\"{:x<size$}\"}}", "")
    }

    fn acked(&self) -> MutexGuard<'_, [Vec<u64>; PUBLISHERS]> {
        self.acked.lock().unwrap()
    }

    /// A publisher was told the sequences of its next numbers.
    pub fn tell(&self, publisher: usize, sequences: &[u64]) {
        self.acked()[publisher].extend(sequences);
        self.events.fetch_add(sequences.len() as u64, Ordering::SeqCst);
    }

    /// The sequence that a publisher was told for a number.
    pub fn sequence(&self, publisher: usize, number: u64) -> Option<u64> {
        self.acked()[publisher].get(usize::try_from(number).unwrap()).copied()
    }

    /// Events that publishers were told of.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::SeqCst)
    }

    /// Everybody who reads has this many events.
    pub fn take(&self, events: u64) {
        self.taken.store(events, Ordering::SeqCst);
    }

    /// Whether publishers should wait.
    pub fn is_ahead(&self) -> bool {
        self.events() > self.taken.load(Ordering::SeqCst) + LAG_MAX
    }

    /// Publishers are to end.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Whether publishers are to end.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}
