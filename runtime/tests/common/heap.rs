//! Counts heap allocations: the global allocator of whichever test has this module.

#![allow(dead_code)] // each test uses its part

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

struct Counting;

/// Whether those of all threads are counted.
static IS_COUNTED: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// What this thread allocates while it alone counts; `None` while it does not.
    static OF_THREAD: Cell<Option<u64>> = const { Cell::new(None) };
}

fn count() {
    if IS_COUNTED.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
    let _ = OF_THREAD.try_with(|cell| cell.set(cell.get().map(|count| count + 1)));
}

// SAFETY: each call is passed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `alloc`'s contract, and it is the same one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts what every thread allocates while `work` runs.
pub fn counted<T>(work: impl FnOnce() -> T) -> T {
    IS_COUNTED.store(true, Ordering::Relaxed);
    let outcome = work();
    IS_COUNTED.store(false, Ordering::Relaxed);
    outcome
}

/// What was counted so far.
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// How often this thread allocates while `work` runs: for tests that are not alone.
pub fn allocations_of(work: impl FnOnce()) -> u64 {
    OF_THREAD.set(Some(0));
    work();
    OF_THREAD.replace(None).unwrap_or(0)
}
