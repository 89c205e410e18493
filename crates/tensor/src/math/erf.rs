//! `erf` and the normal distribution.

use super::exp::exp;
use super::native::polynomial;
use crate::scalar::Scalar;

/// The error function `2 / sqrt(pi) * integral of e^(-t^2) from 0 to x`.
///
/// `x + x q(x^2)` below about 1 and `1 - e^(p(|x|))` with the sign of `x` above; both are computed and one is taken
/// (the shape is that of N. Juffa's `erff`; the polynomials are our own). The sign of a zero is kept, `erf(+-inf) = +-1`, NaN stays NaN.
///
/// Error: below 1.5 ulp (`f32`), 4 ulp (`f64`).
#[inline(always)]
pub fn erf<T: Scalar>(x: T) -> T {
    let (split, one) = (T::of(T::ERF_RANGE.0), T::of(T::ERF_RANGE.1));
    let t = x.abs();
    let near = t.fma(polynomial(t * t, T::ERF_NEAR), t);
    let short = if t > one { one } else { t };
    let far = T::one() - exp(polynomial(short, T::ERF_FAR));
    let y = if t < split { near } else { far };
    y.copysign(x)
}

/// The distribution function of the standard normal, `(1 + erf(x / sqrt 2)) / 2`.
///
/// Error: that of [`erf`], so absolute in the left tail: below about -5.5 (`f32`) or -8.3 (`f64`) the result is 0.
/// PyTorch's exact GELU computes the same.
#[inline(always)]
pub fn normal_cdf<T: Scalar>(x: T) -> T {
    let half = T::of(0.5);
    half.fma(erf(x * T::of(std::f64::consts::FRAC_1_SQRT_2)), half)
}

/// The density of the standard normal, `e^(-x^2 / 2) / sqrt(2 pi)`.
#[inline(always)]
pub fn normal_pdf<T: Scalar>(x: T) -> T {
    const INV_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
    exp(T::of(-0.5) * x * x) * T::of(INV_SQRT_2_PI)
}
