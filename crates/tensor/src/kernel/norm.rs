//! Layer norm and batch norm.

use super::par::Par;
use super::reference;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// Layer norm forward.
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
    _par: Par,
) {
    reference::layer_norm_forward(rows, cols, eps, x, gain, bias, y, normalized, rstd);
}

/// Layer norm backward.
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
    _par: Par,
) {
    reference::layer_norm_backward(rows, cols, normalized, rstd, gain, dy, dx, dgain, dbias);
}

/// Batch norm forward.
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
    _par: Par,
) {
    reference::batch_norm_forward(rows, cols, eps, x, gain, bias, y, normalized, mean, var, rstd);
}

/// Batch norm backward.
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
    _par: Par,
) {
    reference::batch_norm_backward(rows, cols, normalized, rstd, gain, dy, dx, dgain, dbias);
}

/// Batch norm eval.
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
    _par: Par,
) {
    reference::batch_norm_eval(rows, cols, eps, x, gain, bias, mean, var, y);
}

/// Batch norm eval backward.
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
    _par: Par,
) {
    reference::batch_norm_eval_backward(rows, cols, eps, x, gain, mean, var, dy, dx, dgain, dbias);
}
