//! After the first steps a step allocates nothing but the packing buffers of its products.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use layerwise_autograd::tensor::ndarray::Array2;
use layerwise_autograd::{Act, Needs, PointwiseFn, Tape};
use layerwise_tensor::{Accum, Constant, Gradients, Layout, Mode, ParamKind, Params, Scalar, Stream, math};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static IN_POOL: Cell<bool> = const { Cell::new(false) };
}

/// What the workers of a pool allocate together; only the test with pools reads it.
static POOL_COUNT: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counting.
struct Counting;

fn note() {
    COUNT.set(COUNT.get() + 1);
    if IN_POOL.get() {
        POOL_COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

fn noted() -> u64 {
    if IN_POOL.get() { POOL_COUNT.load(Ordering::Relaxed) } else { COUNT.get() }
}

// SAFETY: every method hands its arguments unchanged to the system's allocator, which keeps the contract; counting touches no heap.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        note();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(memory) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, memory: Memory) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, memory) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, memory: Memory, size: usize) -> *mut u8 {
        note();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, memory, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Tanh;
impl PointwiseFn for Tanh {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        math::tanh(x)
    }
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        T::one() - y * y
    }
    fn d2f<T: Scalar>(_: [T; 2], y: T) -> T {
        T::of(-2.0) * y * (T::one() - y * y)
    }
}

struct Softplus;
impl PointwiseFn for Softplus {
    const NEEDS: Needs = Needs::Input;
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        math::softplus(x)
    }
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        math::sigmoid(x)
    }
}

/// Allocations and products of each of `steps` steps on batches of `full` rows, every third one of a third of them.
fn count<T: Scalar>(steps: u64, products: bool, full: usize, width: usize) -> Vec<(u64, u64)> {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let w = ["0.w", "1.w"].map(|n| scope.param(n, ParamKind::Weight, width, width, Constant(0.3 / width as f64)));
    let b = scope.param("0.b", ParamKind::Bias, 1, width, Constant(0.1));
    let buffers =
        [("m", width), ("v", width), ("n", 1)].map(|(n, c)| scope.param(n, ParamKind::Buffer, 1, c, Constant(1.0)));
    let stream = Stream::new(0);
    let mut params = Params::<T>::init(layout, &stream);
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let x = Array2::from_shape_fn((full, width), |(i, j)| T::of(((i * width + j) as f64).sin()));
    let labels: Vec<u32> = (0..full).map(|i| (i % width) as u32).collect();
    (0..steps)
        .map(|step| {
            let before = noted();
            let rows = if step % 3 == 2 { full / 3 } else { full };
            let mut g = tape.graph(&params, Mode::Train, stream.at(step));
            let v = g.input_from(rows, width, |out| {
                out.iter_mut().zip(&x).for_each(|(o, x)| *o = *x);
            });
            let b_var = g.param(b);
            let mut y = g.add(v, b_var);
            for (i, name) in ["first", "second"].into_iter().enumerate() {
                g.enter("layers");
                g.enter(name);
                let w_var = g.param(w[i]);
                if products {
                    y = g.linear_act(y, w_var, Some(b_var), Act::new(&Softplus, [0.0; 2]));
                    y = g.linear_act_dropout(y, w_var, Some(b_var), Some(Act::new(&Tanh, [0.0; 2])), 0.2);
                    y = g.tied_linear(y, w_var, None);
                }
                y = g.activate(y, Act::new(&Tanh, [0.0; 2]));
                let d = g.activate_derivative(y, Act::new(&Tanh, [0.0; 2]));
                y = g.add(y, d);
                y = g.dropout(y, 0.1);
                y = g.layer_norm(y, Some(b_var), Some(b_var), 1e-5);
                y = g.batch_norm(y, Some(b_var), None, buffers[0], buffers[1], buffers[2], 1e-5, 0.1);
                y = g.mul(y, b_var);
                y = g.concat(y, v);
                y = g.slice_cols(y, 3..3 + width);
                g.leave();
                g.leave();
            }
            let t = g.transpose(y);
            let s = g.sum_over_rows(t);
            let s = g.mean_all(s);
            let kl = g.gaussian_kl(y, v);
            let z = g.reparameterise(y, y);
            let ce = g.softmax_cross_entropy(z, &labels[..rows]);
            let p = g.softmax(z);
            let mse = g.mse(p, v);
            let bce = g.bce_with_logits(y, v);
            let mut loss = g.add(s, kl);
            for term in [ce, mse, bce] {
                loss = g.add(loss, term);
            }
            assert!(g.backward(loss, &mut grads, Accum::Replace).is_finite());
            grads.apply_updates(&mut params);
            (noted() - before, tape.products())
        })
        .collect()
}

fn law<T: Scalar>() {
    for (step, (allocations, products)) in count::<T>(12, false, 20, 16).into_iter().enumerate().skip(2) {
        assert_eq!((allocations, products), (0, 0), "step {step}");
    }
    for (step, (allocations, products)) in count::<T>(12, true, 20, 16).into_iter().enumerate().skip(2) {
        // Products this small are one call each; a backend either packs into a new buffer at every call or at none.
        assert!(
            allocations == 0 || allocations == products,
            "step {step}: {allocations} allocations, {products} products"
        );
        assert_eq!(products, 18);
    }
}

#[test]
fn f32_steps_allocate_nothing() {
    law::<f32>();
}

#[test]
fn f64_steps_allocate_nothing() {
    law::<f64>();
}

/// Allocations of the steps after the fourth, by all workers of a pool, on batches that are worth splitting.
fn in_pool<T: Scalar>(threads: usize, products: bool) -> Vec<u64> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).start_handler(|_| IN_POOL.set(true)).build();
    let steps = pool.expect("a pool of two threads").install(|| {
        if threads == 2 {
            // A worker's first theft allocates, whenever that may happen on a busy machine: let it happen now.
            let meeting = std::sync::Barrier::new(2);
            rayon::join(|| meeting.wait(), || meeting.wait());
        }
        count::<T>(16, products, 300, 160)
    });
    steps.into_iter().skip(4).map(|(allocations, _)| allocations).collect()
}

#[test]
fn steps_of_two_threads_allocate_what_steps_of_one_do() {
    assert_eq!(in_pool::<f32>(2, false), [0; 12]);
    assert_eq!(in_pool::<f64>(2, false), [0; 12]);
    // Packing buffers, if any: as many as there are tiles, whose edges do not depend on the number of threads.
    assert_eq!(in_pool::<f32>(2, true), in_pool::<f32>(1, true));
    assert_eq!(in_pool::<f64>(2, true), in_pool::<f64>(1, true));
}
