#![allow(unsafe_code)]
//! The system's allocator, counted: after the start kymod allocates nothing, and its status says
//! so.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BEFORE: AtomicU64 = AtomicU64::new(0);

/// Says that the start is done.
pub fn start_is_done() {
    BEFORE.store(ALLOCATIONS.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// Allocations since then.
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed).saturating_sub(BEFORE.load(Ordering::Relaxed))
}

struct Counted;

#[global_allocator]
static HEAP: Counted = Counted;

// SAFETY: every call goes to the system's allocator as it came, whose contract is this one's.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}
