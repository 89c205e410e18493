//! Down by the same factor at every step.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require_not_negative};
use crate::named::with_name;

/// `factor(s) = gamma^s`, as PyTorch's `ExponentialLR`; per optimizer step, so a gamma per epoch of `n` steps is `gamma.powf(1 / n)` here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exponential {
    /// What the rate is multiplied by at each step; above 1 it grows.
    pub gamma: f64,
}

impl Exponential {
    pub(crate) const NAME: &'static str = "exponential";

    /// Multiplies the rate by `gamma` after every step.
    pub fn new(gamma: f64) -> Self {
        Self { gamma }
    }
}

impl Schedule for Exponential {
    fn factor(&self, step: u64) -> f64 {
        self.gamma.powf(step as f64)
    }

    fn validate(&self) -> Result<(), OptimError> {
        require_not_negative("gamma", self.gamma)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
