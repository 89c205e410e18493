//! What a fit leaves behind: one record for each epoch, and why it ended.

use serde::{Deserialize, Serialize};

/// One epoch in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochRecord {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// Steps taken since the fit began.
    pub steps: u64,
    /// Mean loss over the rows of the epoch, weighted if they have weights, each measured before the step that used it.
    pub loss: f64,
    /// Mean loss on the validation samples after the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Metrics on the validation samples after the epoch, by name.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub metrics: Vec<(String, f64)>,
    /// Learning rate of the last step.
    pub rate: f64,
    /// Mean over the steps of the norm of the gradient, before clipping.
    pub gradient_norm: f64,
}

impl EpochRecord {
    /// The value of a validation metric.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|m| m.0 == name).map(|m| m.1)
    }
}

/// All epochs of a fit, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The records.
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// Training loss by epoch.
    pub fn losses(&self) -> Vec<f64> {
        self.epochs.iter().map(|e| e.loss).collect()
    }

    /// Validation loss by epoch; epochs without one are left out.
    pub fn validation_losses(&self) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.validation_loss).collect()
    }

    /// One validation metric by epoch; epochs without it are left out.
    pub fn metric(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.metric(name)).collect()
    }

    /// The last epoch, if there was one.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.epochs.last()
    }
}

/// Why a fit ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// All epochs were trained.
    Finished,
    /// A callback asked for it.
    Callback {
        /// What it said.
        reason: String,
    },
    /// It was a trial of one batch: see [`Trainer::fast_dev_run`](crate::Trainer::fast_dev_run).
    FastDevRun,
}

/// The epoch whose parameters were kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Best {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// What was watched.
    pub monitor: String,
    /// Its value.
    pub value: f64,
    /// Whether the parameters of that epoch were put back.
    pub restored: bool,
}

/// The result of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FitReport {
    /// One record for each epoch.
    pub history: History,
    /// Steps taken.
    pub steps: u64,
    /// Why it ended.
    pub stop: StopReason,
    /// The best epoch, where early stopping watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
}
