//! Batch norm (Ioffe, Szegedy, 2015): every column over the rows of the batch.

use std::ops::Range;

use super::super::check::{check, check_row, put};
use super::super::par::{Par, RowsMut, for_row_parts, run};
use super::super::reduce::{COLUMNS, column_dots, column_dots_about, column_squares, column_sums};
use super::{check_out, columns, gain_and_bias, gain_and_bias_backward};
use crate::math::vectorize;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// `y = gain z + bias` with `z = (x - mean) rstd`, `rstd = 1 / sqrt(var + eps)`, mean and biased variance down each column.
///
/// `x, y, normalized (rows, cols)`, `gain, bias (1, cols)` (left out: 1 and 0), `mean, var, rstd (1, cols)`; `normalized` keeps `z`.
/// Without rows mean, variance and `rstd` are NaN.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn batch_norm_forward<T: Scalar>(
    rows: usize,
    cols: usize,
    eps: f64,
    x: &[T],
    gain: Option<&[T]>,
    bias: Option<&[T]>,
    y: &mut [T],
    normalized: &mut [T],
    mean: &mut [T],
    var: &mut [T],
    rstd: &mut [T],
    par: Par,
) {
    check("batch_norm", "x", x.len(), rows, cols);
    check_row("batch_norm", "gain", gain, cols);
    check_row("batch_norm", "bias", bias, cols);
    check("batch_norm", "y", y.len(), rows, cols);
    check("batch_norm", "normalized", normalized.len(), rows, cols);
    check("batch_norm", "mean", mean.len(), 1, cols);
    check("batch_norm", "var", var.len(), 1, cols);
    check("batch_norm", "rstd", rstd.len(), 1, cols);
    statistics(rows, cols, eps, x, mean, var, rstd, par);
    let (mean, rstd) = (&*mean, &*rstd);
    let parts = (RowsMut { cols, data: y }, RowsMut { cols, data: normalized });
    for_row_parts(rows, cols, parts, par, |range, (y, z): (RowsMut<'_, T>, RowsMut<'_, T>)| {
        vectorize(
            #[inline(always)]
            || {
                let out = y.data.chunks_exact_mut(cols.max(1)).zip(z.data.chunks_exact_mut(cols.max(1)));
                for (i, (y, z)) in range.zip(out) {
                    let x = &x[i * cols..(i + 1) * cols];
                    for (((z, x), m), r) in z.iter_mut().zip(x).zip(mean).zip(rstd) {
                        *z = (*x - *m) * *r;
                    }
                    gain_and_bias(z, gain, bias, y);
                }
            },
        );
    });
}

/// `dx = gain rstd (dy - mean(dy) - z mean(dy z))`, means down the columns; `dgain = Σᵢ dy z`, `dbias = Σᵢ dy`. What is `None` is left out.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn batch_norm_backward<T: Scalar>(
    rows: usize,
    cols: usize,
    normalized: &[T],
    rstd: &[T],
    gain: Option<&[T]>,
    dy: &[T],
    dx: Option<(&mut [T], Accum)>,
    dgain: Option<(&mut [T], Accum)>,
    dbias: Option<(&mut [T], Accum)>,
    par: Par,
) {
    let op = "batch_norm_backward";
    check(op, "normalized", normalized.len(), rows, cols);
    check(op, "rstd", rstd.len(), 1, cols);
    check_row(op, "gain", gain, cols);
    check(op, "dy", dy.len(), rows, cols);
    check_out(op, "dx", &dx, rows, cols);
    check_out(op, "dgain", &dgain, 1, cols);
    check_out(op, "dbias", &dbias, 1, cols);
    if let Some((dx, accum)) = dx {
        for from in (0..cols).step_by(BLOCK) {
            let to = cols.min(from + BLOCK);
            backward_input(rows, cols, from..to, normalized, rstd, gain, dy, dx, accum, par);
        }
    }
    gain_and_bias_backward(cols, normalized, dy, dgain, dbias, par);
}

