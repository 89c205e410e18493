//! Hard thresholding: `y = 0` for `|x| <= lambda`, else `x`; `dy/dx = 0` or 1. The step that a penalty on the number of non-zeros asks for.
//!
//! D. L. Donoho and I. M. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct Hardshrink;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "hardshrink",
    doc: "y = 0 for |x| <= lambda, else x",
    args: &[ArgSpec { name: "lambda", default: 0.5, domain: Domain::NonNegative }],
    function: &Hardshrink,
    kinks: |[lambda, _]| vec![-lambda, lambda],
    gain: |args| gain::keeping_second_moment(&Hardshrink, args),
};

impl PointwiseFn for Hardshrink {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([lambda, _]: [T; 2], x: T) -> T {
        if x.abs() <= lambda { T::zero() } else { x }
    }

    #[inline(always)]
    fn df<T: Scalar>(_: [T; 2], y: T) -> T {
        if y == T::zero() { T::zero() } else { T::one() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
