//! Softmax, its logarithm and log-sum-exp along the rows, shifted by the largest value so that nothing overflows.

use super::check::{check, put};
use super::par::{Par, RowsMut, for_row_parts};
use super::reduce::{fold, row_dot, row_max, row_sum};
use crate::math::{exp, log, vectorize};
use crate::mode::Accum;
use crate::scalar::Scalar;

/// `y[i, j] = exp x[i, j] / Σⱼ exp x[i, j]`; both `(rows, cols)`.
///
/// A row of `-inf` alone, or with a NaN or `+inf`, is NaN, as in PyTorch.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn softmax<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T], par: Par) {
    check("softmax", "x", x.len(), rows, cols);
    check("softmax", "y", y.len(), rows, cols);
    each_row(
        rows,
        cols,
        y,
        par,
        #[inline(always)]
        |i, y| {
            let x = &x[i * cols..(i + 1) * cols];
            let shift = row_max(x);
            for (y, x) in y.iter_mut().zip(x) {
                *y = exp(*x - shift);
            }
            let factor = T::of(1.0 / row_sum(y));
            for y in y {
                *y *= factor;
            }
        },
    );
}

/// `y[i, j] = x[i, j] - ln Σⱼ exp x[i, j]`; both `(rows, cols)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn log_softmax<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T], par: Par) {
    check("log_softmax", "x", x.len(), rows, cols);
    check("log_softmax", "y", y.len(), rows, cols);
    each_row(
        rows,
        cols,
        y,
        par,
        #[inline(always)]
        |i, y| {
            let x = &x[i * cols..(i + 1) * cols];
            let shift = row_max(x);
            let log_total = T::of(log(fold(x, |x| exp(x - shift).as_f64())));
            for (y, x) in y.iter_mut().zip(x) {
                *y = (*x - shift) - log_total;
            }
        },
    );
}

/// `out[i] = ln Σⱼ exp x[i, j]`; `x (rows, cols)`, `out (rows, 1)`; `-inf` for rows without columns or of `-inf` alone.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn log_sum_exp<T: Scalar>(rows: usize, cols: usize, x: &[T], out: &mut [T], par: Par) {
    check("log_sum_exp", "x", x.len(), rows, cols);
    check("log_sum_exp", "out", out.len(), rows, 1);
    for_row_parts(rows, cols, out, par, |range, out: &mut [T]| {
        vectorize(
            #[inline(always)]
            || {
                for (i, out) in range.zip(out) {
                    let x = &x[i * cols..(i + 1) * cols];
                    let max = row_max(x);
                    let shift = if max.is_finite() { max } else { T::zero() };
                    *out = T::of(shift.as_f64() + log(fold(x, |x| exp(x - shift).as_f64())));
                }
            },
        );
    });
}

/// `dx = y (dy - Σⱼ y dy)` for `y = softmax(x)`; all `(rows, cols)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn softmax_backward<T: Scalar>(rows: usize, cols: usize, y: &[T], dy: &[T], accum: Accum, dx: &mut [T], par: Par) {
    check("softmax_backward", "y", y.len(), rows, cols);
    check("softmax_backward", "dy", dy.len(), rows, cols);
    check("softmax_backward", "dx", dx.len(), rows, cols);
    each_row(
        rows,
        cols,
        dx,
        par,
        #[inline(always)]
        |i, dx| {
            let (y, dy) = (&y[i * cols..(i + 1) * cols], &dy[i * cols..(i + 1) * cols]);
            let inner = T::of(row_dot(y, dy));
            for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                put(dx, accum, *y * (*dy - inner));
            }
        },
    );
}

/// `dx = dy - exp(y) Σⱼ dy` for `y = log_softmax(x)`; all `(rows, cols)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn log_softmax_backward<T: Scalar>(
    rows: usize,
    cols: usize,
    y: &[T],
    dy: &[T],
    accum: Accum,
    dx: &mut [T],
    par: Par,
) {
    check("log_softmax_backward", "y", y.len(), rows, cols);
    check("log_softmax_backward", "dy", dy.len(), rows, cols);
    check("log_softmax_backward", "dx", dx.len(), rows, cols);
    each_row(
        rows,
        cols,
        dx,
        par,
        #[inline(always)]
        |i, dx| {
            let (y, dy) = (&y[i * cols..(i + 1) * cols], &dy[i * cols..(i + 1) * cols]);
            let total = T::of(row_sum(dy));
            for ((dx, y), dy) in dx.iter_mut().zip(y).zip(dy) {
                put(dx, accum, *dy - exp(*y) * total);
            }
        },
    );
}

/// `dx[i, j] = dout[i] exp(x[i, j] - out[i])` for `out = log_sum_exp(x)`; `x, dx (rows, cols)`, `out, dout (rows, 1)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn log_sum_exp_backward<T: Scalar>(
    rows: usize,
    cols: usize,
    x: &[T],
    out: &[T],
    dout: &[T],
    accum: Accum,
    dx: &mut [T],
    par: Par,
) {
    check("log_sum_exp_backward", "x", x.len(), rows, cols);
    check("log_sum_exp_backward", "out", out.len(), rows, 1);
    check("log_sum_exp_backward", "dout", dout.len(), rows, 1);
    check("log_sum_exp_backward", "dx", dx.len(), rows, cols);
    each_row(
        rows,
        cols,
        dx,
        par,
        #[inline(always)]
        |i, dx| {
            let (shift, factor) = (out[i], dout[i]);
            for (dx, x) in dx.iter_mut().zip(&x[i * cols..(i + 1) * cols]) {
                put(dx, accum, factor * exp(*x - shift));
            }
        },
    );
}

/// `f(i, row i of out)` for every row, in tiles, within [`vectorize`].
#[inline(always)]
fn each_row<T: Scalar>(rows: usize, cols: usize, out: &mut [T], par: Par, f: impl Fn(usize, &mut [T]) + Sync) {
    for_row_parts(rows, cols, RowsMut { cols, data: out }, par, |range, out: RowsMut<'_, T>| {
        vectorize(
            #[inline(always)]
            || {
                for (i, row) in range.zip(out.data.chunks_exact_mut(cols.max(1))) {
                    f(i, row);
                }
            },
        );
    });
}