/// Batch norm in use: `y = gain (x - mean) / sqrt(var + eps) + bias` with given (running) `mean` and `var`, each `(1, cols)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn batch_norm_eval<T: Scalar>(
    rows: usize,
    cols: usize,
    eps: f64,
    x: &[T],
    gain: Option<&[T]>,
    bias: Option<&[T]>,
    mean: &[T],
    var: &[T],
    y: &mut [T],
    par: Par,
) {
    check("batch_norm_eval", "x", x.len(), rows, cols);
    check_row("batch_norm_eval", "gain", gain, cols);
    check_row("batch_norm_eval", "bias", bias, cols);
    check("batch_norm_eval", "mean", mean.len(), 1, cols);
    check("batch_norm_eval", "var", var.len(), 1, cols);
    check("batch_norm_eval", "y", y.len(), rows, cols);
    scaled_rows(
        rows,
        cols,
        y,
        par,
        |j| slope(eps, gain, var, j),
        #[inline(always)]
        |places, columns, scale, y| {
            for (((y, x), m), s) in y.iter_mut().zip(&x[places]).zip(&mean[columns.clone()]).zip(scale) {
                *y = (*x - *m) * *s;
            }
            if let Some(bias) = bias {
                for (y, b) in y.iter_mut().zip(&bias[columns]) {
                    *y += *b;
                }
            }
        },
    );
}

/// Backward pass of [`batch_norm_eval`], whose statistics are constants: `dx = dy gain rstd`, `dgain = Σᵢ dy (x - mean) rstd`,
/// `dbias = Σᵢ dy`. What is `None` is left out.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn batch_norm_eval_backward<T: Scalar>(
    rows: usize,
    cols: usize,
    eps: f64,
    x: &[T],
    gain: Option<&[T]>,
    mean: &[T],
    var: &[T],
    dy: &[T],
    dx: Option<(&mut [T], Accum)>,
    dgain: Option<(&mut [T], Accum)>,
    dbias: Option<(&mut [T], Accum)>,
    par: Par,
) {
    let op = "batch_norm_eval_backward";
    check(op, "x", x.len(), rows, cols);
    check_row(op, "gain", gain, cols);
    check(op, "mean", mean.len(), 1, cols);
    check(op, "var", var.len(), 1, cols);
    check(op, "dy", dy.len(), rows, cols);
    check_out(op, "dx", &dx, rows, cols);
    check_out(op, "dgain", &dgain, 1, cols);
    check_out(op, "dbias", &dbias, 1, cols);
    if let Some((dx, accum)) = dx {
        scaled_rows(
            rows,
            cols,
            dx,
            par,
            |j| slope(eps, gain, var, j),
            #[inline(always)]
            |places, _, scale, dx| {
                for ((dx, dy), s) in dx.iter_mut().zip(&dy[places]).zip(scale) {
                    put(dx, accum, *dy * *s);
                }
            },
        );
    }
    if let Some((dgain, accum)) = dgain {
        columns(cols, dy.len(), dgain, accum, par, |from, sums| {
            column_dots_about(cols, from, x, mean, dy, sums);
            for (j, sum) in sums.iter_mut().enumerate() {
                *sum *= slope::<T>(eps, None, var, from + j);
            }
        });
    }
    gain_and_bias_backward(cols, x, dy, None, dbias, par);
}

/// Columns whose factors fit on the stack: wider batches go block by block.
const BLOCK: usize = 256;

fn statistics<T: Scalar>(
    rows: usize,
    cols: usize,
    eps: f64,
    x: &[T],
    mean: &mut [T],
    var: &mut [T],
    rstd: &mut [T],
    par: Par,
) {
    let n = rows as f64;
    let split = par.splits(x.len());
    run(0..cols, COLUMNS, split, [mean, var, rstd], &|range, [mean, var, rstd]: [&mut [T]; 3]| {
        let (mut means, mut vars) = ([0.0; COLUMNS], [0.0; COLUMNS]);
        let (means, vars) = (&mut means[..range.len()], &mut vars[..range.len()]);
        column_sums(cols, range.start, x, means);
        means.iter_mut().for_each(|m| *m /= n);
        column_squares(cols, range.start, x, means, vars);
        for j in 0..range.len() {
            let v = vars[j] / n;
            (mean[j], var[j], rstd[j]) = (T::of(means[j]), T::of(v), T::of(1.0 / (v + eps).sqrt()));
        }
    });
}

