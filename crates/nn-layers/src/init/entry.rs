//! What an initializer's file tells about it.

use std::fmt;

use layerwise_tensor::Stream;

use crate::options::{ArgSpec, Args, Entry};

/// Where the first values of a parameter come from.
#[derive(Clone, Copy, Debug)]
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
    /// A law of its own, for instance one under which values depend on each other or on their places.
    Matrix(
        /// The law.
        MatrixLaw,
    ),
}

/// How the values of a matrix are drawn where they are not all drawn alike and independently.
#[derive(Clone, Copy, Debug)]
pub struct MatrixLaw {
    /// Number of inputs.
    pub rows: usize,
    /// Number of outputs.
    pub cols: usize,
    /// The numbers of the initializer.
    pub args: Args,
    /// The mean over all places.
    pub mean: f64,
    /// The variance over all places.
    pub variance: f64,
    /// Writes all `rows x cols` values; what it draws depends on the stream only.
    pub fill: fn(&MatrixLaw, &Stream, &mut [f64]),
}

impl Distribution {
    /// Uniform with standard deviation `std`, that is within `sqrt(3) std`.
    pub fn uniform_with_std(std: f64) -> Self {
        Self::Uniform { bound: 3f64.sqrt() * std }
    }

    /// Its mean.
    pub fn mean(self) -> f64 {
        match self {
            Self::Constant(value) => value,
            Self::Normal { .. } | Self::Uniform { .. } => 0.0,
            Self::Matrix(law) => law.mean,
        }
    }

    /// Its variance.
    pub fn variance(self) -> f64 {
        match self {
            Self::Constant(_) => 0.0,
            Self::Normal { std } => std * std,
            Self::Uniform { bound } => bound * bound / 3.0,
            Self::Matrix(law) => law.variance,
        }
    }

    /// Draws `out` from `stream`.
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
            Self::Matrix(law) => (law.fill)(&law, stream, out),
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
