//! GELU through `tanh`: `y = x (1 + t) / 2` with `t = tanh u`, `u = sqrt(2 / pi) (x + 0.044715 x^3)`;
//! `dy/dx = (1 + t) / 2 + x (1 - t^2) u' / 2`, `u' = sqrt(2 / pi) (1 + 3 * 0.044715 x^2)`.
//!
//! D. Hendrycks and K. Gimpel, "Gaussian error linear units", 2016, arXiv:1606.08415; PyTorch's `approximate="tanh"`.
//! It differs from the exact form by less than 5e-4. At minus infinity PyTorch gives NaN and we the limit 0.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use super::gelu::{FAR, not_above, not_below};

const ROOT: f64 = FRAC_2_SQRT_PI / SQRT_2;
const CUBIC: f64 = 0.044715;

#[derive(Debug)]
struct GeluTanh;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "gelu_tanh",
    doc: "y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
    args: &[],
    function: &GeluTanh,
    kinks: |_| Vec::new(),
    // PyTorch has no value: 1 / sqrt(E[gelu_tanh(z)^2]).
    gain: |_| 1.5335,
};

impl PointwiseFn for GeluTanh {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_below(x, -FAR);
        T::of(0.5) * x * (T::one() + math::tanh(inner(x)))
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_above(not_below(x, -FAR), FAR);
        let t = math::tanh(inner(x));
        let du = T::of(ROOT) * (T::one() + T::of(3.0 * CUBIC) * x * x);
        T::of(0.5) * (T::one() + t) + T::of(0.5) * x * (T::one() - t) * (T::one() + t) * du
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_above(not_below(x, -FAR), FAR);
        let t = math::tanh(inner(x));
        let du = T::of(ROOT) * (T::one() + T::of(3.0 * CUBIC) * x * x);
        let d2u = T::of(ROOT * 6.0 * CUBIC) * x;
        let dt = (T::one() - t) * (T::one() + t);
        dt * (du + T::of(0.5) * x * (d2u - T::of(2.0) * t * du * du))
    }
}

#[inline(always)]
fn inner<T: Scalar>(x: T) -> T {
    T::of(ROOT) * (x + T::of(CUBIC) * x * x * x)
}
