//! Down half a cosine wave.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require};
use crate::named::with_name;

/// `factor(s) = floor + (1 - floor) * (1 + cos(pi * min(s, steps) / steps)) / 2`; the floor is 0 unless given.
///
/// Source: I. Loshchilov, F. Hutter, *SGDR: stochastic gradient descent with warm restarts*, arXiv 1608.03983 (2017), one wave. Where we
/// differ from PyTorch's `CosineAnnealingLR`: after `steps` the factor stays at the floor, where PyTorch's rises again; and the floor
/// is a share of the base rate, not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Cosine {
    /// Steps from 1 down to the floor.
    pub steps: u64,
    /// The factor in the end.
    #[serde(default)]
    pub floor: f64,
}

impl Cosine {
    pub(crate) const NAME: &'static str = "cosine";

    /// From 1 down to `floor` in `steps` steps.
    pub fn new(steps: u64, floor: f64) -> Self {
        Self { steps, floor }
    }
}

impl Schedule for Cosine {
    fn factor(&self, step: u64) -> f64 {
        let steps = self.steps.max(1);
        let wave = 0.5 * (1.0 + (PI * step.min(steps) as f64 / steps as f64).cos());
        self.floor + (1.0 - self.floor) * wave
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(self.steps > 0, "steps", "at least 1", self.steps as f64)?;
        require((0.0..=1.0).contains(&self.floor), "floor", "in [0, 1]", self.floor)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
