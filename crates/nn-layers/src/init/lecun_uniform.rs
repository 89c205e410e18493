//! Uniform within `gain sqrt(3 / fan_in)`; the variance is [`super::lecun_normal`]'s.

use super::entry::{Distribution, InitEntry};
use super::lecun_normal::std;
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "lecun_uniform",
    doc: "uniform with variance gain^2 / fan_in",
    args: &[ArgSpec { name: "gain", default: 1.0, domain: Domain::Positive }],
    distribution: |[gain, _], inputs, _| Distribution::uniform_with_std(std(gain, inputs)),
};
