//! The conformal threshold: a promise about false alarms that holds whatever the distribution.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule::{Threshold, ThresholdEntry, ThresholdRule, inside, read, sorted};

pub(super) static ENTRY: ThresholdEntry = ThresholdEntry {
    name: "conformal",
    doc: "the smallest score s with (1 + #{scores >= s}) / (n + 1) <= alpha: false alarms at most alpha, whatever the distribution",
    samples: &[r#"{"alpha": 0.2}"#, r#"{"alpha": 0.5}"#],
    build: |options| {
        let rule: Conformal = read("conformal", options)?;
        inside("conformal", "alpha", rule.alpha, 0.0..=1.0)?;
        Ok(Threshold::new(rule))
    },
};

/// Rows above the cut are those whose conformal p-value `p(s) = (1 + #{s_i >= s}) / (n + 1)` is at most `alpha`.
///
/// If the scores behind it and that of a new normal row are exchangeable (rows kept out of training, not the training rows), the new row is
/// flagged with probability at most `alpha`, for every `n` and every distribution. So the cut is the `ceil((n + 1)(1 - alpha))`-th smallest score;
/// with fewer than `1 / alpha - 1` scores nothing can be flagged, and the cut is infinite.
///
/// Source: V. Vovk, A. Gammerman, G. Shafer, *Algorithmic learning in a random world* (2005); for outliers S. Bates et al., *Testing for outliers
/// with conformal p-values* (2023).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conformal {
    /// The largest probability of a false alarm, in `[0, 1]`.
    pub alpha: f64,
}

impl ThresholdRule for Conformal {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn cut(&self, training_scores: &[f64]) -> f64 {
        let scores = sorted(training_scores);
        let n = scores.len();
        // Of the n + 1 places a new score can take among the others, these many may be flagged.
        let flagged = (self.alpha * (n + 1) as f64 * (1.0 + 1e-12)).floor() as usize;
        match flagged {
            0 => f64::INFINITY,
            k if k > n => f64::NEG_INFINITY,
            k => scores[n - k],
        }
    }

    fn options(&self) -> Map<String, Value> {
        Map::from_iter([("alpha".to_owned(), Value::from(self.alpha))])
    }
}

impl Threshold {
    /// False alarms with probability at most `alpha`, by conformal p-values; give it scores of rows kept out of the training.
    ///
    /// # Panics
    /// If `alpha` is not in `[0, 1]`.
    #[track_caller]
    pub fn conformal(alpha: f64) -> Self {
        assert!((0.0..=1.0).contains(&alpha), "threshold `conformal` needs `alpha` in [0, 1], found {alpha}");
        Self::new(Conformal { alpha })
    }
}
