//! Normal with standard deviation `gain / sqrt(fan)`, where `fan` counts inputs (`in`, keeps the variance forward) or outputs (`out`, backward).
//!
//! K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", 2015, arXiv:1502.01852. PyTorch's `kaiming_normal_`.

use std::f64::consts::SQRT_2;

use super::entry::{Distribution, InitEntry};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "he_normal",
    doc: "normal with variance gain^2 / fan",
    args: &[
        ArgSpec { name: "gain", default: SQRT_2, domain: Domain::Positive },
        ArgSpec { name: "fan", default: 0.0, domain: FAN },
    ],
    distribution: |[gain, fan], inputs, outputs| Distribution::Normal { std: std(gain, fan, inputs, outputs) },
};

pub(super) const FAN: Domain = Domain::Choice(&["in", "out"]);

pub(super) fn std(gain: f64, fan: f64, inputs: usize, outputs: usize) -> f64 {
    let fan = if fan == 0.0 { inputs } else { outputs };
    gain / (fan.max(1) as f64).sqrt()
}
