//! Softmax, its logarithm and log-sum-exp over the rows.

use super::check::check;
use super::par::Par;
use super::reference;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// `y = softmax(x)` over each row.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn softmax<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T], _par: Par) {
    check("softmax", "x", x.len(), rows, cols);
    check("softmax", "y", y.len(), rows, cols);
    reference::softmax(rows, cols, x, y);
}

/// `y = log softmax(x)` over each row.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn log_softmax<T: Scalar>(rows: usize, cols: usize, x: &[T], y: &mut [T], _par: Par) {
    check("log_softmax", "x", x.len(), rows, cols);
    check("log_softmax", "y", y.len(), rows, cols);
    reference::log_softmax(rows, cols, x, y);
}

/// `out[i] = ln Σⱼ exp x[i, j]`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn log_sum_exp<T: Scalar>(rows: usize, cols: usize, x: &[T], out: &mut [T], _par: Par) {
    check("log_sum_exp", "x", x.len(), rows, cols);
    check("log_sum_exp", "out", out.len(), rows, 1);
    reference::log_sum_exp(rows, cols, x, out);
}

/// `dx = y (dy - Σ y dy)` for `y = softmax(x)`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn softmax_backward<T: Scalar>(rows: usize, cols: usize, y: &[T], dy: &[T], accum: Accum, dx: &mut [T], _par: Par) {
    check("softmax_backward", "y", y.len(), rows, cols);
    check("softmax_backward", "dy", dy.len(), rows, cols);
    check("softmax_backward", "dx", dx.len(), rows, cols);
    reference::softmax_backward(rows, cols, y, dy, accum, dx);
}

/// `dx = dy - exp(y) Σ dy` for `y = log softmax(x)`.
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
    _par: Par,
) {
    check("log_softmax_backward", "y", y.len(), rows, cols);
    check("log_softmax_backward", "dy", dy.len(), rows, cols);
    check("log_softmax_backward", "dx", dx.len(), rows, cols);
    reference::log_softmax_backward(rows, cols, y, dy, accum, dx);
}

/// `dx[i, j] = dout[i] exp(x[i, j] - out[i])`.
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
    _par: Par,
) {
    check("log_sum_exp_backward", "x", x.len(), rows, cols);
    check("log_sum_exp_backward", "out", out.len(), rows, 1);
    check("log_sum_exp_backward", "dout", dout.len(), rows, 1);
    check("log_sum_exp_backward", "dx", dx.len(), rows, cols);
    reference::log_sum_exp_backward(rows, cols, x, out, dout, accum, dx);
}
