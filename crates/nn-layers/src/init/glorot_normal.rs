//! Normal with standard deviation `gain sqrt(2 / (fan_in + fan_out))`: a compromise between keeping the variance forward and backward.
//!
//! X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

use super::entry::{Distribution, InitEntry};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "glorot_normal",
    doc: "normal with variance 2 gain^2 / (fan_in + fan_out)",
    args: &[ArgSpec { name: "gain", default: 1.0, domain: Domain::Positive }],
    distribution: |[gain, _], inputs, outputs| Distribution::Normal { std: std(gain, inputs, outputs) },
};

pub(super) fn std(gain: f64, inputs: usize, outputs: usize) -> f64 {
    gain * (2.0 / (inputs + outputs).max(1) as f64).sqrt()
}
