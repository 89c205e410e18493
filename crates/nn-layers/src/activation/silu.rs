//! Sigmoid linear unit, also called swish: `y = x s(x)` with the logistic `s`; `dy/dx = s (1 + x (1 - s))`.
//!
//! S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement
//! learning", 2017, arXiv:1702.03118; P. Ramachandran, B. Zoph and Q. V. Le, "Searching for activation functions", 2017,
//! arXiv:1710.05941. We differ from PyTorch at minus infinity, where it gives NaN and we the limit 0.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use super::gain;
use super::gelu::{not_above, not_below};

/// Beyond this the logistic is 0 or 1 in `f64` too; cutting off there keeps infinities out of the products `infinity * 0`.
pub(super) const FAR: f64 = 1000.0;

#[derive(Debug)]
struct Silu;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "silu",
    doc: "y = x / (1 + e^-x)",
    args: &[],
    function: &Silu,
    kinks: |_| Vec::new(),
    gain: |args| gain::keeping_second_moment(&Silu, args),
};

impl PointwiseFn for Silu {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_below(x, -FAR);
        x * math::sigmoid(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_above(not_below(x, -FAR), FAR);
        let s = math::sigmoid(x);
        s * (T::one() + x * (T::one() - s))
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        let x = not_above(not_below(x, -FAR), FAR);
        let s = math::sigmoid(x);
        s * (T::one() - s) * (T::of(2.0) + x * (T::one() - s - s))
    }
}
