//! The slow and obvious twin of each kernel: plain loops, `f64` inside, one order. For tests.

use super::{Form, LinearShape};
use crate::mode::Accum;
use crate::scalar::Scalar;

/// Twin of [`gemm`](super::gemm).
pub fn gemm<T: Scalar>(form: Form, m: usize, n: usize, k: usize, a: &[T], b: &[T], accum: Accum, c: &mut [T]) {
    for i in 0..m {
        for j in 0..n {
            let mut sum = 0.0;
            for p in 0..k {
                let a = if form == Form::Tn { a[p * m + i] } else { a[i * k + p] };
                let b = if form == Form::Nt { b[j * k + p] } else { b[p * n + j] };
                sum += a.as_f64() * b.as_f64();
            }
            put(&mut c[i * n + j], accum, sum);
        }
    }
}

/// Twin of [`linear_forward`](super::linear_forward), without epilogue.
pub fn linear_forward<T: Scalar>(s: LinearShape, x: &[T], w: &[T], b: Option<&[T]>, y: &mut [T]) {
    gemm(Form::Nn, s.batch, s.outputs, s.inputs, x, w, Accum::Replace, y);
    if let Some(b) = b {
        for (i, y) in y.iter_mut().enumerate() {
            *y += b[i % s.outputs];
        }
    }
}

/// Twin of [`linear_backward_weight`](super::linear_backward_weight).
pub fn linear_backward_weight<T: Scalar>(s: LinearShape, x: &[T], dz: &[T], accum: Accum, dw: &mut [T]) {
    gemm(Form::Tn, s.inputs, s.outputs, s.batch, x, dz, accum, dw);
}

/// Twin of [`linear_backward_bias`](super::linear_backward_bias).
pub fn linear_backward_bias<T: Scalar>(s: LinearShape, dz: &[T], accum: Accum, db: &mut [T]) {
    sum_over_rows(s.batch, s.outputs, dz, accum, db);
}

/// Twin of [`linear_backward_input`](super::linear_backward_input).
pub fn linear_backward_input<T: Scalar>(s: LinearShape, dz: &[T], w: &[T], accum: Accum, dx: &mut [T]) {
    gemm(Form::Nt, s.batch, s.inputs, s.outputs, dz, w, accum, dx);
}

/// Twin of [`sum`](super::sum).
pub fn sum<T: Scalar>(x: &[T]) -> f64 {
    x.iter().map(|v| v.as_f64()).sum()
}

/// Twin of [`sum_of_squares`](super::sum_of_squares).
pub fn sum_of_squares<T: Scalar>(x: &[T]) -> f64 {
    x.iter().map(|v| v.as_f64() * v.as_f64()).sum()
}

/// Twin of [`dot`](super::dot).
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x.as_f64() * y.as_f64()).sum()
}

/// Twin of [`max_abs`](super::max_abs).
pub fn max_abs<T: Scalar>(x: &[T]) -> f64 {
    let larger = |m: f64, v: f64| if v.is_nan() || v > m { v } else { m };
    x.iter().fold(0.0, |m, v| if f64::is_nan(m) { m } else { larger(m, v.as_f64().abs()) })
}

/// Twin of [`sum_over_rows`](super::sum_over_rows).
pub fn sum_over_rows<T: Scalar>(rows: usize, cols: usize, x: &[T], accum: Accum, out: &mut [T]) {
    for j in 0..cols {
        put(&mut out[j], accum, (0..rows).map(|i| x[i * cols + j].as_f64()).sum());
    }
}

/// Twin of [`sum_over_cols`](super::sum_over_cols).
pub fn sum_over_cols<T: Scalar>(rows: usize, cols: usize, x: &[T], accum: Accum, out: &mut [T]) {
    for i in 0..rows {
        put(&mut out[i], accum, sum(&x[i * cols..(i + 1) * cols]));
    }
}

/// Twin of [`softmax`](super::softmax).
pub fn softmax<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T]) {
    log_softmax_with(rows, cols, x, y, f64::exp);
}

