//! A step in the steady state allocates nothing but the packing buffers of its matrix products.
//!
//! A program of its own, without the test harness: the counter sees every allocation of the process, the harness' own too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use layerwise_nn_layers::{Activation, BuildModel, Mlp, Mse, SoftmaxCrossEntropy};
use layerwise_tensor::kernel::{self, LinearShape, Par};
use layerwise_tensor::{Accum, Scalar, Stream};
use layerwise_train::{Samples, Trainer};
use ndarray::Array2;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[allow(unsafe_code)]
// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const BATCH: usize = 256;
const WIDTHS: [usize; 4] = [120, 300, 200, 10];
const STEPS: usize = 12;

/// Allocations of each step but the first three, from gathering the batch to the update.
fn per_step<T: Scalar>(threads: usize) -> Vec<u64> {
    let rows = BATCH * STEPS;
    let mut x = Array2::<T>::zeros((rows, WIDTHS[0]));
    Stream::new(1).normal(0, x.as_slice_mut().unwrap());
    let y: Vec<u32> = (0..rows as u32).map(|i| i % 10).collect();
    let config = Mlp::builder(WIDTHS[0]).hidden(&WIDTHS[1..3]).outputs(WIDTHS[3]);
    let (mlp, mut params) = config.activation(Activation::RELU).dropout(0.2).create::<T>(1).unwrap();
    let samples = Samples::labels(x.view(), &y).unwrap();
    let mut counts = Vec::with_capacity(STEPS);
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(1).batch(BATCH).on_step(|_| {
        counts.push(ALLOCATIONS.load(Ordering::Relaxed));
        ControlFlow::Continue(())
    });
    pool(threads).install(|| trainer.fit(&mut params, &samples)).unwrap();
    counts.windows(2).skip(2).map(|w| w[1] - w[0]).collect()
}

/// The same for an autoencoder whose rows have weights and whose values have a mask.
fn per_weighted_step(threads: usize) -> Vec<u64> {
    let rows = BATCH * STEPS;
    let mut x = Array2::<f64>::zeros((rows, WIDTHS[0]));
    Stream::new(1).normal(0, x.as_slice_mut().unwrap());
    let mask = x.mapv(|v| f64::from(u8::from(v > -1.0)));
    let weights: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).collect();
    let config = Mlp::builder(WIDTHS[0]).hidden(&WIDTHS[1..3]).outputs(WIDTHS[0]);
    let (mlp, mut params) = config.activation(Activation::RELU).create::<f64>(1).unwrap();
    let samples = Samples::reconstruct(x.view()).unwrap().weights(&weights).unwrap().mask(mask.view()).unwrap();
    let mut counts = Vec::with_capacity(STEPS);
    let trainer = Trainer::new(&mlp, Mse).epochs(1).batch(BATCH).on_step(|_| {
        counts.push(ALLOCATIONS.load(Ordering::Relaxed));
        ControlFlow::Continue(())
    });
    pool(threads).install(|| trainer.fit(&mut params, &samples)).unwrap();
    counts.windows(2).skip(2).map(|w| w[1] - w[0]).collect()
}

/// Allocations of the matrix products of such a step alone.
fn of_products<T: Scalar>(threads: usize, widths: [usize; 4]) -> u64 {
    let layers: Vec<_> = widths.windows(2).map(|w| LinearShape { batch: BATCH, inputs: w[0], outputs: w[1] }).collect();
    let buffer = |n: usize| vec![T::one(); n];
    let mut memory: Vec<_> = layers
        .iter()
        .map(|s| (buffer(s.batch * s.inputs), buffer(s.inputs * s.outputs), buffer(s.batch * s.outputs)))
        .collect();
    let mut products = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for (i, (s, (x, w, y))) in layers.iter().zip(&mut memory).enumerate() {
            kernel::linear_forward(*s, x, w, None, y, &mut [], None, Par::Auto);
            kernel::linear_backward_weight(*s, x, y, Accum::Replace, w, Par::Auto);
            if i > 0 {
                kernel::linear_backward_input(*s, y, w, Accum::Replace, x, Par::Auto);
            }
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    // Workers set themselves up when they first steal a tile, which the first runs need not do.
    pool(threads).install(|| (0..20).map(|_| products()).last().unwrap_or(0))
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn main() {
    for threads in [1, 2] {
        let (narrow, wide) = (of_products::<f32>(threads, WIDTHS), of_products::<f64>(threads, WIDTHS));
        let (steps_f32, steps_f64) = (per_step::<f32>(threads), per_step::<f64>(threads));
        println!(
            "{threads} threads, f32: products {narrow}, steps {steps_f32:?}; f64: products {wide}, steps {steps_f64:?}"
        );
        assert!(steps_f32.iter().all(|n| *n == narrow), "f32, {threads} threads: {steps_f32:?}, products {narrow}");
        assert!(steps_f64.iter().all(|n| *n == wide), "f64, {threads} threads: {steps_f64:?}, products {wide}");
        let [inputs, first, second, _] = WIDTHS;
        let (products, steps) =
            (of_products::<f64>(threads, [inputs, first, second, inputs]), per_weighted_step(threads));
        println!("{threads} threads, weights and mask: products {products}, steps {steps:?}");
        assert!(steps.iter().all(|n| *n == products), "weights, {threads} threads: {steps:?}, products {products}");
        if cfg!(feature = "openblas") {
            assert_eq!((narrow, wide), (0, 0), "a BLAS packs into memory of its own");
        }
    }
}
