//! Exponential linear unit: `y = x` for `x > 0`, else `alpha (e^x - 1)`; `dy/dx = 1` for `x > 0`, else `y + alpha`.
//!
//! D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning by exponential linear units", 2015,
//! arXiv:1511.07289.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct Elu;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "elu",
    doc: "y = x for x > 0, else alpha (e^x - 1)",
    args: &[ArgSpec { name: "alpha", default: 1.0, domain: Domain::Positive }],
    function: &Elu,
    kinks: |_| vec![0.0],
    // PyTorch has no value: 1 / sqrt(E[elu(z)^2]) for alpha = 1.
    gain: |_| 1.2452,
};

impl PointwiseFn for Elu {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([alpha, _]: [T; 2], x: T) -> T {
        // The branch not taken is computed too, so its argument is cut off before it can overflow.
        let below = if x < T::zero() { x } else { T::zero() };
        let below = alpha * math::exp_m1(below);
        if x <= T::zero() { below } else { x }
    }

    #[inline(always)]
    fn df<T: Scalar>([alpha, _]: [T; 2], y: T) -> T {
        if y <= T::zero() { y + alpha } else { T::one() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>([alpha, _]: [T; 2], y: T) -> T {
        if y <= T::zero() { y + alpha } else { T::zero() }
    }
}
