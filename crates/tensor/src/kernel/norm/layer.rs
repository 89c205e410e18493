//! Layer norm (Ba, Kiros, Hinton, 2016): every row on its own.

use super::super::check::{check, check_row, put};
use super::super::par::{Par, RowsMut, for_row_parts};
use super::super::reduce::{fold, row_dot, row_dot3, row_sum};
use super::{check_out, gain_and_bias, gain_and_bias_backward};
use crate::math::vectorize;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// `y = gain z + bias` with `z = (x - mean) rstd`, `rstd = 1 / sqrt(var + eps)`, mean and biased variance along each row.
///
/// `x, y, normalized (rows, cols)`, `gain, bias (1, cols)` (left out: 1 and 0), `rstd (rows, 1)`; `normalized` keeps `z`. A row is summed
/// in `f64`, the variance about the mean, so rows far from zero lose nothing.
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
    par: Par,
) {
    check("layer_norm", "x", x.len(), rows, cols);
    check_row("layer_norm", "gain", gain, cols);
    check_row("layer_norm", "bias", bias, cols);
    check("layer_norm", "y", y.len(), rows, cols);
    check("layer_norm", "normalized", normalized.len(), rows, cols);
    check("layer_norm", "rstd", rstd.len(), rows, 1);
    let parts = (RowsMut { cols, data: y }, RowsMut { cols, data: normalized }, rstd);
    for_row_parts(rows, cols, parts, par, |range, (y, z, rstd): (RowsMut<'_, T>, RowsMut<'_, T>, &mut [T])| {
        vectorize(
            #[inline(always)]
            || {
                let out = y.data.chunks_exact_mut(cols.max(1)).zip(z.data.chunks_exact_mut(cols.max(1)));
                for ((i, (y, z)), rstd) in range.zip(out).zip(rstd) {
                    let x = &x[i * cols..(i + 1) * cols];
                    let mean = row_sum(x) / cols as f64;
                    let var = fold(x, |v| (v.as_f64() - mean) * (v.as_f64() - mean)) / cols as f64;
                    let r = 1.0 / (var + eps).sqrt();
                    *rstd = T::of(r);
                    for (z, x) in z.iter_mut().zip(x) {
                        *z = T::of((x.as_f64() - mean) * r);
                    }
                    gain_and_bias(z, gain, bias, y);
                }
            },
        );
    });
}

/// `dx = rstd (d - mean(d) - z mean(d z))` with `d = gain dy`; `dgain = Σᵢ dy z`, `dbias = Σᵢ dy`. What is `None` is left out.
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
    dgain: Option<(&mut [T], Accum)>,
    dbias: Option<(&mut [T], Accum)>,
    par: Par,
) {
    let op = "layer_norm_backward";
    check(op, "normalized", normalized.len(), rows, cols);
    check(op, "rstd", rstd.len(), rows, 1);
    check_row(op, "gain", gain, cols);
    check(op, "dy", dy.len(), rows, cols);
    check_out(op, "dx", &dx, rows, cols);
    check_out(op, "dgain", &dgain, 1, cols);
    check_out(op, "dbias", &dbias, 1, cols);
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
                    let r = rstd[i].as_f64();
                    match gain {
                        Some(gain) => {
                            let (mean, along) = (row_dot(dy, gain) / n, row_dot3(dy, gain, z) / n);
                            for (((dx, dy), z), g) in dx.iter_mut().zip(dy).zip(z).zip(gain) {
                                let d = dy.as_f64() * g.as_f64() - mean - z.as_f64() * along;
                                put(dx, accum, T::of(r * d));
                            }
                        }
                        None => {
                            let (mean, along) = (row_sum(dy) / n, row_dot(dy, z) / n);
                            for ((dx, dy), z) in dx.iter_mut().zip(dy).zip(z) {
                                put(dx, accum, T::of(r * (dy.as_f64() - mean - z.as_f64() * along)));
                            }
                        }
                    }
                }
            },
        );
    });
}
