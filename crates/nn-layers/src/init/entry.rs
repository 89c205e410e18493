//! What an initializer's file tells about it.

use std::fmt;

use layerwise_tensor::Stream;

use crate::options::{ArgSpec, Args, Entry};

/// Where the first values of a parameter come from.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Distribution {
    /// The same value everywhere.
    Constant(
        /// The value.
        f64,
    ),
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Uniform in `[-bound, bound)`.
    Uniform {
        /// Largest magnitude.
        bound: f64,
    },
}

impl Distribution {
    /// Uniform with standard deviation `std`, that is within `sqrt(3) std`.
    pub fn uniform_with_std(std: f64) -> Self {
        Self::Uniform { bound: 3f64.sqrt() * std }
    }

    /// Its variance.
    pub fn variance(self) -> f64 {
        match self {
            Self::Constant(_) => 0.0,
            Self::Normal { std } => std * std,
            Self::Uniform { bound } => bound * bound / 3.0,
        }
    }

    /// Draws `out` from `stream`, element `i` from its place `i`.
    pub fn fill(self, stream: &Stream, out: &mut [f64]) {
        match self {
            Self::Constant(value) => out.fill(value),
            Self::Normal { std } => {
                stream.normal(0, out);
                out.iter_mut().for_each(|v| *v *= std);
            }
            Self::Uniform { bound } => {
                stream.uniform(0, out);
                out.iter_mut().for_each(|v| *v = bound * (2.0 * *v - 1.0));
            }
        }
    }
}

/// A line of the table of initializers.
pub struct InitEntry {
    /// Its name in configurations.
    pub name: &'static str,
    /// One line for the documentation, with the formula.
    pub doc: &'static str,
    /// The numbers it takes, two at most.
    pub args: &'static [ArgSpec],
    /// What it draws for a matrix `(inputs, outputs)`.
    pub distribution: fn(Args, usize, usize) -> Distribution,
}

impl Entry for InitEntry {
    const SHELF: &'static str = "initializer";

    fn name(&self) -> &'static str {
        self.name
    }

    fn args(&self) -> &'static [ArgSpec] {
        self.args
    }
}

impl fmt::Debug for InitEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
