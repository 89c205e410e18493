//! Uniform in `[-bound, bound)`.

use super::entry::{Distribution, InitEntry};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "uniform",
    doc: "uniform within `bound`",
    args: &[ArgSpec { name: "bound", default: 1.0, domain: Domain::NonNegative }],
    distribution: |[bound, _], _, _| Distribution::Uniform { bound },
};
