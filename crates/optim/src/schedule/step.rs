//! Down by a factor every so many steps.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require, require_not_negative};
use crate::named::with_name;

/// `factor(s) = gamma^floor(s / every)`; gamma is 0.1 unless given, as PyTorch's `StepLR`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Step {
    /// Steps between two changes.
    pub every: u64,
    /// What the rate is multiplied by at each.
    #[serde(default = "tenth")]
    pub gamma: f64,
}

fn tenth() -> f64 {
    0.1
}

impl Step {
    pub(crate) const NAME: &'static str = "step";

    /// Multiplies the rate by `gamma` after every `every` steps.
    pub fn new(every: u64, gamma: f64) -> Self {
        Self { every, gamma }
    }
}

impl Schedule for Step {
    fn factor(&self, step: u64) -> f64 {
        self.gamma.powf((step / self.every.max(1)) as f64)
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(self.every > 0, "every", "at least 1", self.every as f64)?;
        require_not_negative("gamma", self.gamma)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
