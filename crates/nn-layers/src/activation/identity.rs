//! Identity: `y = x`, `dy/dx = 1`.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;

#[derive(Debug)]
struct Identity;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "identity",
    doc: "y = x",
    args: &[],
    function: &Identity,
    kinks: |_| Vec::new(),
    gain: |_| 1.0,
};

impl PointwiseFn for Identity {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        x
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], _: T) -> T {
        T::one()
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
