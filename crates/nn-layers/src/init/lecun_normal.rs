//! Normal with standard deviation `gain / sqrt(fan_in)`: what SELU's fixed point asks for.
//!
//! Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", 1998.

use super::entry::{Distribution, InitEntry};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "lecun_normal",
    doc: "normal with variance gain^2 / fan_in",
    args: &[ArgSpec { name: "gain", default: 1.0, domain: Domain::Positive }],
    distribution: |[gain, _], inputs, _| Distribution::Normal { std: std(gain, inputs) },
};

pub(super) fn std(gain: f64, inputs: usize) -> f64 {
    gain / (inputs.max(1) as f64).sqrt()
}
