//! Uniform within `gain sqrt(3 / fan)`; the variance is [`super::he_normal`]'s. PyTorch's `kaiming_uniform_`.

use std::f64::consts::SQRT_2;

use super::entry::{Distribution, InitEntry};
use super::he_normal::{FAN, std};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "he_uniform",
    doc: "uniform with variance gain^2 / fan",
    args: &[
        ArgSpec { name: "gain", default: SQRT_2, domain: Domain::Positive },
        ArgSpec { name: "fan", default: 0.0, domain: FAN },
    ],
    distribution: |[gain, fan], inputs, outputs| Distribution::uniform_with_std(std(gain, fan, inputs, outputs)),
};