/// `dx` of a block of columns: their sums first, then row by row.
fn backward_input<T: Scalar>(
    rows: usize,
    cols: usize,
    block: Range<usize>,
    normalized: &[T],
    rstd: &[T],
    gain: Option<&[T]>,
    dy: &[T],
    dx: &mut [T],
    accum: Accum,
    par: Par,
) {
    let n = rows as f64;
    let width = block.len();
    let (mut mean, mut along, mut scale) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let sums = (&mut mean[..width], &mut along[..width], &mut scale[..width]);
    let split = par.splits(rows * width);
    run(0..width, COLUMNS, split, sums, &|range, (mean, along, scale): (&mut [f64], &mut [f64], &mut [f64])| {
        let from = block.start + range.start;
        column_sums(cols, from, dy, mean);
        column_dots(cols, from, dy, normalized, along);
        for j in 0..range.len() {
            mean[j] /= n;
            along[j] /= n;
            scale[j] = gain.map_or(1.0, |g| g[from + j].as_f64()) * rstd[from + j].as_f64();
        }
    });
    let (mean, along, scale) = (&mean[..width], &along[..width], &scale[..width]);
    for_row_parts(rows, cols, RowsMut { cols, data: dx }, par, |range, dx: RowsMut<'_, T>| {
        vectorize(
            #[inline(always)]
            || {
                for (i, dx) in range.zip(dx.data.chunks_exact_mut(cols.max(1))) {
                    let places = i * cols + block.start..i * cols + block.end;
                    let factors = mean.iter().zip(along).zip(scale);
                    let row = dx[block.clone()].iter_mut().zip(&dy[places.clone()]).zip(&normalized[places]);
                    for (((dx, dy), z), ((mean, along), scale)) in row.zip(factors) {
                        put(dx, accum, T::of(scale * (dy.as_f64() - mean - z.as_f64() * along)));
                    }
                }
            },
        );
    });
}

/// `f(places in the matrix, columns, scale of the columns, out there)` for every row, block of columns by block of columns.
#[inline(always)]
fn scaled_rows<T: Scalar>(
    rows: usize,
    cols: usize,
    out: &mut [T],
    par: Par,
    scale: impl Fn(usize) -> f64 + Sync,
    f: impl Fn(Range<usize>, Range<usize>, &[T], &mut [T]) + Sync,
) {
    for_row_parts(rows, cols, RowsMut { cols, data: out }, par, |range, out: RowsMut<'_, T>| {
        vectorize(
            #[inline(always)]
            || {
                for from in (0..cols).step_by(BLOCK) {
                    let columns = from..cols.min(from + BLOCK);
                    let mut factors = [T::zero(); BLOCK];
                    let factors = &mut factors[..columns.len()];
                    for (s, j) in factors.iter_mut().zip(columns.clone()) {
                        *s = T::of(scale(j));
                    }
                    for (i, out) in range.clone().zip(out.data.chunks_exact_mut(cols)) {
                        let places = i * cols + columns.start..i * cols + columns.end;
                        f(places, columns.clone(), factors, &mut out[columns.clone()]);
                    }
                }
            },
        );
    });
}

/// `gain / sqrt(var + eps)` of one column.
#[inline(always)]
fn slope<T: Scalar>(eps: f64, gain: Option<&[T]>, var: &[T], j: usize) -> f64 {
    gain.map_or(1.0, |g| g[j].as_f64()) / (var[j].as_f64() + eps).sqrt()
}
