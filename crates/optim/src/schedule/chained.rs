//! Several schedules at once.

use serde::{Deserialize, Serialize};

use super::{Schedule, SharedSchedule};
use crate::error::{OptimError, require};
use crate::named::with_name;

/// The product of the factors of several schedules; the momentum of the last of them that moves it.
///
/// As PyTorch's `ChainedScheduler`, but for schedules with a floor: PyTorch's chained cosine forgets that others changed the rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Chained {
    /// The schedules, all with the same steps.
    pub schedules: Vec<SharedSchedule>,
}

impl Chained {
    pub(crate) const NAME: &'static str = "chained";

    /// A chain of one schedule.
    pub fn new(first: impl Into<SharedSchedule>) -> Self {
        Self { schedules: vec![first.into()] }
    }

    /// With one more schedule.
    pub fn with(mut self, schedule: impl Into<SharedSchedule>) -> Self {
        self.schedules.push(schedule.into());
        self
    }
}

impl Schedule for Chained {
    fn factor(&self, step: u64) -> f64 {
        self.schedules.iter().map(|s| s.factor(step)).product()
    }

    fn momentum(&self, step: u64) -> Option<f64> {
        self.schedules.iter().rev().find_map(|s| s.momentum(step))
    }

    fn moves_momentum(&self) -> bool {
        self.schedules.iter().any(|s| s.moves_momentum())
    }

    fn validate(&self) -> Result<(), OptimError> {
        require(!self.schedules.is_empty(), "schedules", "at least one schedule", 0.0)?;
        self.schedules.iter().try_for_each(|s| s.validate())
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
