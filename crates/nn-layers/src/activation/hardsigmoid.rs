//! The logistic in three straight pieces: `y = min(max(0, x + 3), 6) / 6`; `dy/dx = 1 / 6` for `-3 < x < 3`, else 0.
//!
//! The slope is PyTorch's; older Keras and ONNX have `0.2 x + 0.5`.
//! M. Courbariaux, Y. Bengio and J.-P. David, "BinaryConnect", 2015, arXiv:1511.00363 (with slope 1/2).

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use super::gelu::{not_above, not_below};

#[derive(Debug)]
struct Hardsigmoid;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "hardsigmoid",
    doc: "y = min(max(0, x + 3), 6) / 6",
    args: &[],
    function: &Hardsigmoid,
    kinks: |_| vec![-3.0, 3.0],
    gain: |args| gain::keeping_second_moment(&Hardsigmoid, args),
};

impl PointwiseFn for Hardsigmoid {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>(_: [T; 2], x: T) -> T {
        not_above(not_below(x + T::of(3.0), 0.0), 6.0) / T::of(6.0)
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        let above = if y > T::zero() { T::of(1.0 / 6.0) } else { T::zero() };
        if y < T::one() { above } else { T::zero() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
