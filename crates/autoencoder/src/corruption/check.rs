//! What the corruptions share.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::ConfigError;
use layerwise_tensor::{Scalar, Stream, kernel};

/// A share of values: in `[0, 1]`.
pub(super) fn share(path: &str, value: f64) -> Result<f64, ConfigError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let remedy = "give the share of values to corrupt, such as 0.25";
    Err(ConfigError::bad_value(path, "`share`", "within 0 and 1", value, remedy))
}

/// A matrix like `x`, without gradient, whose rows from `first` on `fill(first, rows)` writes; the same at any number of threads.
pub(super) fn like<T: Scalar>(g: &mut Graph<'_, T>, x: Var, fill: impl Fn(usize, &mut [T]) + Sync) -> Var {
    let ((rows, cols), par) = (g.shape(x), g.par());
    g.input_from(rows, cols, |out| kernel::for_tiles(cols, out, par, fill))
}

/// How many numbers [`for_uniform`] draws at once; part of the values only through speed.
const CHUNK: usize = 256;

/// `f(i, u)` for the elements `first..first + len` of `stream`, `u` uniform in `[0, 1)` and the same whatever the element type.
pub(super) fn for_uniform(stream: &Stream, first: usize, len: usize, mut f: impl FnMut(usize, f64)) {
    let mut drawn = [0.0; CHUNK];
    for start in (0..len).step_by(CHUNK) {
        let drawn = &mut drawn[..CHUNK.min(len - start)];
        stream.uniform((first + start) as u64, drawn);
        drawn.iter().enumerate().for_each(|(i, u)| f(start + i, *u));
    }
}

/// A whole number in `0..n`, `n > 0`, from `u` uniform in `[0, 1)`.
pub(super) fn whole(u: f64, n: usize) -> usize {
    ((u * n as f64) as usize).min(n - 1)
}
