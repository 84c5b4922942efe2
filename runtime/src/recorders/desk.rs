//! What the loop and the recorders' thread hand one another, without a lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;

use super::file::Counts;
use super::folder::FilePath;
use super::window::Window;
use crate::limits::{CONTROL_MAX, RECORDER_WORDS};
use crate::message::Message;

/// Somebody wants a recorder to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which, from 0 on.
    pub recorder: u8,
    /// What the answer is to carry.
    pub ticket: u64,
    /// Where who asks is connected, and nobody else.
    pub place: u8,
    /// How many milliseconds before now; 0 for all there are, and what comes.
    pub last_ms: u64,
}

/// What a recorder has to say.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // a few lie in a queue, and a box would be an allocation
pub enum Word {
    /// An order was carried out, or why it was not.
    Dumped {
        /// Of the order.
        ticket: u64,
        /// Which recorder.
        recorder: u8,
        /// What is in the file by now.
        outcome: Result<Written, Message>,
    },
    /// A file is complete.
    Ended {
        /// Which recorder.
        recorder: u8,
        /// What is in it.
        written: Written,
        /// What made it.
        why: Message,
    },
    /// It can't write, or gets nothing to write.
    Failed {
        /// Which recorder.
        recorder: u8,
        /// For people.
        why: Message,
    },
}

/// A file, as far as it is written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Where it is.
    pub path: FilePath,
    /// What is in it.
    pub counts: Counts,
    /// How many milliseconds before now it covers.
    pub before_ms: u64,
    /// For how many milliseconds it goes on.
    pub after_ms: u64,
}

/// How a recorder is: read by the loop at any time.
#[derive(Debug, Default)]
pub struct Gauges {
    held_ms: AtomicU64,
    held_bytes: AtomicU64,
    withheld: AtomicU64,
    is_writing: AtomicBool,
}

/// Both sides; see the module.
#[derive(Debug)]
pub struct Desk {
    /// To the thread. Each place of the control socket has one at most.
    pub orders: ArrayQueue<Order>,
    /// And back.
    pub words: ArrayQueue<Word>,
    /// By recorder.
    pub gauges: Vec<Gauges>,
    /// Whether the thread has begun.
    pub has_begun: AtomicBool,
    /// Whether the thread is to end.
    pub is_over: AtomicBool,
}

impl Desk {
    /// A desk for so many recorders.
    pub fn new(recorders: usize) -> Self {
        Self {
            orders: ArrayQueue::new(2 * CONTROL_MAX),
            words: ArrayQueue::new(RECORDER_WORDS),
            gauges: (0..recorders).map(|_| Gauges::default()).collect(),
            has_begun: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }
}

impl Gauges {
    /// What is kept now.
    pub fn set(&self, window: &Window, is_writing: bool, boot_ns: u64) {
        self.held_ms.store(window.held_ns(boot_ns) / 1_000_000, Ordering::Relaxed);
        self.held_bytes.store(window.size() as u64, Ordering::Relaxed);
        self.is_writing.store(is_writing, Ordering::Relaxed);
    }

    /// A cause came too soon behind the last file; whether it is to be counted.
    pub fn withheld(&self, is_counted: bool) {
        self.withheld.fetch_add(u64::from(is_counted), Ordering::Relaxed);
    }

    /// Milliseconds that are kept.
    pub fn held_ms(&self) -> u64 {
        self.held_ms.load(Ordering::Relaxed)
    }

    /// Bytes that are kept.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Events that would have made a file, too soon behind the last one.
    pub fn withheld_events(&self) -> u64 {
        self.withheld.load(Ordering::Relaxed)
    }

    /// Whether a file is written.
    pub fn is_writing(&self) -> bool {
        self.is_writing.load(Ordering::Relaxed)
    }
}
