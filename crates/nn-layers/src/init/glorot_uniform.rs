//! Uniform within `gain sqrt(6 / (fan_in + fan_out))`; the variance is [`super::glorot_normal`]'s.

use super::entry::{Distribution, InitEntry};
use super::glorot_normal::std;
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "glorot_uniform",
    doc: "uniform with variance 2 gain^2 / (fan_in + fan_out)",
    args: &[ArgSpec { name: "gain", default: 1.0, domain: Domain::Positive }],
    distribution: |[gain, _], inputs, outputs| Distribution::uniform_with_std(std(gain, inputs, outputs)),
};
