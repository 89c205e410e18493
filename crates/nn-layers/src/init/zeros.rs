//! All zero: biases, and the last layer of a residual branch.

use super::entry::{Distribution, InitEntry};

pub(super) static ENTRY: InitEntry =
    InitEntry { name: "zeros", doc: "all zero", args: &[], distribution: |_, _, _| Distribution::Constant(0.0) };
