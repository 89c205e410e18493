//! Layer norm (along rows) and batch norm (down columns), with what they share: gain and bias.

mod batch;
mod layer;

pub use batch::{batch_norm_backward, batch_norm_eval, batch_norm_eval_backward, batch_norm_forward};
pub use layer::{layer_norm_backward, layer_norm_forward};

use super::check::check;
use super::columns::{COLUMNS, column_sums_and_dots};
use super::linear::{Epilogue, Tile};
use super::par::{Par, run};
use crate::mode::Accum;
use crate::scalar::Scalar;

/// A gradient that may be left out, and whether it replaces or adds.
type Out<'a, T> = Option<(&'a mut [T], Accum)>;

/// `y = gain z + bias` along one row; for use inside `vectorize`.
#[inline(always)]
fn gain_and_bias<T: Scalar>(z: &[T], gain: Option<&[T]>, bias: Option<&[T]>, y: &mut [T]) {
    match (gain, bias) {
        (Some(gain), Some(bias)) => {
            for (((y, z), g), b) in y.iter_mut().zip(z).zip(gain).zip(bias) {
                *y = g.fma(*z, *b);
            }
        }
        (Some(gain), None) => {
            for ((y, z), g) in y.iter_mut().zip(z).zip(gain) {
                *y = *g * *z;
            }
        }
        (None, Some(bias)) => {
            for ((y, z), b) in y.iter_mut().zip(z).zip(bias) {
                *y = *z + *b;
            }
        }
        (None, None) => y.copy_from_slice(z),
    }
}

/// The epilogue on rows of `y` and `saved` that are in cache.
fn finish<T>(epilogue: Option<Epilogue<'_, T>>, first_row: usize, cols: usize, y: &mut [T], saved: &mut [T]) {
    if let Some(epilogue) = epilogue {
        epilogue(Tile { first_row, cols, y, saved });
    }
}

/// The least `var + eps` whose root the element type's own arithmetic is trusted with; below it, and where squares overflow, sums are
/// taken again in `f64`.
const LEAST: f64 = 1e-30;

/// `dgain = Σᵢ dy z`, `dbias = Σᵢ dy`, in one pass.
fn gain_and_bias_backward<T: Scalar>(cols: usize, z: &[T], dy: &[T], dgain: &mut [T], dbias: &mut [T], par: Par) {
    run(0..cols, COLUMNS, par.splits(dy.len()), (dgain, dbias), &|range, (dgain, dbias): (&mut [T], &mut [T])| {
        let (mut sums, mut dots) = ([0.0; COLUMNS], [0.0; COLUMNS]);
        let (sums, dots) = (&mut sums[..range.len()], &mut dots[..range.len()]);
        column_sums_and_dots(cols, range.start, z, dy, sums, dots);
        for (((dgain, dbias), dot), sum) in dgain.iter_mut().zip(dbias).zip(dots).zip(sums) {
            (*dgain, *dbias) = (T::of(*dot), T::of(*sum));
        }
    });
}

#[track_caller]
fn check_out<T>(op: &str, name: &str, out: &Out<'_, T>, rows: usize, cols: usize) {
    if let Some((out, _)) = out {
        check(op, name, out.len(), rows, cols);
    }
}
