//! Layer norm (along rows) and batch norm (down columns), with what they share: gain and bias.

mod batch;
mod layer;

pub use batch::{batch_norm_backward, batch_norm_eval, batch_norm_eval_backward, batch_norm_forward};
pub use layer::{layer_norm_backward, layer_norm_forward};

use super::check::{check, put};
use super::par::{Par, run};
use super::reduce::{COLUMNS, column_dots, column_sums};
use crate::mode::Accum;
use crate::scalar::Scalar;

/// A gradient that may be left out, and whether it replaces or adds.
type Out<'a, T> = Option<(&'a mut [T], Accum)>;

/// `y = gain z + bias` along one row; for use inside `vectorize`.
#[inline(always)]
fn gain_and_bias<T: Scalar>(z: &[T], gain: Option<&[T]>, bias: Option<&[T]>, y: &mut [T]) {
    match gain {
        Some(gain) => {
            for ((y, z), g) in y.iter_mut().zip(z).zip(gain) {
                *y = *g * *z;
            }
        }
        None => y.copy_from_slice(z),
    }
    if let Some(bias) = bias {
        for (y, b) in y.iter_mut().zip(bias) {
            *y += *b;
        }
    }
}

/// `dgain = Σᵢ dy z`, `dbias = Σᵢ dy`.
fn gain_and_bias_backward<T: Scalar>(cols: usize, z: &[T], dy: &[T], dgain: Out<'_, T>, dbias: Out<'_, T>, par: Par) {
    if let Some((dgain, accum)) = dgain {
        columns(cols, dy.len(), dgain, accum, par, |from, sums| column_dots(cols, from, dy, z, sums));
    }
    if let Some((dbias, accum)) = dbias {
        columns(cols, dy.len(), dbias, accum, par, |from, sums| column_sums(cols, from, dy, sums));
    }
}

/// `out[j]` = what `sum(from, sums)` adds for column `j`, tile of columns by tile of columns.
fn columns<T: Scalar>(
    cols: usize,
    work: usize,
    out: &mut [T],
    accum: Accum,
    par: Par,
    sum: impl Fn(usize, &mut [f64]) + Sync,
) {
    run(0..cols, COLUMNS, par.splits(work), out, &|range, out: &mut [T]| {
        let mut sums = [0.0; COLUMNS];
        let sums = &mut sums[..range.len()];
        sum(range.start, sums);
        for (out, sum) in out.iter_mut().zip(sums) {
            put(out, accum, T::of(*sum));
        }
    });
}

#[track_caller]
fn check_out<T>(op: &str, name: &str, out: &Out<'_, T>, rows: usize, cols: usize) {
    if let Some((out, _)) = out {
        check(op, name, out.len(), rows, cols);
    }
}
