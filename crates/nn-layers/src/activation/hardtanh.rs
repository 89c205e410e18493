//! The tangent in three straight pieces: `y = min(max(min, x), max)`; `dy/dx = 1` for `min < x < max`, else 0 (also at the ends, as
//! PyTorch). A `min` above `max` gives `max` everywhere.
//!
//! R. Collobert, "Large scale machine learning", 2004.

use layerwise_autograd::{Needs, PointwiseFn};
use layerwise_tensor::Scalar;

use super::entry::ActivationEntry;
use super::gain;
use crate::options::{ArgSpec, Domain};

#[derive(Debug)]
struct Hardtanh;

pub(super) static ENTRY: ActivationEntry = ActivationEntry {
    name: "hardtanh",
    doc: "y = min(max(min, x), max)",
    args: &[
        ArgSpec { name: "min", default: -1.0, domain: Domain::Finite },
        ArgSpec { name: "max", default: 1.0, domain: Domain::Finite },
    ],
    function: &Hardtanh,
    kinks: |ends| ends.to_vec(),
    gain: |args| gain::keeping_second_moment(&Hardtanh, args),
};

impl PointwiseFn for Hardtanh {
    const NEEDS: Needs = Needs::Output;
    const HAS_SECOND: bool = true;

    #[inline(always)]
    fn f<T: Scalar>([min, max]: [T; 2], x: T) -> T {
        let x = if x < min { min } else { x };
        if x > max { max } else { x }
    }

    #[inline(always)]
    fn df<T: Scalar>([min, max]: [T; 2], y: T) -> T {
        let above = if y > min { T::one() } else { T::zero() };
        if y < max { above } else { T::zero() }
    }

    #[inline(always)]
    fn d2f<T: Scalar>(_: [T; 2], _: T) -> T {
        T::zero()
    }
}
