//! Threshold: `y = x` for `x > threshold`, else `value`; `dy/dx = 1` or 0. PyTorch asks for both numbers; ours are 0 by default, which
//! is ReLU.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct Threshold;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "threshold",
    doc: "y = x for x > threshold, else value",
    args: &[
        ArgSpec { name: "threshold", default: 0.0, domain: Domain::Finite },
        ArgSpec { name: "value", default: 0.0, domain: Domain::Finite },
    ],
    function: &Threshold,
    kinks: |[threshold, _]| vec![threshold],
    gain: |args| gain::keeping_second_moment(&Threshold, args),
};

impl PointwiseFn for Threshold {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([threshold, value]: [T; 2], x: T) -> T {
        if x <= threshold { value } else { x }
    }

    #[inline(always)]
    fn df<T: Scalar>([threshold, _]: [T; 2], x: T) -> T {
        if x > threshold { T::one() } else { T::zero() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
