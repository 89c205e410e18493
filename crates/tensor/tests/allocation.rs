//! Kernels allocate nothing in the steady state, whoever works; and several workers really do.
//!
//! A binary of its own with one test: it counts every allocation of the process.

#![allow(unsafe_code, reason = "a counting allocator forwards to the system's")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use common::Work;
use layerwise_tensor::Accum;
use layerwise_tensor::kernel::{Form, Par, backend, gemm, reset_work_log, work_log};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn nothing_is_allocated_in_the_steady_state() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    let mut work = Work::<f32>::new(1, 300, 200, 260);
    pool.install(|| {
        // A worker's first theft and its first product allocate, whenever that may happen on a busy machine: let it happen now.
        let meeting = std::sync::Barrier::new(2);
        let multiply = || {
            meeting.wait();
            gemm(Form::Nn, 1, 1, 1, &[1.0f32], &[1.0], Accum::Replace, &mut [0.0], Par::Seq);
        };
        rayon::join(multiply, multiply);
        for _ in 0..20 {
            work.products(Par::Auto);
            work.passes(Par::Auto);
        }
        reset_work_log();
        let passes = counted(|| (0..50).for_each(|_| work.passes(Par::Auto)));
        assert_eq!(passes, 0, "passes over memory allocated");
        let tried = (0..500).find(|_| {
            work.passes(Par::Auto);
            work_log().workers() >= 2
        });
        assert!(tried.is_some(), "only one worker ever executed a tile: {:?}", work_log());

        reset_work_log();
        let products = counted(|| (0..20).for_each(|_| work.products(Par::Auto)));
        // `matrixmultiply` packs into a buffer of its own, one for each block; the others do not.
        let allowed = if backend() == "matrixmultiply" { work_log().total() } else { 0 };
        assert!(products <= allowed, "{products} allocations in products, {allowed} blocks");
    });
}

fn counted(f: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    f();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}
