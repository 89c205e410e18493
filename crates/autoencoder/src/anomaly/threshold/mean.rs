//! The mean of the training scores.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule::{Threshold, ThresholdEntry, ThresholdRule, moments, read};

pub(super) static ENTRY: ThresholdEntry = ThresholdEntry {
    name: "mean",
    doc: "mean(s): flags a third to a half of the normal rows",
    samples: &["{}"],
    build: |options| read::<Mean>("mean", options).map(Threshold::new),
};

/// `cut = mean(s)`.
///
/// **This flags a third to a half of the normal rows themselves**, for about so many lie above the mean of any skewed distribution. It
/// is here because lectures and papers use it, and to show what it costs; use [`super::MeanPlusStd`] for an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {}

impl ThresholdRule for Mean {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn cut(&self, training_scores: &[f64]) -> f64 {
        moments(training_scores).0
    }

    fn options(&self) -> Map<String, Value> {
        Map::new()
    }
}

impl Threshold {
    /// The mean of the training scores. It flags a third to a half of the normal rows: see [`Mean`].
    pub fn mean() -> Self {
        Self::new(Mean {})
    }
}
