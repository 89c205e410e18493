//! Hyperbolic tangent: `y = tanh x`, `dy/dx = 1 - y^2`.
//!
//! Recommended over the sigmoid for hidden layers by Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;

#[derive(Debug)]
struct Tanh;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "tanh",
    doc: "y = tanh x",
    args: &[],
    function: &Tanh,
    kinks: |_| Vec::new(),
    gain: |_| 5.0 / 3.0,
};

impl PointwiseFn for Tanh {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        math::tanh(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        // (1 - y)(1 + y) keeps its digits near saturation, where 1 - y^2 cancels.
        (T::one() - y) * (T::one() + y)
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], y: T) -> T {
        T::of(-2.0) * y * (T::one() - y) * (T::one() + y)
    }
}
