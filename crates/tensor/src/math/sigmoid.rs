//! `tanh` and `sigmoid`.

use super::exp::exp;
use super::native::polynomial;
use crate::scalar::Scalar;

/// The hyperbolic tangent.
///
/// `x + x^3 q(x^2)` below 0.55 and `1 - 2 / (e^(2|x|) + 1)` with the sign of `x` above; both are computed and one is taken.
/// The sign of a zero is kept, `tanh(+-inf) = +-1`, NaN stays NaN.
///
/// Error: below 1.5 ulp (`f32`), 2.5 ulp (`f64`).
#[inline(always)]
pub fn tanh<T: Scalar>(x: T) -> T {
    let t = x.abs();
    let z = t * t;
    let near = (t * z).fma(polynomial(z, T::TANH), t);
    let far = T::one() - T::of(2.0) / (exp(t + t) + T::one());
    let y = if t < T::of(0.55) { near } else { far };
    y.copysign(x)
}

/// The logistic function `1 / (1 + e^-x)`.
///
/// With `e = e^-|x|`: `1 / (1 + e)` for `x >= 0` and `e / (1 + e)` below, so that nothing overflows and small results keep their digits,
/// corrected for the rounding of `1 + e`.
///
/// Error: below 2 ulp (`f32`), 2.5 ulp (`f64`).
#[inline(always)]
pub fn sigmoid<T: Scalar>(x: T) -> T {
    let e = exp(-x.abs());
    let top = if x < T::zero() { e } else { T::one() };
    let bottom = T::one() + e;
    let y = top / bottom;
    // What the sum lost, over the bottom; a rough reciprocal will do for so small a term.
    let lost = (e - (bottom - T::one())) * e.fma(T::of(-0.5), T::one());
    y.fma(-lost, y)
}
