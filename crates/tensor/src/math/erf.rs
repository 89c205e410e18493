//! `erf` and the normal distribution.

use super::exp::{exp, exp_inside};
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

/// Distribution function and density of the standard normal, `Phi(x) = (1 + erf(x / sqrt 2)) / 2` and
/// `phi(x) = e^(-x^2 / 2) / sqrt(2 pi)`.
///
/// In `f32` from one `exp` and two polynomials: `Phi(-|x|) = e^(p(|x|)) / 2` and `phi(x) = Phi(-|x|) q(|x|)`, where `q` is the hazard
/// rate. From 5.7 on the tail is 0, which costs `x phi(x)` 2.1e-7 there. In `f64` from [`erf`] and [`exp`], with their errors.
///
/// Error in `f32`: below 1e-7, absolute; the relative one grows in the left tail, as that of `(1 + erf) / 2` does.
#[inline(always)]
pub fn normal<T: Scalar>(x: T) -> (T, T) {
    let half = T::of(0.5);
    if T::NORMAL_TAIL.is_empty() {
        return (half.fma(erf(x * T::of(std::f64::consts::FRAC_1_SQRT_2)), half), normal_pdf(x));
    }
    let end = T::of(5.7);
    let t = x.abs();
    let short = if t > end { end } else { t };
    let tail = half * exp_inside(polynomial(short, T::NORMAL_TAIL));
    let tail = if t > end { T::zero() } else { tail };
    let cdf = if x > T::zero() { T::one() - tail } else { tail };
    (cdf, tail * polynomial(short, T::NORMAL_HAZARD))
}

/// The distribution function of the standard normal: the first of [`normal`].
#[inline(always)]
pub fn normal_cdf<T: Scalar>(x: T) -> T {
    normal(x).0
}

/// The density of the standard normal, `e^(-x^2 / 2) / sqrt(2 pi)`, exact in relative terms.
#[inline(always)]
pub fn normal_pdf<T: Scalar>(x: T) -> T {
    const INV_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
    exp(T::of(-0.5) * x * x) * T::of(INV_SQRT_2_PI)
}
