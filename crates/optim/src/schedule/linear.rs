//! Along a straight line.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require, require_not_negative};
use crate::named::with_name;

/// `factor(s) = start + (end - start) * min(s, steps) / steps`, as PyTorch's `LinearLR`.
///
/// The start is 1/3 and the end 1 unless given, which warms up; from 1 to 0 it is a linear decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Linear {
    /// Steps from start to end.
    pub steps: u64,
    /// The factor of the first step.
    #[serde(default = "third")]
    pub start: f64,
    /// The factor from then on.
    #[serde(default = "one")]
    pub end: f64,
}

fn third() -> f64 {
    1.0 / 3.0
}

fn one() -> f64 {
    1.0
}

impl Linear {
    pub(crate) const NAME: &'static str = "linear";

    /// From `start` to `end` in `steps` steps.
    pub fn new(steps: u64, start: f64, end: f64) -> Self {
        Self { steps, start, end }
    }
}

impl Schedule for Linear {
    fn factor(&self, step: u64) -> f64 {
        let steps = self.steps.max(1);
        self.start + (self.end - self.start) * (step.min(steps) as f64 / steps as f64)
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(self.steps > 0, "steps", "at least 1", self.steps as f64)?;
        require_not_negative("start", self.start)?;
        require_not_negative("end", self.end)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
