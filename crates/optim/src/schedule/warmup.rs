//! Up from a small rate, then another schedule.

use serde::{Deserialize, Serialize};

use super::{Schedule, SharedSchedule};
use crate::error::{OptimError, require};
use crate::named::with_name;

/// `factor(s) = start + (1 - start) * s / steps` while `s < steps`, then `then.factor(s - steps)`.
///
/// The start is 1/3 and what follows is constant unless given: PyTorch's `LinearLR` followed, through `SequentialLR`, by another.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Warmup {
    /// Steps until the full rate.
    pub steps: u64,
    /// The factor of the first step.
    #[serde(default = "third")]
    pub start: f64,
    /// What follows, with steps counted from its own beginning.
    #[serde(default)]
    pub then: SharedSchedule,
}

fn third() -> f64 {
    1.0 / 3.0
}

impl Warmup {
    pub(crate) const NAME: &'static str = "warmup";

    /// From a third of the rate to the whole in `steps` steps, then `then`.
    pub fn new(steps: u64, then: impl Into<SharedSchedule>) -> Self {
        Self { steps, start: third(), then: then.into() }
    }

    /// The same schedule with this first factor.
    pub fn start(self, start: f64) -> Self {
        Self { start, ..self }
    }
}

impl Schedule for Warmup {
    fn factor(&self, step: u64) -> f64 {
        match step.checked_sub(self.steps) {
            Some(after) => self.then.factor(after),
            None => self.start + (1.0 - self.start) * (step as f64 / self.steps as f64),
        }
    }

    fn momentum(&self, step: u64) -> Option<f64> {
        self.then.momentum(step.saturating_sub(self.steps))
    }

    fn moves_momentum(&self) -> bool {
        self.then.moves_momentum()
    }

    fn validate(&self) -> Result<(), OptimError> {
        require((0.0..=1.0).contains(&self.start), "start", "in [0, 1]", self.start)?;
        self.then.validate()
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
