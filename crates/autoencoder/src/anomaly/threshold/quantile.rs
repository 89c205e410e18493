//! A quantile of the training scores.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule::{Threshold, ThresholdEntry, ThresholdRule, inside, quantile, read, sorted};

pub(super) static ENTRY: ThresholdEntry = ThresholdEntry {
    name: "quantile",
    doc: "the q-quantile of the scores: a share 1 - q of the rows behind it lies above",
    samples: &[r#"{"q": 0.95}"#, r#"{"q": 0.0}"#],
    build: |options| {
        let rule: Quantile = read("quantile", options)?;
        inside("quantile", "q", rule.q, 0.0..=1.0)?;
        Ok(Threshold::new(rule))
    },
};

/// `cut` is the `q`-quantile of the scores, interpolated linearly between order statistics (type 7 of Hyndman and Fan 1996, as numpy).
///
/// About `n (1 - q)` scores lie above. On new normal rows the rate is `1 - q` with a standard error of about `sqrt(q (1 - q) / n)`, so for
/// one false alarm in 1 000 it takes many thousands of scores: see [`super::ParetoTail`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// The share of the scores that lies below, in `[0, 1]`.
    pub q: f64,
}

impl ThresholdRule for Quantile {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn cut(&self, training_scores: &[f64]) -> f64 {
        quantile(&sorted(training_scores), self.q)
    }

    fn options(&self) -> Map<String, Value> {
        Map::from_iter([("q".to_owned(), Value::from(self.q))])
    }
}

impl Threshold {
    /// The `q`-quantile of the training scores, such as 0.99.
    ///
    /// # Panics
    /// If `q` is not in `[0, 1]`.
    #[track_caller]
    pub fn quantile(q: f64) -> Self {
        assert!((0.0..=1.0).contains(&q), "threshold `quantile` needs `q` in [0, 1], found {q}");
        Self::new(Quantile { q })
    }
}
