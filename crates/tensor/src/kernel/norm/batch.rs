//! Batch norm (Ioffe, Szegedy, 2015): every column over the rows of the batch.

use std::ops::Range;

use super::super::check::{check, check_row, put};
use super::super::columns::{COLUMNS, column_dots_about, column_moments, column_sums};
use super::super::linear::Epilogue;
use super::super::par::{Par, RowsMut, for_row_parts, run};
use super::{LEAST, check_out, finish, gain_and_bias, gain_and_bias_backward};
use crate::math::vectorize;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// `y = epilogue(gain z + bias)` with `z = (x - mean) rstd`, `rstd = 1 / sqrt(var + eps)`, mean and biased variance down each column.
///
/// `x, y, normalized (rows, cols)`, `gain, bias (1, cols)` (left out: 1 and 0), `mean, var, rstd (1, cols)`; `normalized` keeps `z`.
/// `saved` is empty, or of the size of `y` and filled by the epilogue. Without rows mean, variance and `rstd` are NaN.
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
    saved: &mut [T],
    epilogue: Option<Epilogue<'_, T>>,
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
    if !saved.is_empty() {
        check("batch_norm", "saved", saved.len(), rows, cols);
    }
    statistics(rows, cols, eps, x, mean, var, rstd, par);
    let (mean, rstd) = (&*mean, &*rstd);
    let parts = (RowsMut { cols, data: y }, RowsMut { cols, data: normalized }, RowsMut { cols, data: saved });
    for_row_parts(rows, cols, parts, par, |range, (y, z, saved): (RowsMut<'_, T>, RowsMut<'_, T>, RowsMut<'_, T>)| {
        vectorize(
            #[inline(always)]
            || {
                let out = y.data.chunks_exact_mut(cols.max(1)).zip(z.data.chunks_exact_mut(cols.max(1)));
                for (i, (y, z)) in range.clone().zip(out) {
                    let x = &x[i * cols..(i + 1) * cols];
                    for (((z, x), m), r) in z.iter_mut().zip(x).zip(mean).zip(rstd) {
                        *z = (*x - *m) * *r;
                    }
                    gain_and_bias(z, gain, bias, y);
                }
            },
        );
        finish(epilogue, range.start, cols, y.data, saved.data);
    });
}

/// `dgain = Σᵢ dy z`, `dbias = Σᵢ dy`, and `dx = gain rstd (dy - dbias / rows - z dgain / rows)` unless it is left out.
///
/// `dgain, dbias (1, cols)` are written in any case, since `dx` is made from them.
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
    dgain: &mut [T],
    dbias: &mut [T],
    par: Par,
) {
    let op = "batch_norm_backward";
    check(op, "normalized", normalized.len(), rows, cols);
    check(op, "rstd", rstd.len(), 1, cols);
    check_row(op, "gain", gain, cols);
    check(op, "dy", dy.len(), rows, cols);
    check_out(op, "dx", &dx, rows, cols);
    check(op, "dgain", dgain.len(), 1, cols);
    check(op, "dbias", dbias.len(), 1, cols);
    gain_and_bias_backward(cols, normalized, dy, dgain, dbias, par);
    if let Some((dx, accum)) = dx {
        backward_input(rows, cols, normalized, rstd, gain, dy, dgain, dbias, dx, accum, par);
    }
}

