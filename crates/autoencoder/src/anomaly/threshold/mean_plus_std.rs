//! The mean of the training scores and some standard deviations.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule::{Threshold, ThresholdEntry, ThresholdRule, moments, read};
use crate::error::AutoencoderError;

pub(super) static ENTRY: ThresholdEntry = ThresholdEntry {
    name: "mean_plus_std",
    doc: "mean(s) + k std(s): at most 1 / (1 + k^2) of the rows behind it lie above",
    samples: &[r#"{"k": 3.0}"#, r#"{"k": 0.0}"#],
    build: |options| {
        let rule: MeanPlusStd = read("mean_plus_std", options)?;
        if !rule.k.is_finite() {
            let message = format!("`k` of `mean_plus_std` must be finite, found {}; 3 is usual", rule.k);
            return Err(AutoencoderError::Threshold(message));
        }
        Ok(Threshold::new(rule))
    },
};

/// `cut = mean(s) + k std(s)`, with the standard deviation dividing by `n`.
///
/// Whatever the distribution, at most `1 / (1 + k^2)` of the training rows lie above (Cantelli's inequality): 10 % for `k = 3`.
/// Reconstruction errors usually have a long tail, so about 1 to 3 % do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanPlusStd {
    /// How many standard deviations.
    pub k: f64,
}

impl ThresholdRule for MeanPlusStd {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn cut(&self, training_scores: &[f64]) -> f64 {
        let (mean, std) = moments(training_scores);
        mean + self.k * std
    }

    fn options(&self) -> Map<String, Value> {
        Map::from_iter([("k".to_owned(), Value::from(self.k))])
    }
}

impl Threshold {
    /// The mean of the training scores plus `k` of their standard deviations; 3 is usual.
    pub fn mean_plus_std(k: f64) -> Self {
        Self::new(MeanPlusStd { k })
    }
}
