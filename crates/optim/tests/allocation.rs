//! A step allocates nothing. A program of its own without the test harness, because it counts what the whole process allocates, and
//! the threads of the harness allocate when they like.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use layerwise_optim::{
    Adam, Clip, Ema, Group, L1Style, Lbfgs, LbfgsConfig, Lookahead, Muon, OptimizerConfig, Plateau, Swa, constraint,
    lbfgs, rule, schedule,
};
use layerwise_tensor::{BufferUpdate, Constant, Gradients, Layout, ParamKind, Params, Scalar, Stream, kernel};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes unchanged to the system's allocator, which keeps the contract; counting touches no memory of theirs.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, start: *mut u8, memory: Memory) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(start, memory) }
    }

    unsafe fn realloc(&self, start: *mut u8, memory: Memory, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(start, memory, size) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

/// Allocations that are not packing buffers of products, one for each where the backend needs them.
fn allocations<T: Scalar>(config: &OptimizerConfig) -> u64 {
    let mut layout = Layout::new();
    let weight = layout.scope().param("weight", ParamKind::Weight, 300, 300, Constant(1.0));
    let mean = layout.scope().param("mean", ParamKind::Buffer, 1, 300, Constant(1.0));
    let mut params = Params::<T>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut optimizer = config.build(&params).expect("a sample of the table");
    let (mut ema, mut swa) = (Ema::new(0.9, &params), Swa::new(&params));
    let mut lookahead = Lookahead::new(2, 0.5, &params);
    let (mut before, mut products) = (0, 0);
    for step in 0..8 {
        if step == 3 {
            (before, products) = (ALLOCATIONS.load(Ordering::Relaxed), kernel::product_blocks());
        }
        grads.clear();
        grads.slot(weight).0.fill(T::of(0.5));
        grads.push_update(mean, BufferUpdate::Blend { momentum: 0.1 }).fill(T::one());
        optimizer.step(&mut params, &mut grads);
        optimizer.observe(1.0);
        lookahead.step(&mut params);
        ema.update(&params);
        swa.update(&params);
    }
    let packed = if kernel::backend() == "matrixmultiply" { kernel::product_blocks() - products } else { 0 };
    (ALLOCATIONS.load(Ordering::Relaxed) - before).saturating_sub(packed)
}

/// Every rule; every constraint with the forms of clipping and penalty that look at units; every schedule.
fn configs() -> Vec<OptimizerConfig> {
    let rules = rule::table().iter().flat_map(|entry| entry.samples()).map(|sample| sample.rule);
    let mut configs: Vec<_> = rules.map(|r| OptimizerConfig::new(r).clip(Clip::GlobalNorm(1.0))).collect();
    let units = OptimizerConfig::new(Adam::default()).clip(Clip::Adaptive { ratio: 0.01, floor: 1e-3 }).l1(0.1);
    let units = units.l1_style(L1Style::Proximal).plateau(Plateau::default().patience(2));
    let constraints = constraint::table().iter().flat_map(|entry| entry.samples());
    configs.extend(constraints.map(|c| units.clone().constraint(c)));
    let group = Group::of_kinds(&[ParamKind::Weight]).rule(Muon::default());
    configs.push(OptimizerConfig::new(Adam::default()).clip(Clip::ParameterNorm(1.0)).group(group));
    let schedules = schedule::table().iter().flat_map(|entry| entry.samples());
    configs.extend(schedules.map(|s| OptimizerConfig::new(Adam::default()).schedule(s)));
    configs
}

/// L-BFGS, once its history is full.
fn allocations_of_lbfgs<T: Scalar>(config: LbfgsConfig) -> u64 {
    let mut layout = Layout::new();
    let weight = layout.scope().param("weight", ParamKind::Weight, 300, 300, Constant(1.0));
    let mut params = Params::<T>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut optimizer = Lbfgs::new(config.history(2).max_iter(3).tolerances(0.0, 0.0), &params);
    let mut before = 0;
    for step in 0..6 {
        if step == 2 {
            before = ALLOCATIONS.load(Ordering::Relaxed);
        }
        // `sum c_i (cosh(w_i) - 1)`, whose curvature changes: every move is a new pair.
        optimizer.step(&mut params, &mut grads, |params: &Params<T>, grads: &mut Gradients<T>| {
            let mut loss = 0.0;
            for (i, (g, w)) in grads.slot(weight).0.iter_mut().zip(params.get(weight)).enumerate() {
                let (c, w) = (1e-4 * (1 + i % 7) as f64, w.as_f64());
                *g = T::of(c * w.sinh());
                loss += c * (w.cosh() - 1.0);
            }
            loss
        });
    }
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// Every worker takes a piece of work: its first theft allocates, whenever that may happen on a busy machine.
fn meet(threads: usize) {
    let all = Barrier::new(threads);
    match threads {
        1 => {}
        2 => drop(rayon::join(|| all.wait(), || all.wait())),
        _ => unreachable!("this test uses one or two threads"),
    }
}

fn main() {
    // Both pools live to the end: a worker that ends allocates once more, some time after its pool was dropped.
    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool"));
    pools.iter().for_each(|pool| pool.install(|| meet(pool.current_num_threads())));
    for pool in &pools {
        for config in configs() {
            let (single, double) = pool.install(|| (allocations::<f32>(&config), allocations::<f64>(&config)));
            assert_eq!((single, double), (0, 0), "{} threads, {config:?}", pool.current_num_threads());
        }
        for config in lbfgs::samples() {
            let (single, double) =
                pool.install(|| (allocations_of_lbfgs::<f32>(config), allocations_of_lbfgs::<f64>(config)));
            assert_eq!((single, double), (0, 0), "{} threads, {config:?}", pool.current_num_threads());
        }
    }
}