/// Batch norm in use: `y = epilogue(gain (x - mean) / sqrt(var + eps) + bias)` with given (running) `mean` and `var`, each `(1, cols)`.
///
/// `saved` is empty, or of the size of `y` and filled by the epilogue.
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
    saved: &mut [T],
    epilogue: Option<Epilogue<'_, T>>,
    par: Par,
) {
    check("batch_norm_eval", "x", x.len(), rows, cols);
    check_row("batch_norm_eval", "gain", gain, cols);
    check_row("batch_norm_eval", "bias", bias, cols);
    check("batch_norm_eval", "mean", mean.len(), 1, cols);
    check("batch_norm_eval", "var", var.len(), 1, cols);
    check("batch_norm_eval", "y", y.len(), rows, cols);
    if !saved.is_empty() {
        check("batch_norm_eval", "saved", saved.len(), rows, cols);
    }
    let parts = (RowsMut { cols, data: y }, RowsMut { cols, data: saved });
    for_row_parts(rows, cols, parts, par, |range, (y, saved): (RowsMut<'_, T>, RowsMut<'_, T>)| {
        vectorize(
            #[inline(always)]
            || {
                scaled_rows(
                    cols,
                    range.clone(),
                    y.data,
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
            },
        );
        finish(epilogue, range.start, cols, y.data, saved.data);
    });
}

/// Backward pass of [`batch_norm_eval`], whose statistics are constants: `dgain = Σᵢ dy (x - mean) rstd`, `dbias = Σᵢ dy`, and
/// `dx = dy gain rstd` unless it is left out.
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
    dgain: &mut [T],
    dbias: &mut [T],
    par: Par,
) {
    let op = "batch_norm_eval_backward";
    check(op, "x", x.len(), rows, cols);
    check_row(op, "gain", gain, cols);
    check(op, "mean", mean.len(), 1, cols);
    check(op, "var", var.len(), 1, cols);
    check(op, "dy", dy.len(), rows, cols);
    check_out(op, "dx", &dx, rows, cols);
    check(op, "dgain", dgain.len(), 1, cols);
    check(op, "dbias", dbias.len(), 1, cols);
    if let Some((dx, accum)) = dx {
        for_row_parts(rows, cols, RowsMut { cols, data: dx }, par, |range, dx: RowsMut<'_, T>| {
            vectorize(
                #[inline(always)]
                || {
                    scaled_rows(
                        cols,
                        range,
                        dx.data,
                        |j| slope(eps, gain, var, j),
                        #[inline(always)]
                        |places, _, scale, dx| {
                            for ((dx, dy), s) in dx.iter_mut().zip(&dy[places]).zip(scale) {
                                put(dx, accum, *dy * *s);
                            }
                        },
                    );
                },
            );
        });
    }
    run(0..cols, COLUMNS, par.splits(dy.len()), (dgain, dbias), &|range, (dgain, dbias): (&mut [T], &mut [T])| {
        let (mut sums, mut dots) = ([0.0; COLUMNS], [0.0; COLUMNS]);
        let (sums, dots) = (&mut sums[..range.len()], &mut dots[..range.len()]);
        column_sums(cols, range.start, dy, sums);
        column_dots_about(cols, range.start, x, mean, dy, dots);
        for (l, j) in range.enumerate() {
            (dgain[l], dbias[l]) = (T::of(dots[l] * slope::<T>(eps, None, var, j)), T::of(sums[l]));
        }
    });
}

/// Columns whose factors fit on the stack: wider batches go block by block.
const BLOCK: usize = 256;

/// One row in so many is looked at for a first guess of the mean.
const GUESS: usize = 8;

/// Mean, biased variance and `1 / sqrt(var + eps)` of each column.
///
/// Squares are summed about a guess, the mean of every eighth row, and corrected for its distance from the mean (Chan, Golub, LeVeque,
/// 1983). The distance of a subset's mean is bounded: `(guess - mean)² <= 7 var`, whatever the rows hold, so the correction takes away
/// at most seven eighths of the sum and three bits.
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
        let (mut sums, mut squares, mut guess) = ([0.0; COLUMNS], [0.0; COLUMNS], [T::zero(); COLUMNS]);
        let (sums, squares) = (&mut sums[..range.len()], &mut squares[..range.len()]);
        // Every eighth row: the first columns of a matrix with rows eight times as long, and the first row of what is left.
        let (long, rest) = x.split_at(rows / GUESS * GUESS * cols);
        column_sums(GUESS * cols, range.start, long, sums);
        column_sums(cols, range.start, &rest[..cols.min(rest.len())], sums);
        for (guess, sum) in guess.iter_mut().zip(&mut *sums) {
            *guess = T::of(*sum / rows.div_ceil(GUESS) as f64);
            *sum = 0.0;
        }
        column_moments(cols, range.start, x, &guess, sums, squares);
        for j in 0..range.len() {
            let from_guess = sums[j] / n;
            let (mut m, mut v) = (guess[j].as_f64() + from_guess, squares[j] / n - from_guess * from_guess);
            if v < 0.0 {
                v = 0.0;
            }
            if !v.is_finite() || v + eps < LEAST {
                (m, v) = exact_statistics(cols, range.start + j, x);
            }
            (mean[j], var[j], rstd[j]) = (T::of(m), T::of(v), T::of(1.0 / (v + eps).sqrt()));
        }
    });
}

