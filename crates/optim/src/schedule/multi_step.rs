//! Down by a factor at steps that are listed.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require, require_not_negative};
use crate::named::with_name;

/// `factor(s) = gamma^n`, `n` the number of milestones that are at most `s`; gamma is 0.1 unless given, as PyTorch's `MultiStepLR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MultiStep {
    /// The first step of each lower rate, in ascending order; one that is listed twice counts twice.
    pub milestones: Vec<u64>,
    /// What the rate is multiplied by at each.
    #[serde(default = "tenth")]
    pub gamma: f64,
}

fn tenth() -> f64 {
    0.1
}

impl MultiStep {
    pub(crate) const NAME: &'static str = "multi_step";

    /// Multiplies the rate by `gamma` at each of the `milestones`.
    pub fn new(milestones: &[u64], gamma: f64) -> Self {
        Self { milestones: milestones.to_vec(), gamma }
    }
}

impl Schedule for MultiStep {
    fn factor(&self, step: u64) -> f64 {
        self.gamma.powf(self.milestones.partition_point(|m| *m <= step) as f64)
    }

    fn validate(&self) -> Result<(), OptimError> {
        let wrong = self.milestones.windows(2).find(|pair| pair[0] > pair[1]);
        let found = wrong.map_or(0.0, |pair| pair[1] as f64);
        require(wrong.is_none(), "milestones", "in ascending order", found)?;
        require_not_negative("gamma", self.gamma)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
