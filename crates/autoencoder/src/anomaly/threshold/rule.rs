//! What a threshold is, and what its file tells about it.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::AutoencoderError;

/// A rule that finds the largest normal score.
pub trait ThresholdRule: Debug + Send + Sync {
    /// Its name in configurations.
    fn name(&self) -> &'static str;

    /// The score above which a row is anomalous, from the scores of the training rows.
    fn cut(&self, training_scores: &[f64]) -> f64;

    /// Its options, by name.
    fn options(&self) -> Map<String, Value>;
}

/// Any rule, cheap to clone; written as `{"name": "mean_plus_std", "k": 3.0}`, read by [`super::parse`].
#[derive(Clone, Debug)]
pub struct Threshold(Arc<dyn ThresholdRule>);

impl Threshold {
    /// A threshold by this rule.
    pub fn new(rule: impl ThresholdRule + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// Its name in configurations.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The score above which a row is anomalous, by these scores of normal rows: those of the training, or, less optimistic, those of
    /// rows kept out of it.
    ///
    /// # Panics
    /// If there is no score.
    #[track_caller]
    pub fn cut(&self, training_scores: &[f64]) -> f64 {
        assert!(!training_scores.is_empty(), "threshold `{}` needs at least one training score", self.name());
        self.0.cut(training_scores)
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = self.0.options();
        map.insert("name".into(), self.name().into());
        map.serialize(serializer)
    }
}

/// A line of the table of thresholds.
#[derive(Clone, Copy, Debug)]
pub struct ThresholdEntry {
    /// Its name in configurations.
    pub name: &'static str,
    /// One line of documentation, with the formula.
    pub doc: &'static str,
    /// Options on which the laws are tried, as JSON.
    pub samples: &'static [&'static str],
    /// The threshold with these options.
    pub(super) build: fn(Value) -> Result<Threshold, AutoencoderError>,
}

impl ThresholdEntry {
    /// The threshold with these options, a JSON object.
    ///
    /// # Errors
    /// If an option is unknown, missing or out of range.
    pub fn build(&self, options: Value) -> Result<Threshold, AutoencoderError> {
        (self.build)(options)
    }
}

/// The typed options of the rule called `name`.
pub(super) fn read<O: DeserializeOwned>(name: &str, options: Value) -> Result<O, AutoencoderError> {
    serde_json::from_value(options).map_err(|e| AutoencoderError::Threshold(format!("options of `{name}`: {e}")))
}

/// Mean and standard deviation (dividing by `n`), summed in order.
pub(super) fn moments(scores: &[f64]) -> (f64, f64) {
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let variance = scores.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// Refuses the option `key` of the rule called `name` outside of `range`.
pub(super) fn inside(name: &str, key: &str, value: f64, range: RangeInclusive<f64>) -> Result<(), AutoencoderError> {
    if range.contains(&value) {
        return Ok(());
    }
    let message = format!("`{key}` of `{name}` must be from {} to {}, found {value}", range.start(), range.end());
    Err(AutoencoderError::Threshold(message))
}

/// The scores from small to large.
pub(super) fn sorted(scores: &[f64]) -> Vec<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The `q`-quantile of sorted scores, interpolated linearly.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (place - place.floor()) * (high - low)
}
