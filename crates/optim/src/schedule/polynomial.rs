//! Down along a power of what is left.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{OptimError, require, require_not_negative};
use crate::named::with_name;

/// `factor(s) = floor + (1 - floor) * (1 - min(s, steps) / steps)^power`.
///
/// The power is 1 and the floor 0 unless given, as PyTorch's `PolynomialLR`, which knows no floor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Polynomial {
    /// Steps from 1 down to the floor.
    pub steps: u64,
    /// The exponent: above 1 the rate falls early, below 1 late.
    #[serde(default = "one")]
    pub power: f64,
    /// The factor in the end.
    #[serde(default)]
    pub floor: f64,
}

fn one() -> f64 {
    1.0
}

impl Polynomial {
    pub(crate) const NAME: &'static str = "polynomial";

    /// From 1 down to 0 in `steps` steps.
    pub fn new(steps: u64, power: f64) -> Self {
        Self { steps, power, floor: 0.0 }
    }

    /// The same schedule with this floor.
    pub fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }
}

impl Schedule for Polynomial {
    fn factor(&self, step: u64) -> f64 {
        let steps = self.steps.max(1);
        let left = 1.0 - step.min(steps) as f64 / steps as f64;
        self.floor + (1.0 - self.floor) * left.powf(self.power)
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(self.steps > 0, "steps", "at least 1", self.steps as f64)?;
        require_not_negative("power", self.power)?;
        require((0.0..=1.0).contains(&self.floor), "floor", "in [0, 1]", self.floor)
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
