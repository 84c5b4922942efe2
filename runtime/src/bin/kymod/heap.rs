#![allow(unsafe_code)]
//! kymod's allocator: what is large lies in pages of its own, the rest where the system puts it,
//! and all of it is counted: after the start kymod allocates nothing, and its status says so.
//!
//! Nearly all of kymo's memory is tables for the worst case, made at the start and hardly ever
//! used. The C library writes its own notes in front of and behind each block, and zeroes some,
//! which makes a page or more of each resident. Here an untouched page is no memory, whatever the
//! size of the block it belongs to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Blocks of this size and more have pages of their own. A page that is used by one block alone
/// costs more than the notes where blocks are smaller.
const PAGED_SIZE_MIN: usize = 4096;
/// No system has smaller pages, so every mapping is aligned to this. Nothing of kymo's needs more.
const PAGED_ALIGN_MAX: usize = 4096;

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

/// Its functions are called and not copied to each of a thousand places.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: a block's size alone decides whether it lies in pages of its own or in the system's
// heap, so it is given back where it came from. Mappings are exclusively the block's, at least as
// long as it, aligned, and zero; the system's allocator has the contract of this one. A block that
// grows is a new one, as `realloc` is by itself: tables are made with the size they will have.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        if is_paged(layout) {
            return map(layout);
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        if is_paged(layout) {
            return map(layout);
        }
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if is_paged(layout) {
            let Some(pages) = NonNull::new(memory.cast()) else { return };
            // SAFETY: the layout says that the block is a mapping of this length, and its owner
            // does not use it any more. An error would mean that it isn't there.
            let _ = unsafe { munmap(pages, layout.size()) };
            return;
        }
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Not a question of alignment: then each of a thousand places that free would have to tell it.
fn is_paged(layout: Layout) -> bool {
    layout.size() >= PAGED_SIZE_MIN
}

/// New pages, zero and untouched; null when there are none, or none so aligned.
fn map(layout: Layout) -> *mut u8 {
    let size = NonZeroUsize::new(layout.size()).filter(|_| layout.align() <= PAGED_ALIGN_MAX);
    let Some(size) = size else { return ptr::null_mut() };
    let (access, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
    // SAFETY: an anonymous mapping that the kernel places where nothing is.
    let pages = unsafe { mmap_anonymous(None, size, access, flags) };
    pages.map_or(ptr::null_mut(), |pages| pages.as_ptr().cast())
}
