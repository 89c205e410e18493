//! `exp` and `exp_m1`.

use super::native::polynomial;
use crate::scalar::Scalar;

/// `e^x`.
///
/// With `n` the whole number nearest to `x / ln 2` and `r = x - n ln 2`, `e^x = 2^n (1 + r + r^2 q(r))`.
/// Subnormal results are right; `exp(-inf) = 0`, `exp(inf) = inf`, NaN stays NaN.
///
/// Error: below 1 ulp (`f32`), 1.5 ulp (`f64`).
#[inline(always)]
pub fn exp<T: Scalar>(x: T) -> T {
    let (r, n) = reduce(clamp(x, T::EXP_RANGE.0, T::EXP_RANGE.1));
    let p = exp_m1_near(r) + T::one();
    // In two factors: 2^n alone may be subnormal or infinite where the product is not.
    let half = (n * T::of(0.5)).nearest();
    p * half.pow2() * (n - half).pow2()
}

/// [`exp`] where neither the argument nor the result is extreme: between the type's subnormals and 1.
#[inline(always)]
pub(super) fn exp_inside<T: Scalar>(x: T) -> T {
    let (r, n) = reduce(x);
    (exp_m1_near(r) + T::one()) * n.pow2()
}

/// `e^x - 1`, exact in relative terms near 0.
///
/// With `r` and `n` as in [`exp`]: `2^n (e^r - 1) + (2^n - 1)`. `exp_m1(-inf) = -1`, the sign of a zero is kept, NaN stays NaN.
///
/// Error: below 1.5 ulp (`f32`), 2.5 ulp (`f64`).
#[inline(always)]
pub fn exp_m1<T: Scalar>(x: T) -> T {
    let (r, n) = reduce(clamp(x, T::EXP_M1_LOW, T::EXP_RANGE.1));
    let p = exp_m1_near(r);
    // Half of everything, doubled at the end: 2^n overflows before the result does.
    let half = (n - T::one()).pow2();
    let y = p.fma(half, half - T::of(0.5));
    (y + y).copysign(x)
}

/// `e^r - 1` for `|r| <= ln 2 / 2`.
#[inline(always)]
fn exp_m1_near<T: Scalar>(r: T) -> T {
    (r * r).fma(polynomial(r, T::EXP), r)
}

/// `(r, n)`: `x = n ln 2 + r`, `n` whole, `|r| <= ln 2 / 2`.
#[inline(always)]
fn reduce<T: Scalar>(x: T) -> (T, T) {
    let n = (x * T::of(std::f64::consts::LOG2_E)).nearest();
    let r = n.fma(-T::LN_2.0, x);
    (n.fma(-T::LN_2.1, r), n)
}

/// `x` within `[low, high]`; NaN stays NaN.
#[inline(always)]
fn clamp<T: Scalar>(x: T, low: f64, high: f64) -> T {
    let (low, high) = (T::of(low), T::of(high));
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}
