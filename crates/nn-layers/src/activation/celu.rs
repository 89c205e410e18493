//! Continuously differentiable ELU: `y = x` for `x > 0`, else `alpha (e^(x / alpha) - 1)`; `dy/dx = 1` for `x > 0`, else `y / alpha + 1`.
//! For `alpha = 1` it is ELU; for other values its slope has no step at zero.
//!
//! J. T. Barron, "Continuously differentiable exponential linear units", 2017, arXiv:1704.07483.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use super::gain;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct Celu;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "celu",
    doc: "y = x for x > 0, else alpha (e^(x / alpha) - 1)",
    args: &[ArgSpec { name: "alpha", default: 1.0, domain: Domain::Positive }],
    function: &Celu,
    // The second derivative jumps.
    kinks: |_| vec![0.0],
    gain: |args| gain::keeping_second_moment(&Celu, args),
};

impl PointwiseFn for Celu {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([alpha, _]: [T; 2], x: T) -> T {
        // The branch not taken is computed too, so its argument is cut off before it can overflow.
        let below = if x < T::zero() { x } else { T::zero() };
        let below = alpha * math::exp_m1(below / alpha);
        if x <= T::zero() { below } else { x }
    }

    #[inline(always)]
    fn df<T: Scalar>([alpha, _]: [T; 2], y: T) -> T {
        if y <= T::zero() { y / alpha + T::one() } else { T::one() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>([alpha, _]: [T; 2], y: T) -> T {
        if y <= T::zero() { (y / alpha + T::one()) / alpha } else { T::zero() }
    }
}
