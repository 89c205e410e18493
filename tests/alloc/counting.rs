//! An allocator that counts: how often the process asked for memory, for how much, and the most it held at a time.

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);
static HELD: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

/// Allocations so far; one that grows counts again.
pub(crate) fn allocations() -> u64 {
    ALLOCATIONS.load(Relaxed)
}

/// Bytes of all allocations so far, whether given back or not.
pub(crate) fn asked() -> u64 {
    ASKED.load(Relaxed)
}

/// Bytes held now; the peak is counted anew from here.
pub(crate) fn restart_peak() -> u64 {
    let held = HELD.load(Relaxed);
    PEAK.store(held, Relaxed);
    held
}

/// The most bytes held since the last restart.
pub(crate) fn peak() -> u64 {
    PEAK.load(Relaxed)
}

fn grow(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    ASKED.fetch_add(bytes as u64, Relaxed);
    let held = HELD.fetch_add(bytes as u64, Relaxed) + bytes as u64;
    PEAK.fetch_max(held, Relaxed);
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches only atomics.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        grow(memory.size());
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(memory) }
    }

    // The default would write the zeros itself: pages that nobody touches would be touched.
    unsafe fn alloc_zeroed(&self, memory: Memory) -> *mut u8 {
        grow(memory.size());
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc_zeroed(memory) }
    }

    unsafe fn dealloc(&self, place: *mut u8, memory: Memory) {
        HELD.fetch_sub(memory.size() as u64, Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.dealloc(place, memory) }
    }

    unsafe fn realloc(&self, place: *mut u8, memory: Memory, size: usize) -> *mut u8 {
        // The old and the new place may be held at a time.
        grow(size);
        HELD.fetch_sub(memory.size() as u64, Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.realloc(place, memory, size) }
    }
}
