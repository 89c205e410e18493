//! A generalised Pareto law on the largest scores: rates smaller than one in the number of scores.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule::{Threshold, ThresholdEntry, ThresholdRule, inside, quantile, read, sorted};

pub(super) static ENTRY: ThresholdEntry = ThresholdEntry {
    name: "pareto_tail",
    doc: "t + (sigma / gamma) ((alpha n / k)^-gamma - 1): a generalised Pareto law fitted to the k scores above their 98 % quantile t",
    samples: &[r#"{"alpha": 0.001}"#, r#"{"alpha": 0.05, "start": 0.5}"#],
    build: |options| {
        let rule: ParetoTail = read("pareto_tail", options)?;
        inside("pareto_tail", "alpha", rule.alpha, f64::MIN_POSITIVE..=1.0)?;
        inside("pareto_tail", "start", rule.start, 0.0..=1.0)?;
        Ok(Threshold::new(rule))
    },
};

/// Fewer excesses than this say nothing about a tail's shape.
const FEWEST: usize = 10;

/// `cut = t + (sigma / gamma) ((alpha n / k)^(-gamma) - 1)`, in the limit of `gamma = 0` `t - sigma ln(alpha n / k)`.
///
/// `t` is the `start`-quantile of the `n` scores, `k` the number above it, `gamma` and `sigma` shape and scale of the generalised Pareto law
/// of their excesses over `t`, by probability-weighted moments (J. Hosking and J. Wallis 1987): with `a_0` the mean excess and `a_1` the
/// mean of `(1 - F) x`, `gamma = 2 - a_0 / (a_0 - 2 a_1)` and `sigma = 2 a_0 a_1 / (a_0 - 2 a_1)`. Where `alpha` is above the share of the tail, or
/// fewer than 10 scores are above `t` or they are all alike, the quantile at `1 - alpha` is taken.
///
/// Source: A. Siffer et al., *Anomaly detection in streams with extreme value theory* (2017), who fit by maximum likelihood (SPOT); moments
/// have a closed form, never fail to converge, and are the better ones up to some hundred excesses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParetoTail {
    /// The wanted rate of false alarms, in `(0, 1]`.
    pub alpha: f64,
    /// Where the tail begins, as a share of the scores; 0.98 by default.
    #[serde(default = "start")]
    pub start: f64,
}

fn start() -> f64 {
    0.98
}

impl ThresholdRule for ParetoTail {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn cut(&self, training_scores: &[f64]) -> f64 {
        let scores = sorted(training_scores);
        let n = scores.len();
        let t = quantile(&scores, self.start);
        let excesses: Vec<f64> = scores.iter().map(|s| s - t).filter(|x| *x > 0.0).collect();
        let k = excesses.len();
        let ratio = self.alpha * n as f64 / k as f64;
        let flat = excesses.first() == excesses.last();
        if k < FEWEST || flat || ratio >= 1.0 {
            return quantile(&scores, 1.0 - self.alpha);
        }
        let (gamma, sigma) = moments(&excesses);
        // A shape near 0 would divide by it.
        if gamma.abs() < 1e-9 { t - sigma * ratio.ln() } else { t + sigma / gamma * (ratio.powf(-gamma) - 1.0) }
    }

    fn options(&self) -> Map<String, Value> {
        Map::from_iter([("alpha".to_owned(), Value::from(self.alpha)), ("start".to_owned(), Value::from(self.start))])
    }
}

/// Shape and scale of the law of `excesses`, sorted from small to large.
fn moments(excesses: &[f64]) -> (f64, f64) {
    let k = excesses.len() as f64;
    let a0 = excesses.iter().sum::<f64>() / k;
    // 1 - F at the i-th smallest of k.
    let a1 = excesses.iter().enumerate().map(|(i, x)| x * (1.0 - (i as f64 + 0.65) / k)).sum::<f64>() / k;
    let d = a0 - 2.0 * a1;
    (2.0 - a0 / d, 2.0 * a0 * a1 / d)
}

impl Threshold {
    /// The rate `alpha` of false alarms by a generalised Pareto law on the largest 2 % of the scores; for rates below one in the number of
    /// scores.
    ///
    /// # Panics
    /// If `alpha` is not in `(0, 1]`.
    #[track_caller]
    pub fn pareto_tail(alpha: f64) -> Self {
        assert!(alpha > 0.0 && alpha <= 1.0, "threshold `pareto_tail` needs `alpha` in (0, 1], found {alpha}");
        Self::new(ParetoTail { alpha, start: start() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_tail_has_shape_zero() {
        // Excesses at the quantiles of an exponential law with mean 3.
        let excesses: Vec<f64> = (0..2_000).map(|i| -3.0 * (1.0 - (f64::from(i) + 0.5) / 2_000.0).ln()).collect();
        let (gamma, sigma) = moments(&excesses);
        assert!(gamma.abs() < 0.02 && (sigma - 3.0).abs() < 0.05, "{gamma} {sigma}");
    }

    #[test]
    fn the_tail_of_a_known_law_is_extrapolated() {
        // Pareto with index 4: 1 - F(s) = s^-4; the rate 1e-4 lies at 10.
        let scores: Vec<f64> = (0..5_000).map(|i| (1.0 - (f64::from(i) + 0.5) / 5_000.0).powf(-0.25)).collect();
        let cut = Threshold::pareto_tail(1e-4).cut(&scores);
        assert!((8.0..12.5).contains(&cut), "{cut}");
        // Few or equal scores: the quantile.
        assert_eq!(Threshold::pareto_tail(0.01).cut(&[2.0; 50]), 2.0);
        assert_eq!(Threshold::pareto_tail(0.5).cut(&[1.0, 2.0, 3.0]), 2.0);
    }
}