/// Twin of [`log_softmax`](super::log_softmax).
pub fn log_softmax<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T]) {
    log_softmax_with(rows, cols, x, y, |v| v);
}

/// Twin of [`log_sum_exp`](super::log_sum_exp).
pub fn log_sum_exp<T: Scalar>(rows: usize, cols: usize, x: &[T], out: &mut [T]) {
    for i in 0..rows {
        out[i] = T::of(row_log_sum_exp(&x[i * cols..(i + 1) * cols]));
    }
}

/// Twin of [`softmax_backward`](super::softmax_backward).
pub fn softmax_backward<T: Scalar>(rows: usize, cols: usize, y: &[T], dy: &[T], accum: Accum, dx: &mut [T]) {
    for i in 0..rows {
        let row = i * cols..(i + 1) * cols;
        let inner = dot(&y[row.clone()], &dy[row.clone()]);
        for p in row {
            put(&mut dx[p], accum, y[p].as_f64() * (dy[p].as_f64() - inner));
        }
    }
}

/// Twin of [`log_softmax_backward`](super::log_softmax_backward).
pub fn log_softmax_backward<T: Scalar>(rows: usize, cols: usize, y: &[T], dy: &[T], accum: Accum, dx: &mut [T]) {
    for i in 0..rows {
        let row = i * cols..(i + 1) * cols;
        let total = sum(&dy[row.clone()]);
        for p in row {
            put(&mut dx[p], accum, dy[p].as_f64() - y[p].as_f64().exp() * total);
        }
    }
}

/// Twin of [`log_sum_exp_backward`](super::log_sum_exp_backward).
pub fn log_sum_exp_backward<T: Scalar>(
    rows: usize,
    cols: usize,
    x: &[T],
    out: &[T],
    dout: &[T],
    accum: Accum,
    dx: &mut [T],
) {
    for i in 0..rows {
        for p in i * cols..(i + 1) * cols {
            put(&mut dx[p], accum, dout[i].as_f64() * (x[p].as_f64() - out[i].as_f64()).exp());
        }
    }
}

/// Twin of [`layer_norm_forward`](super::layer_norm_forward).
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
) {
    for i in 0..rows {
        let row = &x[i * cols..(i + 1) * cols];
        let mean = sum(row) / cols as f64;
        let var = row.iter().map(|v| (v.as_f64() - mean).powi(2)).sum::<f64>() / cols as f64;
        let r = 1.0 / (var + eps).sqrt();
        rstd[i] = T::of(r);
        for j in 0..cols {
            let z = (row[j].as_f64() - mean) * r;
            normalized[i * cols + j] = T::of(z);
            y[i * cols + j] = T::of(z * at(gain, j, 1.0) + at(bias, j, 0.0));
        }
    }
}

/// Twin of [`layer_norm_backward`](super::layer_norm_backward).
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
) {
    if let Some((dx, accum)) = dx {
        for i in 0..rows {
            let (mut mean, mut along) = (0.0, 0.0);
            for j in 0..cols {
                let p = i * cols + j;
                let d = dy[p].as_f64() * at(gain, j, 1.0);
                mean += d / cols as f64;
                along += d * normalized[p].as_f64() / cols as f64;
            }
            for j in 0..cols {
                let p = i * cols + j;
                let d = dy[p].as_f64() * at(gain, j, 1.0);
                put(&mut dx[p], accum, rstd[i].as_f64() * (d - mean - normalized[p].as_f64() * along));
            }
        }
    }
    gain_and_bias(rows, cols, |p| normalized[p].as_f64(), dy, dgain, dbias);
}

/// Twin of [`batch_norm_forward`](super::batch_norm_forward).
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
) {
    for j in 0..cols {
        let column = || (0..rows).map(|i| x[i * cols + j].as_f64());
        let m = column().sum::<f64>() / rows as f64;
        let v = column().map(|v| (v - m).powi(2)).sum::<f64>() / rows as f64;
        let r = 1.0 / (v + eps).sqrt();
        (mean[j], var[j], rstd[j]) = (T::of(m), T::of(v), T::of(r));
        for (i, x) in column().enumerate() {
            let z = (x - m) * r;
            normalized[i * cols + j] = T::of(z);
            y[i * cols + j] = T::of(z * at(gain, j, 1.0) + at(bias, j, 0.0));
        }
    }
}

