//! Mish: `y = x tanh(ln(1 + e^x))`.
//!
//! With `e = e^x`, `w = e (e + 2)` and `d = w + 2` the tangent is `w / d`, which needs one exponential:
//! `dy/dx = w / d + x 4 e (e + 1) / d^2`.
//!
//! D. Misra, "Mish: a self regularized non-monotonic activation function", 2019, arXiv:1908.08681.
//! We differ from PyTorch at minus infinity, where it gives NaN and we the limit 0.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use super::gain;
use super::gelu::{FAR as ABOVE, not_above, not_below};
use super::silu::FAR as BELOW;

#[derive(Debug)]
struct Mish;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "mish",
    doc: "y = x tanh(ln(1 + e^x))",
    args: &[],
    function: &Mish,
    kinks: |_| Vec::new(),
    gain: |args| gain::keeping_second_moment(&Mish, args),
};

/// `x` where it makes a difference, `e` and `d`: above [`ABOVE`] the tangent is 1, below -[`BELOW`] the exponential is 0.
#[inline(always)]
fn parts<T: Scalar>(x: T) -> (T, T, T) {
    let x = not_above(not_below(x, -BELOW), ABOVE);
    let e = math::exp(x);
    (x, e, e * (e + T::of(2.0)) + T::of(2.0))
}

impl PointwiseFn for Mish {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        let (_, e, d) = parts(x);
        not_below(x, -BELOW) * (e * (e + T::of(2.0)) / d)
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        let (x, e, d) = parts(x);
        // The order of the divisions keeps `f32` from overflowing.
        let p = e * (e + T::one()) / d;
        e * (e + T::of(2.0)) / d + x * (T::of(4.0) * p / d)
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        let (x, e, d) = parts(x);
        let p = e * (e + T::one()) / d;
        let curve = e * (e + e + T::one()) / d - T::of(4.0) * p * p;
        T::of(4.0) / d * (p + p + x * curve)
    }
}
