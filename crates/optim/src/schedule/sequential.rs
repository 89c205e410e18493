//! Several schedules, one after another.

use serde::{Deserialize, Serialize};

use super::{Schedule, SharedSchedule};
use crate::error::{OptimError, require};
use crate::named::with_name;

/// The first schedule until the first milestone, then the second, and so on; each counts steps from its own beginning.
///
/// As PyTorch's `SequentialLR`. Momentum is moved only while a schedule that moves it is at work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sequential {
    /// The schedules.
    pub schedules: Vec<SharedSchedule>,
    /// The first step of each but the first, in ascending order.
    #[serde(default)]
    pub milestones: Vec<u64>,
}

impl Sequential {
    pub(crate) const NAME: &'static str = "sequential";

    /// A sequence that begins with `first`.
    pub fn new(first: impl Into<SharedSchedule>) -> Self {
        Self { schedules: vec![first.into()], milestones: Vec::new() }
    }

    /// With `next` from step `milestone` on.
    pub fn then(mut self, milestone: u64, next: impl Into<SharedSchedule>) -> Self {
        self.milestones.push(milestone);
        self.schedules.push(next.into());
        self
    }

    /// The schedule at work at `step`, if there is one, and the steps since its beginning.
    fn at(&self, step: u64) -> (Option<&SharedSchedule>, u64) {
        let passed = self.milestones.partition_point(|m| *m <= step);
        let begin = if passed == 0 { 0 } else { self.milestones[passed - 1] };
        (self.schedules.get(passed), step - begin)
    }
}

impl Schedule for Sequential {
    fn factor(&self, step: u64) -> f64 {
        let (schedule, step) = self.at(step);
        schedule.map_or(1.0, |s| s.factor(step))
    }

    fn momentum(&self, step: u64) -> Option<f64> {
        let (schedule, step) = self.at(step);
        schedule.and_then(|s| s.momentum(step))
    }

    fn moves_momentum(&self) -> bool {
        self.schedules.iter().any(|s| s.moves_momentum())
    }

    fn validate(&self) -> Result<(), OptimError> {
        let (schedules, milestones) = (self.schedules.len(), self.milestones.len());
        require(schedules == milestones + 1, "milestones", "one fewer than the schedules", milestones as f64)?;
        let wrong = self.milestones.windows(2).find(|pair| pair[0] >= pair[1]);
        let found = wrong.map_or(0.0, |pair| pair[1] as f64);
        require(wrong.is_none(), "milestones", "in ascending order", found)?;
        self.schedules.iter().try_for_each(|s| s.validate())
    }

    fn config(&self) -> serde_json::Value {
        with_name(Self::NAME, self)
    }
}