/// Twin of [`batch_norm_backward`](super::batch_norm_backward).
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
) {
    if let Some((dx, accum)) = dx {
        for j in 0..cols {
            let (mut mean, mut along) = (0.0, 0.0);
            for p in (0..rows).map(|i| i * cols + j) {
                mean += dy[p].as_f64() / rows as f64;
                along += dy[p].as_f64() * normalized[p].as_f64() / rows as f64;
            }
            for p in (0..rows).map(|i| i * cols + j) {
                let d = dy[p].as_f64() - mean - normalized[p].as_f64() * along;
                put(&mut dx[p], accum, at(gain, j, 1.0) * rstd[j].as_f64() * d);
            }
        }
    }
    gain_and_bias(rows, cols, |p| normalized[p].as_f64(), dy, dgain, dbias);
}

/// Twin of [`batch_norm_eval`](super::batch_norm_eval).
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
) {
    for p in 0..rows * cols {
        let j = p % cols;
        let z = (x[p].as_f64() - mean[j].as_f64()) / (var[j].as_f64() + eps).sqrt();
        y[p] = T::of(z * at(gain, j, 1.0) + at(bias, j, 0.0));
    }
}

/// Twin of [`batch_norm_eval_backward`](super::batch_norm_eval_backward).
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
) {
    let rstd = |j: usize| 1.0 / (var[j].as_f64() + eps).sqrt();
    if let Some((dx, accum)) = dx {
        for p in 0..rows * cols {
            put(&mut dx[p], accum, dy[p].as_f64() * at(gain, p % cols, 1.0) * rstd(p % cols));
        }
    }
    let normalized = |p: usize| (x[p].as_f64() - mean[p % cols].as_f64()) * rstd(p % cols);
    gain_and_bias(rows, cols, normalized, dy, dgain, dbias);
}

/// Twin of [`transpose`](super::transpose).
pub fn transpose<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T]) {
    for i in 0..rows {
        for j in 0..cols {
            y[j * rows + i] = x[i * cols + j];
        }
    }
}

fn put<T: Scalar>(place: &mut T, accum: Accum, value: f64) {
    *place = match accum {
        Accum::Replace => T::of(value),
        Accum::Add => T::of(place.as_f64() + value),
    };
}

fn at<T: Scalar>(row: Option<&[T]>, j: usize, otherwise: f64) -> f64 {
    row.map_or(otherwise, |r| r[j].as_f64())
}

fn row_log_sum_exp<T: Scalar>(row: &[T]) -> f64 {
    let max = row.iter().fold(f64::NEG_INFINITY, |m, v| m.max(v.as_f64()));
    let shift = if max.is_finite() { max } else { 0.0 };
    shift + row.iter().map(|v| (v.as_f64() - shift).exp()).sum::<f64>().ln()
}

fn log_softmax_with<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T], last: impl Fn(f64) -> f64) {
    for i in 0..rows {
        let row = i * cols..(i + 1) * cols;
        let total = row_log_sum_exp(&x[row.clone()]);
        for p in row {
            y[p] = T::of(last(x[p].as_f64() - total));
        }
    }
}

fn gain_and_bias<T: Scalar>(
    rows: usize,
    cols: usize,
    normalized: impl Fn(usize) -> f64,
    dy: &[T],
    dgain: &mut [T],
    dbias: &mut [T],
) {
    for j in 0..cols {
        let column = || (0..rows).map(|i| i * cols + j);
        dgain[j] = T::of(column().map(|p| dy[p].as_f64() * normalized(p)).sum());
        dbias[j] = T::of(column().map(|p| dy[p].as_f64()).sum());
    }
}
