//! Gaussian error linear unit: `y = x Phi(x)`, `dy/dx = Phi(x) + x phi(x)`,
//! with `Phi(x) = (1 + erf(x / sqrt 2)) / 2` and `phi(x) = e^(-x^2 / 2) / sqrt(2 pi)`.
//!
//! D. Hendrycks and K. Gimpel, "Gaussian error linear units", 2016, arXiv:1606.08415.
//! We differ from PyTorch at minus infinity, where it gives NaN and we the limit 0.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;

/// Beyond this `y` is `x` or 0 in `f64` too; cutting off there keeps infinities out of the products `infinity * 0`.
pub(super) const FAR: f64 = 40.0;

/// `1 / sqrt(2 pi)`.
const FRAC_1_SQRT_TAU: f64 = 0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI;

#[derive(Debug)]
struct Gelu;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "gelu",
    doc: "y = x Phi(x), with the normal distribution's Phi",
    args: &[],
    function: &Gelu,
    kinks: |_| Vec::new(),
    // PyTorch has no value: 1 / sqrt(E[gelu(z)^2]).
    gain: |_| 1.5335,
};

impl PointwiseFn for Gelu {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_below(x, -FAR);
        x * math::normal(x).0
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_above(not_below(x, -FAR), FAR);
        let (cdf, pdf) = math::normal(x);
        x.fma(pdf, cdf)
    }

    // One exponential for both.
    #[inline(always)]
    fn both<T: Scalar>(_: [T; 2], x: T) -> (T, T) {
        let x = not_below(x, -FAR);
        let (cdf, pdf) = math::normal(x);
        (x * cdf, not_above(x, FAR).fma(pdf, cdf))
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_above(not_below(x, -FAR), FAR);
        T::of(FRAC_1_SQRT_TAU) * math::exp(T::of(-0.5) * x * x) * (T::of(2.0) - x * x)
    }
}

/// `max(x, low)`, through which a NaN passes.
#[inline(always)]
pub(super) fn not_below<T: Scalar>(x: T, low: f64) -> T {
    if x < T::of(low) { T::of(low) } else { x }
}

/// `min(x, high)`, through which a NaN passes.
#[inline(always)]
pub(super) fn not_above<T: Scalar>(x: T, high: f64) -> T {
    if x > T::of(high) { T::of(high) } else { x }
}
