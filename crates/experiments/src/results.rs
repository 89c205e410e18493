//! What runs leave behind: numbers, curves and pictures, by variant and seed. Criteria and figures are made of it.

use crate::figure::Image;
use crate::profile::Profile;
use crate::stats;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The numbers of one run, by name.
pub type Metrics = BTreeMap<String, f64>;

/// [`Metrics`] from pairs.
pub fn metrics<const N: usize>(pairs: [(&str, f64); N]) -> Metrics {
    pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// What one variant gave with one seed. Written whole at the end of the run, so a killed run leaves none and is done again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// A fingerprint of what was run; a later run takes an outcome over only when it agrees.
    #[serde(default)]
    pub key: String,
    /// How long it took.
    #[serde(default)]
    pub seconds: f64,
    /// Multiplications and additions in its matrix products; 0 where they were not counted.
    #[serde(default)]
    pub operations: f64,
    /// The commit of the program that made it.
    #[serde(default)]
    pub commit: String,
    /// A fingerprint of all its numbers to the last bit.
    #[serde(default)]
    pub bits: String,
    /// The numbers.
    #[serde(default)]
    pub metrics: Metrics,
    /// Curves for the figures.
    #[serde(default)]
    pub curves: BTreeMap<String, Curve>,
    /// Pictures for the figures.
    #[serde(default)]
    pub images: BTreeMap<String, Image>,
    /// Remarks for the report.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Outcome {
    /// Nothing seen yet.
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// Points of a curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Abscissae.
    pub x: Vec<f64>,
    /// Ordinates.
    pub y: Vec<f64>,
}

impl Curve {
    /// The finite points, at six significant digits.
    pub fn new(x: impl IntoIterator<Item = f64>, y: impl IntoIterator<Item = f64>) -> Self {
        let (x, y) = x
            .into_iter()
            .zip(y)
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .map(|(x, y)| (significant(x, 6), significant(y, 6)))
            .unzip();
        Self { x, y }
    }
}

/// All outcomes of an experiment: what criteria and figures are made of.
#[derive(Clone, Debug)]
pub struct Results {
    /// The profile it was run under.
    pub profile: Profile,
    /// The data sets that were at hand.
    pub data: Vec<String>,
    /// The variants, in order.
    pub variants: Vec<VariantResults>,
}

/// The outcomes of one variant, by seed.
#[derive(Clone, Debug)]
pub struct VariantResults {
    /// The name.
    pub name: String,
    /// The configuration.
    pub config: Value,
    /// One for each seed, in order; those that failed hold an error and no metrics.
    pub outcomes: Vec<Outcome>,
}

impl Results {
    /// No variants.
    pub fn empty(profile: Profile) -> Self {
        Self { profile, data: Vec::new(), variants: Vec::new() }
    }

    /// Whether data set `set` was at hand.
    pub fn has_data(&self, set: &str) -> bool {
        self.data.iter().any(|d| d == set)
    }

    /// The variant called `name`.
    pub fn variant(&self, name: &str) -> Option<&VariantResults> {
        self.variants.iter().find(|v| v.name == name)
    }

    /// `metric` of `variant`, seed by seed; empty when there is none.
    pub fn values(&self, variant: &str, metric: &str) -> Vec<f64> {
        self.variant(variant).map(|v| v.values(metric)).unwrap_or_default()
    }

    /// Mean of `metric` over the seeds of `variant`, with its t interval.
    pub fn mean(&self, variant: &str, metric: &str) -> Option<Estimate> {
        estimate(&self.values(variant, metric))
    }

    /// The largest `metric` of any seed of `variants`; `None` when one of them has none, or a seed failed.
    pub fn largest(&self, variants: &[&str], metric: &str) -> Option<Estimate> {
        let mut all = Vec::new();
        for name in variants {
            let outcomes = &self.variant(name)?.outcomes;
            for outcome in outcomes {
                all.push(*outcome.metrics.get(metric)?);
            }
        }
        all.into_iter().reduce(f64::max).map(Estimate::exact)
    }

    /// Mean over the seeds of the paired difference `a - b` of `metric`, with its t interval.
    pub fn difference(&self, a: &str, b: &str, metric: &str) -> Option<Estimate> {
        let (a, b) = (self.variant(a)?, self.variant(b)?);
        let pairs: Vec<f64> = a
            .outcomes
            .iter()
            .filter_map(|x| {
                let y = b.outcomes.iter().find(|y| y.seed == x.seed)?;
                Some(x.metrics.get(metric)? - y.metrics.get(metric)?)
            })
            .collect();
        estimate(&pairs)
    }
}

impl VariantResults {
    /// `metric`, seed by seed.
    pub fn values(&self, metric: &str) -> Vec<f64> {
        self.outcomes.iter().filter_map(|o| o.metrics.get(metric).copied()).collect()
    }

    /// The first seed's outcome that did not fail.
    pub fn first(&self) -> Option<&Outcome> {
        self.outcomes.iter().find(|o| o.error.is_none())
    }

    /// The curve `name` of every seed.
    pub fn curves(&self, name: &str) -> Vec<&Curve> {
        self.outcomes.iter().filter_map(|o| o.curves.get(name)).collect()
    }
}

/// Mean and 95 % t interval; `None` without values, no interval from one.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    (!values.is_empty()).then(|| Estimate {
        value: stats::mean(values),
        ci95: stats::t_interval(values),
        n: values.len(),
    })
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// Its 95 % interval, where there is one.
    pub ci95: Option<[f64; 2]>,
    /// Over how many values it is the mean; 0 for what is no mean.
    pub n: usize,
}

impl Estimate {
    /// An estimate without an interval.
    pub fn exact(value: f64) -> Self {
        Self { value, ci95: None, n: 0 }
    }
}

/// `value` with `digits` significant digits.
pub fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits() {
        assert_eq!(significant(0.123_456_789, 4), 0.1235);
        assert_eq!(significant(-98_765.4, 2), -99_000.0);
        assert_eq!(significant(0.0, 4), 0.0);
    }

    #[test]
    fn differences_are_paired_by_seed() {
        let outcome = |seed, v: f64| Outcome { seed, metrics: [("m".to_string(), v)].into(), ..Outcome::default() };
        let variant = |name: &str, outcomes| VariantResults { name: name.into(), config: Value::Null, outcomes };
        let results = Results {
            profile: Profile::Quick,
            data: vec![],
            variants: vec![
                variant("a", vec![outcome(0, 3.0), outcome(1, 5.0)]),
                variant("b", vec![outcome(1, 1.0), outcome(0, 2.0), outcome(2, 9.0)]),
            ],
        };
        assert_eq!(results.difference("a", "b", "m").unwrap().value, 2.5);
        assert!(results.difference("a", "c", "m").is_none());
        assert_eq!(results.largest(&["a", "b"], "m").unwrap().value, 9.0);
        assert!(results.largest(&["a", "c"], "m").is_none() && results.largest(&["a"], "n").is_none());
    }
}
