//! What all threads of a run know together: which events there are, what their publishers were
//! told, how far the subscribers have come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::random::Random;
use crate::subscriber::Seen;

/// Publishers of a run: one speaks JSON, one frames.
pub const PUBLISHERS: usize = 2;

/// Subscribers of a run.
pub const SUBSCRIBERS: usize = 2;

/// So many events may a subscriber be behind what publishers were told, so that the journal always
/// has what it needs.
const LAG_MAX: u64 = 600;

/// The ledger; see the module.
#[derive(Debug)]
pub struct Ledger {
    seed: u64,
    /// Numbers below these were sent at least once.
    sent: [AtomicU64; PUBLISHERS],
    /// Of each publisher, the sequence it was told for each number from 0 on.
    acked: Mutex<[Vec<u64>; PUBLISHERS]>,
    /// The highest sequence a publisher was told.
    told: AtomicU64,
    /// The last sequence each subscriber has.
    arrived: [AtomicU64; SUBSCRIBERS],
    is_draining: AtomicBool,
    is_over: AtomicBool,
}

impl Ledger {
    /// Nothing has happened yet.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            sent: Default::default(),
            acked: Mutex::default(),
            told: AtomicU64::new(0),
            arrived: Default::default(),
            is_draining: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    /// Random numbers for the thread with this name.
    pub fn random(&self, name: &str) -> Random {
        let mut seed = self.seed;
        for byte in name.bytes() {
            seed = Random::new(seed ^ u64::from(byte)).next();
        }
        Random::new(seed)
    }

    /// The data of an event, which follows from whose it is.
    pub fn data(&self, publisher: usize, number: u64) -> String {
        let mut random = Random::new(self.seed ^ number << 8 ^ publisher as u64);
        let size = if random.one_in(64) { 4000 } else { 100 };
        let size = usize::try_from(random.below(size)).unwrap();
        let letter = char::from(b'a' + u8::try_from(random.below(26)).unwrap());
        let padding: String = std::iter::repeat_n(letter, size).collect();
        format!("{{\"n\":{number},\"pad\":\"{padding}\"}}")
    }

    fn acked(&self) -> MutexGuard<'_, [Vec<u64>; PUBLISHERS]> {
        self.acked.lock().unwrap()
    }

    /// A publisher is about to send the numbers below `end`.
    pub fn send(&self, publisher: usize, end: u64) {
        self.sent[publisher].fetch_max(end, Ordering::SeqCst);
    }

    /// A publisher was told the sequence of `number`, which is the first it was not told yet.
    pub fn tell(&self, publisher: usize, number: u64, sequence: u64) -> Result<(), String> {
        let mut acked = self.acked();
        if acked[publisher].len() as u64 != number {
            return Err(format!("number {number} of publisher {publisher} out of order"));
        }
        acked[publisher].push(sequence);
        self.told.fetch_max(sequence, Ordering::SeqCst);
        Ok(())
    }

    /// How many numbers a publisher has sent at least once.
    pub fn sent_by(&self, publisher: usize) -> u64 {
        self.sent[publisher].load(Ordering::SeqCst)
    }

    /// How many of them were answered.
    pub fn acked_by(&self, publisher: usize) -> u64 {
        self.acked()[publisher].len() as u64
    }

    /// A subscriber has event `sequence`.
    pub fn arrive(&self, subscriber: usize, sequence: u64) {
        self.arrived[subscriber].store(sequence, Ordering::SeqCst);
    }

    /// Whether this event was ever sent.
    pub fn is_known(&self, publisher: usize, number: u64) -> bool {
        number < self.sent_by(publisher)
    }

    /// The highest sequence a publisher was told.
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// Whether every subscriber has event `sequence`.
    pub fn has_arrived(&self, sequence: u64) -> bool {
        self.arrived.iter().all(|arrived| arrived.load(Ordering::SeqCst) >= sequence)
    }

    /// Whether publishers should wait.
    pub fn is_ahead(&self) -> bool {
        !self.has_arrived(self.told().saturating_sub(LAG_MAX))
    }

    /// Publishers are to send nothing new.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
    }

    /// Whether publishers are to send nothing new.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::SeqCst)
    }

    /// Everybody is to end.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Whether everybody is to end.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Compares what a subscriber has with what publishers were told.
    pub fn compare(&self, seen: &Seen) -> Result<(), String> {
        for (publisher, acked) in self.acked().iter().enumerate() {
            for (number, sequence) in acked.iter().enumerate() {
                let got = seen[publisher].get(number);
                if got != Some(sequence) {
                    return Err(format!(
                        "publisher {publisher} was told that its number {number} has sequence \
                         {sequence}, and {got:?} arrived"
                    ));
                }
            }
        }
        Ok(())
    }
}
