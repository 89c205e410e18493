//! What the laws share: cases from the tables, runs of a module, pools, comparisons.

use std::sync::Arc;

use layerwise::autograd::{Graph, Tape};
use layerwise::nn::layer::{self, LayerTraits};
use layerwise::nn::{AnyModule, Module};
use layerwise::tensor::{Accum, Gradients, Layout, Mode, Params, Scalar, Stream};
use ndarray::{Array2, ArrayView2};

/// A layer of the table with one of its sample configurations.
pub(crate) struct Case {
    pub(crate) layer: &'static str,
    pub(crate) name: String,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) traits: LayerTraits,
    pub(crate) module: Box<dyn AnyModule>,
    pub(crate) layout: Arc<Layout>,
}

impl Case {
    /// Random rows that the layer is meant for: standard normal, or those numbers squeezed into its range.
    pub(crate) fn input<T: Scalar>(&self, rows: usize, seed: u64) -> Array2<T> {
        let x = normal::<f64>(rows, self.inputs, seed);
        let x = match self.traits.range {
            Some([lo, hi]) => x.mapv(|v| lo + (hi - lo) / (1.0 + (-v).exp())),
            None => x,
        };
        x.mapv(T::of)
    }

    /// [`params`], with buffers as a step of training leaves them.
    pub(crate) fn params<T: Scalar>(&self) -> Params<T> {
        let mut params = params::<f64>(&self.layout);
        let mut grads = Gradients::new(&params);
        let mut tape = Tape::new();
        let mut g = tape.graph(&params, Mode::Train, Stream::new(13));
        let x = g.input(self.input(17, 2).view());
        Module::<f64>::forward(&*self.module, &mut g, x);
        g.finish(&mut grads);
        grads.apply_updates(&mut params);
        params.cast()
    }
}

/// All layers of the table with all their samples.
pub(crate) fn layer_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in layer::table() {
        let samples = entry.sample_configs().expect("samples are configurations");
        assert!(!samples.is_empty(), "layer `{}` has no sample, so no law would run over it", entry.name);
        for (inputs, config) in samples {
            let mut layout = Layout::new();
            let (module, outputs) = config.build(&mut layout.scope(), inputs).expect("samples build");
            cases.push(Case {
                layer: entry.name,
                name: serde_json::to_string(&config).expect("configurations are JSON"),
                inputs,
                outputs,
                traits: config.traits().expect("samples have traits"),
                module,
                layout: Arc::new(layout),
            });
        }
    }
    cases
}

/// Parameters away from their special first values (zeros, ones), the same in `f32` and `f64`.
pub(crate) fn params<T: Scalar>(layout: &Arc<Layout>) -> Params<T> {
    let mut params = Params::<f64>::init(Arc::clone(layout), &Stream::new(11).child("init"));
    let mut noise = vec![0.0; params.trainable().len()];
    Stream::new(12).normal(0, &mut noise);
    params.trainable_mut().iter_mut().zip(&noise).for_each(|(p, n)| *p += 0.1 * n);
    params.cast()
}

/// Standard normal numbers `(rows, cols)`, the same in `f32` and `f64` up to rounding.
pub(crate) fn normal<T: Scalar>(rows: usize, cols: usize, seed: u64) -> Array2<T> {
    let mut values = vec![0.0f64; rows * cols];
    Stream::new(seed).child("normal").normal(0, &mut values);
    Array2::from_shape_fn((rows, cols), |(i, j)| T::of(values[i * cols + j]))
}

/// Moves entries that lie within `distance` of a kink to that distance.
pub(crate) fn away_from<T: Scalar>(mut x: Array2<T>, kinks: &[f64], distance: f64) -> Array2<T> {
    for kink in kinks {
        x.mapv_inplace(|v| {
            let offset = v.as_f64() - kink;
            if offset.abs() < distance { T::of(kink + distance.copysign(offset)) } else { v }
        });
    }
    x
}

/// The output of `module` for `x`.
pub(crate) fn output<T: Scalar>(
    module: &dyn Module<T>,
    params: &Params<T>,
    x: ArrayView2<'_, T>,
    mode: Mode,
) -> Array2<T> {
    let mut tape = Tape::new();
    let mut g = tape.graph(params, mode, Stream::new(7).child("dropout").at(0));
    let x = g.input(x);
    let y = module.forward(&mut g, x);
    g.value(y).to_owned()
}

/// Output, gradient of the input and gradients of the parameters for the loss `mean(y²)`, as one list of numbers.
pub(crate) fn step<T: Scalar>(module: &dyn Module<T>, params: &Params<T>, x: ArrayView2<'_, T>, mode: Mode) -> Vec<T> {
    let mut tape = Tape::new();
    let mut grads = Gradients::new(params);
    let mut g = tape.graph(params, mode, Stream::new(7).child("dropout").at(0));
    let x = g.leaf(x);
    let y = module.forward(&mut g, x);
    let mut all: Vec<T> = g.value(y).iter().copied().collect();
    let loss = mean_square(&mut g, y);
    g.backward(loss, &mut grads, Accum::Replace);
    all.extend(tape.grad(x).expect("the input wants a gradient").iter());
    for (_, range) in grads.written() {
        all.extend(&grads.values()[range]);
    }
    all
}

/// `mean(y²)`.
pub(crate) fn mean_square<T: Scalar>(g: &mut Graph<'_, T>, y: layerwise::autograd::Var) -> layerwise::autograd::Var {
    let squares = g.square(y);
    g.mean_all(squares)
}

/// Runs `f` in a pool of `threads` workers.
pub(crate) fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(f)
}

/// The bytes of `values`: what "the same bits" means.
pub(crate) fn bits<T: Scalar>(values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    T::extend_le_bytes(values, &mut bytes);
    bytes
}

/// Asserts that `a` and `b` agree to `tolerance`, relative to the largest magnitude (or to 1, if that is more); gives the largest error.
#[track_caller]
pub(crate) fn close<A: Scalar, B: Scalar>(a: &[A], b: &[B], tolerance: f64, what: &str) -> f64 {
    assert_eq!(a.len(), b.len(), "{what}: lengths differ");
    let scale = b.iter().map(|v| v.as_f64().abs()).fold(1.0, f64::max);
    let mut worst = 0.0f64;
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let (a, b) = (a.as_f64(), b.as_f64());
        assert!(
            (a - b).abs() <= tolerance * scale,
            "{what}: entry {i} is {a}, expected {b} to {tolerance:e} of {scale}"
        );
        worst = worst.max((a - b).abs() / scale);
    }
    worst
}

/// Prints how far a law reached; what was left out stands beside it with the reason.
pub(crate) fn report(law: &str, entries: usize, left_out: &[(String, &str)]) {
    println!("law: {law}: {entries} cases x f32, f64 where both are meant");
    for (case, reason) in left_out {
        println!("  not run for {case}: {reason}");
    }
}
