//! Random matrices on a graph, each from a stream of its own, the same on any number of threads.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, kernel};

/// `f(n)` with standard normal `n`.
pub(super) fn normal<T: Scalar>(g: &mut Graph<'_, T>, (rows, cols): (usize, usize), f: impl Fn(T) -> T + Sync) -> Var {
    let (stream, par) = (g.next_stream(), g.par());
    g.input_from(rows, cols, |out| {
        kernel::for_tiles(cols, out, par, |first, out| {
            stream.normal((first * cols) as u64, out);
            out.iter_mut().for_each(|v| *v = f(*v));
        });
    })
}

/// `value` with probability `1 - p`, else 0.
pub(super) fn mask<T: Scalar>(g: &mut Graph<'_, T>, (rows, cols): (usize, usize), p: f64, value: f64) -> Var {
    let (stream, par) = (g.next_stream(), g.par());
    g.input_from(rows, cols, |out| {
        kernel::for_tiles(cols, out, par, |first, out| {
            stream.bernoulli((first * cols) as u64, 1.0 - p, value, out);
        });
    })
}
