//! After the start, nothing is allocated: not by writing, reading, failing or rotating.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kymo::journal::{Hint, MemoryStorage, Read};

use crate::rig::{checkpoint, frame, open, start};

struct Counting;

thread_local! {
    /// What this thread allocates while it counts; `None` while it does not.
    static COUNT: Cell<Option<u64>> = const { Cell::new(None) };
}

fn count() {
    let _ = COUNT.try_with(|cell| cell.set(cell.get().map(|count| count + 1)));
}

// SAFETY: each call is passed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `alloc`'s contract, and it is the same one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated_after_the_start() {
    let disk = MemoryStorage::new(4, 2048);
    let (mut journal, _) = open(&disk, &start(1, 1));
    let mut buffer = [0; 4096];
    let mut frames = Vec::new();
    for sequence in 1..=500 {
        frames.push(frame(sequence, sequence, 40));
    }
    let (mut hint, mut at, mut gaps) = (Hint::default(), 1, 0);
    COUNT.set(Some(0));
    for (frame, sequence) in frames.iter().zip(1..) {
        if sequence % 90 == 0 {
            disk.fail_writes(3, 100);
        }
        journal.append(sequence, frame, Some(("client", sequence))).expect("room");
        while journal.commit(&checkpoint(sequence)).is_err() {}
        if let Some(round) = journal.poll_sync() {
            journal.handle_synced(round, u64::from(sequence % 70 == 0));
        }
        if sequence % 40 == 0 {
            disk.flip(1, 700, 1);
        }
        if sequence % 25 != 0 {
            continue;
        }
        loop {
            match journal.read(at, &mut hint, &mut buffer) {
                Ok(Read::Frames { end, .. }) => at = end,
                Ok(Read::Gap { last, .. }) => (at, gaps) = (last + 1, gaps + 1),
                _ => break,
            }
        }
    }
    let allocations = COUNT.replace(None);
    assert_eq!((allocations, at), (Some(0), 501));
    assert!(gaps > 0 && journal.oldest() > 400);
}
