//! `log`, `log_1p` and `softplus`.

use super::exp::exp;
use super::native::polynomial;
use crate::scalar::Scalar;

/// The natural logarithm.
///
/// With `x = 2^e m`, `f = m - 1` and `s = f / (2 + f)`: `ln x = e ln 2 + 2 artanh s`, the artanh as a polynomial in `s^2`
/// (arranged as in FDLIBM, Sun Microsystems 1993). `log(0) = -inf`, `log(x < 0) = NaN`, `log(inf) = inf`; subnormals are right.
///
/// Error: below 1 ulp (`f32`), 1.5 ulp (`f64`).
#[inline(always)]
pub fn log<T: Scalar>(x: T) -> T {
    log_corrected(x, T::zero())
}

/// `ln(1 + x)`, exact in relative terms near 0.
///
/// `ln u + (x - (u - 1)) / u` with `u` the rounded `1 + x`. `log_1p(-1) = -inf`, below that NaN; the sign of a zero is kept.
///
/// Error: below 1 ulp (`f32`), 1.5 ulp (`f64`).
#[inline(always)]
pub fn log_1p<T: Scalar>(x: T) -> T {
    let u = T::one() + x;
    let lost = x - (u - T::one());
    log_corrected(u, lost / u).copysign(x)
}

/// `ln(1 + e^x)`, the smooth form of `max(x, 0)`: `max(x, 0) + log_1p(e^-|x|)`.
///
/// Error: below 2 ulp (`f32`), 3 ulp (`f64`).
#[inline(always)]
pub fn softplus<T: Scalar>(x: T) -> T {
    let positive = if x > T::zero() { x } else { T::zero() };
    positive + log_1p(exp(-x.abs()))
}

/// `ln x + correction`, the correction small against the result.
#[inline(always)]
fn log_corrected<T: Scalar>(x: T, correction: T) -> T {
    let (e, m) = x.exponent_and_significand();
    let f = m - T::one();
    let s = f / (f + T::of(2.0));
    let z = s * s;
    let half_square = T::of(0.5) * f * f;
    let rest = s.fma(z.fma(polynomial(z, T::LOG), half_square), e.fma(T::LN_2.1, correction));
    let y = e.fma(T::LN_2.0, f - (half_square - rest));
    let y = if x < T::infinity() { y } else { x };
    let y = if x == T::zero() { T::neg_infinity() } else { y };
    if x < T::zero() { T::nan() } else { y }
}