/// Mean and biased variance of column `j`, in `f64` throughout.
#[cold]
fn exact_statistics<T: Scalar>(cols: usize, j: usize, x: &[T]) -> (f64, f64) {
    let column = || x.iter().skip(j).step_by(cols).map(|x| x.as_f64());
    let n = column().count() as f64;
    let mean = column().sum::<f64>() / n;
    (mean, column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n)
}

/// `dx = scale ((dy - mean) - along z)` with `scale = gain rstd`, `mean = dbias / rows`, `along = dgain / rows` of each column.
fn backward_input<T: Scalar>(
    rows: usize,
    cols: usize,
    normalized: &[T],
    rstd: &[T],
    gain: Option<&[T]>,
    dy: &[T],
    dgain: &[T],
    dbias: &[T],
    dx: &mut [T],
    accum: Accum,
    par: Par,
) {
    let n = rows as f64;
    for_row_parts(rows, cols, RowsMut { cols, data: dx }, par, |range, dx: RowsMut<'_, T>| {
        vectorize(
            #[inline(always)]
            || {
                for from in (0..cols).step_by(BLOCK) {
                    let columns = from..cols.min(from + BLOCK);
                    let mut factors = [[T::zero(); BLOCK]; 3];
                    let [scale, mean, along] = factors.each_mut().map(|f| &mut f[..columns.len()]);
                    for (l, j) in columns.clone().enumerate() {
                        scale[l] = rstd[j] * gain.map_or(T::one(), |g| g[j]);
                        mean[l] = T::of(dbias[j].as_f64() / n);
                        along[l] = T::of(-dgain[j].as_f64() / n);
                    }
                    for (i, dx) in range.clone().zip(dx.data.chunks_exact_mut(cols)) {
                        let places = i * cols + columns.start..i * cols + columns.end;
                        let row = dx[columns.clone()].iter_mut().zip(&dy[places.clone()]).zip(&normalized[places]);
                        let factors = scale.iter().zip(&*mean).zip(&*along);
                        for (((dx, dy), z), ((scale, mean), along)) in row.zip(factors) {
                            put(dx, accum, *scale * along.fma(*z, *dy - *mean));
                        }
                    }
                }
            },
        );
    });
}

/// `f(places in the matrix, columns, scale of the columns, out there)` for rows, block of columns by block of columns; for use inside
/// [`vectorize`].
#[inline(always)]
fn scaled_rows<T: Scalar>(
    cols: usize,
    rows: Range<usize>,
    out: &mut [T],
    scale: impl Fn(usize) -> f64,
    f: impl Fn(Range<usize>, Range<usize>, &[T], &mut [T]),
) {
    for from in (0..cols).step_by(BLOCK) {
        let columns = from..cols.min(from + BLOCK);
        let mut factors = [T::zero(); BLOCK];
        let factors = &mut factors[..columns.len()];
        for (s, j) in factors.iter_mut().zip(columns.clone()) {
            *s = T::of(scale(j));
        }
        for (i, out) in rows.clone().zip(out.chunks_exact_mut(cols)) {
            let places = i * cols + columns.start..i * cols + columns.end;
            f(places, columns.clone(), factors, &mut out[columns.clone()]);
        }
    }
}

/// `gain / sqrt(var + eps)` of one column.
#[inline(always)]
fn slope<T: Scalar>(eps: f64, gain: Option<&[T]>, var: &[T], j: usize) -> f64 {
    gain.map_or(1.0, |g| g[j].as_f64()) / (var[j].as_f64() + eps).sqrt()
}
