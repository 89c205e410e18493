//! Layer norm (Ba, Kiros, Hinton, 2016): every row on its own.

use super::super::check::{check, check_row, put};
use super::super::linear::Epilogue;
use super::super::par::{Par, RowsMut, for_row_parts};
use super::super::reduce::{LANES, WIDE, fold, row_sum, short_pairs, short_sum};
use super::{LEAST, check_out, finish, gain_and_bias, gain_and_bias_backward};
use crate::math::vectorize;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// `y = epilogue(gain z + bias)` with `z = (x - mean) rstd`, `rstd = 1 / sqrt(var + eps)`, mean and biased variance along each row.
///
/// `x, y, normalized (rows, cols)`, `gain, bias (1, cols)` (left out: 1 and 0), `rstd (rows, 1)`; `normalized` keeps `z`. The variance is
/// taken about the mean, so rows far from zero lose nothing. `saved` is empty, or of the size of `y` and filled by the epilogue.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn layer_norm_forward<T: Scalar>(
    rows: usize,
    cols: usize,
    eps: f64,
    x: &[T],
    gain: Option<&[T]>,
    bias: Option<&[T]>,
    y: &mut [T],
    normalized: &mut [T],
    rstd: &mut [T],
    saved: &mut [T],
    epilogue: Option<Epilogue<'_, T>>,
    par: Par,
) {
    check("layer_norm", "x", x.len(), rows, cols);
    check_row("layer_norm", "gain", gain, cols);
    check_row("layer_norm", "bias", bias, cols);
    check("layer_norm", "y", y.len(), rows, cols);
    check("layer_norm", "normalized", normalized.len(), rows, cols);
    check("layer_norm", "rstd", rstd.len(), rows, 1);
    if !saved.is_empty() {
        check("layer_norm", "saved", saved.len(), rows, cols);
    }
    let matrix = |data| RowsMut { cols, data };
    let parts = (matrix(y), matrix(normalized), rstd, matrix(saved));
    type Part<'a, T> = (RowsMut<'a, T>, RowsMut<'a, T>, &'a mut [T], RowsMut<'a, T>);
    for_row_parts(rows, cols, parts, par, |range, (y, z, rstd, saved): Part<'_, T>| {
        vectorize(
            #[inline(always)]
            || {
                let out = y.data.chunks_exact_mut(cols.max(1)).zip(z.data.chunks_exact_mut(cols.max(1)));
                for ((i, (y, z)), rstd) in range.clone().zip(out).zip(rstd) {
                    let x = &x[i * cols..(i + 1) * cols];
                    let (centre, rest, var) = statistics(x, eps);
                    let (rest, r) = (T::of(rest), T::of(1.0 / (var + eps).sqrt()));
                    *rstd = r;
                    for (z, x) in z.iter_mut().zip(x) {
                        *z = ((*x - centre) - rest) * r;
                    }
                    gain_and_bias(z, gain, bias, y);
                }
            },
        );
        finish(epilogue, range.start, cols, y.data, saved.data);
    });
}

/// Length from which sums along a row are taken in more lanes.
const LONG: usize = 256;

/// A row's mean in two parts, the first of the element type, and its biased variance; for use inside [`vectorize`].
#[inline(always)]
fn statistics<T: Scalar>(x: &[T], eps: f64) -> (T, f64, f64) {
    let n = x.len() as f64;
    let (centre, sum, square);
    if x.len() < LONG {
        centre = T::of(short_sum::<T, LANES>(x) / n);
        (sum, square) = short_pairs::<T, LANES, 1>([x], |[x]| (x - centre, x - centre));
    } else {
        centre = T::of(short_sum::<T, WIDE>(x) / n);
        (sum, square) = short_pairs::<T, WIDE, 1>([x], |[x]| (x - centre, x - centre));
    }
    let rest = sum / n;
    let mut var = square / n - rest * rest;
    if var < 0.0 {
        var = 0.0;
    }
    if var.is_finite() && var + eps >= LEAST {
        return (centre, rest, var);
    }
    let mean = row_sum(x) / n;
    let var = fold(x, |v| (v.as_f64() - mean) * (v.as_f64() - mean)) / n;
    let centre = T::of(mean);
    (centre, mean - centre.as_f64(), var)
}

/// `dgain = Σᵢ dy z`, `dbias = Σᵢ dy`, and `dx = rstd (d - mean(d) - z mean(d z))` with `d = gain dy`, unless it is left out.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn layer_norm_backward<T: Scalar>(
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
    let op = "layer_norm_backward";
    check(op, "normalized", normalized.len(), rows, cols);
    check(op, "rstd", rstd.len(), rows, 1);
    check_row(op, "gain", gain, cols);
    check(op, "dy", dy.len(), rows, cols);
    check_out(op, "dx", &dx, rows, cols);
    check(op, "dgain", dgain.len(), 1, cols);
    check(op, "dbias", dbias.len(), 1, cols);
    if let Some((dx, accum)) = dx {
        backward_input(rows, cols, normalized, rstd, gain, dy, dx, accum, par);
    }
    gain_and_bias_backward(cols, normalized, dy, dgain, dbias, par);
}

fn backward_input<T: Scalar>(
    rows: usize,
    cols: usize,
    normalized: &[T],
    rstd: &[T],
    gain: Option<&[T]>,
    dy: &[T],
    dx: &mut [T],
    accum: Accum,
    par: Par,
) {
    let n = cols as f64;
    for_row_parts(rows, cols, RowsMut { cols, data: dx }, par, |range, dx: RowsMut<'_, T>| {
        vectorize(
            #[inline(always)]
            || {
                for (i, dx) in range.zip(dx.data.chunks_exact_mut(cols.max(1))) {
                    let (z, dy) = (&normalized[i * cols..(i + 1) * cols], &dy[i * cols..(i + 1) * cols]);
                    let r = rstd[i];
                    match gain {
                        Some(gain) => {
                            let (sum, dot) = if cols < LONG {
                                short_pairs::<T, LANES, 3>([dy, gain, z], |[dy, g, z]| (dy * g, z))
                            } else {
                                short_pairs::<T, WIDE, 3>([dy, gain, z], |[dy, g, z]| (dy * g, z))
                            };
                            let (mean, along) = (T::of(sum / n), T::of(dot / n));
                            for (((dx, dy), z), g) in dx.iter_mut().zip(dy).zip(z).zip(gain) {
                                put(dx, accum, r * (*dy * *g - along.fma(*z, mean)));
                            }
                        }
                        None => {
                            let (sum, dot) = if cols < LONG {
                                short_pairs::<T, LANES, 2>([dy, z], |[dy, z]| (dy, z))
                            } else {
                                short_pairs::<T, WIDE, 2>([dy, z], |[dy, z]| (dy, z))
                            };
                            let (mean, along) = (T::of(sum / n), T::of(dot / n));
                            for ((dx, dy), z) in dx.iter_mut().zip(dy).zip(z) {
                                put(dx, accum, r * (*dy - along.fma(*z, mean)));
                            }
                        }
                    }
                }
            },
        );
    });
}
