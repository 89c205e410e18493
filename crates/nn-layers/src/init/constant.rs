//! The same value everywhere.

use super::entry::{Distribution, InitEntry};
use crate::options::{ArgSpec, Domain};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "constant",
    doc: "all `value`",
    args: &[ArgSpec { name: "value", default: 1.0, domain: Domain::Finite }],
    distribution: |[value, _], _, _| Distribution::Constant(value),
};
