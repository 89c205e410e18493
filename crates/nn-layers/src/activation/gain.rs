//! The gain of an activation for which PyTorch has no value.

use layerwise_autograd::Pointwise;

use crate::options::Args;

/// `1 / sqrt(E[f(z)^2])` for a standard normal `z`: what keeps the second moment. 1 where that is no positive number.
///
/// The expectation is the midpoint rule within ten standard deviations. Kinks at multiples of 0.01 lie between its points, so that
/// the error is of second order there too.
pub(super) fn keeping_second_moment(function: &dyn Pointwise, args: Args) -> f64 {
    const STEP: f64 = 0.01;
    const POINTS: i32 = 2000;
    let z: Vec<f64> = (0..POINTS).map(|i| (f64::from(i - POINTS / 2) + 0.5) * STEP).collect();
    let mut y = z.clone();
    function.forward_f64(args, &mut y);
    let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let moment: f64 = z.iter().zip(&y).map(|(z, y)| density(*z) * STEP * y * y).sum();
    let gain = 1.0 / moment.sqrt();
    if gain.is_normal() { gain } else { 1.0 }
}
