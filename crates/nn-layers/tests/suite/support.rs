//! What several tests share.

use layerwise_autograd::Tape;
use layerwise_nn_layers::{AnyModule, LayerConfig, Module};
use layerwise_tensor::ndarray::{Array2, ArrayView2};
use layerwise_tensor::{Layout, Mode, Params, Scalar, Stream};

/// The output of `module` for `x`, with the randomness of `step`.
pub(crate) fn run<T: Scalar, M: Module<T> + ?Sized>(
    module: &M,
    params: &Params<T>,
    mode: Mode,
    step: u64,
    x: ArrayView2<'_, T>,
) -> Array2<T> {
    let mut tape = Tape::new();
    let mut g = tape.graph(params, mode, Stream::new(3).at(step));
    let x = g.input(x);
    let y = module.forward(&mut g, x);
    g.value(y).to_owned()
}

/// A layer of the table, built alone, and its layout.
pub(crate) fn build(inputs: usize, config: &LayerConfig) -> (Box<dyn AnyModule>, Layout) {
    let mut layout = Layout::new();
    let (layer, _) = config.build(&mut layout.scope(), inputs).unwrap_or_else(|e| panic!("{e}"));
    (layer, layout)
}

/// Names and shapes of all parameters.
pub(crate) fn names(layout: &Layout) -> Vec<(String, usize, usize)> {
    layout.specs().iter().map(|s| (s.name.clone(), s.rows, s.cols)).collect()
}

/// A matrix of standard normal numbers.
pub(crate) fn normal<T: Scalar>(rows: usize, cols: usize, seed: u64) -> Array2<T> {
    let mut values = vec![0.0; rows * cols];
    Stream::new(seed).child("x").normal(0, &mut values);
    Array2::from_shape_fn((rows, cols), |(i, j)| T::of(values[i * cols + j]))
}

#[track_caller]
pub(crate) fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        found == expected || (found - expected).abs() <= tolerance,
        "found {found}, expected {expected} within {tolerance}"
    );
}

#[track_caller]
pub(crate) fn all_close<T: Scalar>(found: ArrayView2<'_, T>, expected: ArrayView2<'_, T>, tolerance: f64) {
    assert_eq!(found.dim(), expected.dim());
    for (f, e) in found.iter().zip(expected) {
        close(f.as_f64(), e.as_f64(), tolerance * (1.0 + e.as_f64().abs()));
    }
}

/// The number of random cases: `count`, times what `LAYERWISE_CASES` says (`cargo xtask prove` asks for more).
pub(crate) fn times(count: u32) -> u32 {
    count * std::env::var("LAYERWISE_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}
