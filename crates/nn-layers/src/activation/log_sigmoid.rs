//! Logarithm of the logistic: `y = -ln(1 + e^-x)`, `dy/dx = 1 / (1 + e^x)`: the log-probability of a logit, without overflow.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::{Scalar, math};

use super::entry::ActivationEntry;
use super::gain;

#[derive(Debug)]
struct LogSigmoid;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "log_sigmoid",
    doc: "y = -ln(1 + e^-x)",
    args: &[],
    function: &LogSigmoid,
    kinks: |_| Vec::new(),
    gain: |args| gain::keeping_second_moment(&LogSigmoid, args),
};

impl PointwiseFn for LogSigmoid {
    const NEEDS: Needs = Needs::Input;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        -math::softplus(-x)
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], x: T) -> T {
        math::sigmoid(-x)
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
        let s = math::sigmoid(-x);
        s * (s - T::one())
    }
}
