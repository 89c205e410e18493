//! What was tried, what it gave, what it cost.

use layerwise_tensor::{Params, Scalar};
use serde::{Deserialize, Serialize};

use super::space::{Point, Space};
use crate::history::FitReport;

/// What a trial cost, in units that do not depend on the machine, and in seconds where the caller has a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Steps of the optimizer.
    pub steps: u64,
    /// Rows trained on, each time counted.
    pub rows: u64,
    /// Trainable parameters of the model; of several models the largest number.
    pub parameters: u64,
    /// Seconds, where the caller gave them: this crate has no clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<f64>,
}

impl Cost {
    /// The cost of a fit of `params` that saw `rows` rows in each epoch.
    pub fn of<T: Scalar>(report: &FitReport, rows: usize, params: &Params<T>) -> Self {
        let rows = rows as u64 * report.history.epochs.len() as u64;
        Self { steps: report.steps, rows, parameters: params.trainable().len() as u64, seconds: None }
    }

    /// With the time it took.
    pub fn seconds(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Both together; seconds add up where both have some.
    pub fn and(self, other: Cost) -> Self {
        Self {
            steps: self.steps + other.steps,
            rows: self.rows + other.rows,
            parameters: self.parameters.max(other.parameters),
            seconds: self.seconds.zip(other.seconds).map(|(a, b)| a + b),
        }
    }
}

/// One trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrialRecord {
    /// Its number, counted from 0.
    pub index: u64,
    /// What was tried.
    pub point: Point,
    /// Its score on the validation rows; `None` if it failed.
    pub score: Option<f64>,
    /// What it cost.
    pub cost: Cost,
    /// Why it has no score.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
}

/// The one look at the test split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TestRecord {
    /// The trial that was chosen before.
    pub trial: u64,
    /// Its score on the test rows.
    pub score: f64,
}

/// All trials of a search, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// The space.
    pub space: Space,
    /// The seed.
    pub seed: u64,
    /// The trials.
    pub trials: Vec<TrialRecord>,
    /// The one with the best validation score.
    pub best: u64,
    /// The look at the test split, once it was taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test: Option<TestRecord>,
}

impl Ledger {
    /// What all trials cost together.
    pub fn cost(&self) -> Cost {
        let first = Cost { seconds: Some(0.0), ..Cost::default() };
        self.trials.iter().fold(first, |sum, trial| sum.and(trial.cost))
    }

    /// The record of the best trial.
    ///
    /// # Panics
    /// If this ledger was read from a file that names a trial it does not hold.
    #[track_caller]
    pub fn best(&self) -> &TrialRecord {
        match self.trials.iter().find(|t| t.index == self.best) {
            Some(trial) => trial,
            None => panic!("the ledger has no trial {}: it has {} of them", self.best, self.trials.len()),
        }
    }
}
