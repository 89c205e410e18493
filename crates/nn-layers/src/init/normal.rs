//! Normal with mean 0 and a standard deviation of one's own; 1, as PyTorch has it, is much for a wide layer.

use super::entry::{Distribution, InitEntry};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "normal",
    doc: "normal with standard deviation `std`",
    args: &[ArgSpec { name: "std", default: 1.0, domain: Domain::NonNegative }],
    distribution: |[std, _], _, _| Distribution::Normal { std },
};
