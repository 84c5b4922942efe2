//! Where payloads lie: slots that are free, and those that wait, shared by publishers and the loop.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;

use super::gate::Gate;
use super::{Capacity, InboxCounts};
use crate::limits::INBOX_SMALL_BYTES;
use crate::wake_flag::WakeFlag;

/// A place for one payload.
pub struct Slot {
    pub bytes: Box<[u8]>,
    /// How much of it is used.
    pub size: u32,
}

/// Keeps what several threads write away from what they only read.
#[repr(align(128))]
#[derive(Default)]
pub struct Apart<T>(pub T);

#[derive(Default)]
pub struct Counters {
    /// Counts what was published.
    pub gate: Gate,
    pub refused: AtomicU64,
    pub dropped: AtomicU64,
}

/// What publishers and the loop share.
pub struct Shared {
    /// Slots of `small_bytes`, and those that are longer.
    pub free_small: ArrayQueue<Slot>,
    pub free_large: ArrayQueue<Slot>,
    /// Events that wait, of both sizes, so that a publisher's order is kept. Those that may be
    /// dropped have a queue of their own, because a queue gives up its oldest and nothing else.
    pub kept: ArrayQueue<Slot>,
    pub droppable: ArrayQueue<Slot>,
    pub flag: Apart<WakeFlag>,
    pub counters: Apart<Counters>,
    pub small_bytes: usize,
    pub large_bytes: usize,
    pub wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    /// With all slots free.
    pub fn new(capacity: Capacity, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        let Capacity { small, large, event_bytes } = capacity;
        let large_bytes = usize::try_from(event_bytes).unwrap_or(usize::MAX);
        let small_bytes = INBOX_SMALL_BYTES.min(large_bytes);
        Self {
            free_small: slots(small, small_bytes),
            free_large: slots(large, large_bytes),
            kept: ArrayQueue::new(small + large),
            droppable: ArrayQueue::new(small + large),
            flag: Apart::default(),
            counters: Apart::default(),
            small_bytes,
            large_bytes,
            wake,
        }
    }

    /// Whether a slot is one of the small ones.
    pub fn is_small(&self, slot: &Slot) -> bool {
        slot.bytes.len() <= self.small_bytes
    }

    /// Makes a slot free again.
    pub fn give_back(&self, slot: Slot) {
        let free = if self.is_small(&slot) { &self.free_small } else { &self.free_large };
        // Each queue has room for every slot of its size.
        let is_room = free.push(slot).is_ok();
        debug_assert!(is_room);
    }

    /// What became of events so far.
    pub fn counts(&self) -> InboxCounts {
        let Counters { gate, refused, dropped } = &self.counters.0;
        InboxCounts {
            published: gate.entered(),
            refused: refused.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
        }
    }
}

fn slots(count: usize, size: usize) -> ArrayQueue<Slot> {
    let queue = ArrayQueue::new(count);
    for _ in 0..count {
        let is_room = queue.push(Slot { bytes: vec![0; size].into_boxed_slice(), size: 0 }).is_ok();
        debug_assert!(is_room);
    }
    queue
}
