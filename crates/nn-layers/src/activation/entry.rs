//! What an activation's file tells about it.

use std::fmt;

use layerwise_autograd::Pointwise;

use crate::options::{ArgSpec, Args, Entry};

/// A line of the table of activations.
pub struct ActivationEntry {
    /// Its name in configurations.
    pub name: &'static str,
    /// One line for the documentation, with the formula.
    pub doc: &'static str,
    /// The numbers it takes, two at most.
    pub args: &'static [ArgSpec],
    /// The function and its derivative.
    pub function: &'static dyn Pointwise,
    /// Where it is not smooth, given its numbers; gradient checks keep away from there.
    pub kinks: fn(Args) -> Vec<f64>,
    /// The factor by which weights of variance `1 / fan` are to be scaled before it.
    pub gain: fn(Args) -> f64,
}

impl Entry for ActivationEntry {
    const SHELF: &'static str = "activation";

    fn name(&self) -> &'static str {
        self.name
    }

    fn args(&self) -> &'static [ArgSpec] {
        self.args
    }
}

impl fmt::Debug for ActivationEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivationEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
