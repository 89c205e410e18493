//! What is kept of a run: outcomes of single seeds, and the summary of an experiment.

use crate::criterion::{Estimate, Judged};
use crate::environment::Environment;
use crate::error::ExperimentError;
use crate::experiment::{Metrics, Profile};
use crate::figure::Image;
use crate::stats;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

/// The largest summary, in bytes: small enough to commit and to read.
pub const SUMMARY_LIMIT: usize = 20 * 1024;

/// What one variant gave with one seed. Written whole at the end of the run, so a killed run leaves none and is done again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// A fingerprint of what was run; `--resume` takes an outcome over only when it agrees.
    #[serde(default)]
    pub key: String,
    /// How long it took.
    #[serde(default)]
    pub seconds: f64,
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
    (!values.is_empty()).then(|| Estimate { value: stats::mean(values), ci95: stats::t_interval(values) })
}

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The experiment's name.
    pub experiment: String,
    /// The profile.
    pub profile: Profile,
    /// `complete`, or `crashed` when a run failed.
    pub status: String,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Which data were used.
    pub data: DataRecord,
    /// Where and with what it ran.
    pub environment: Environment,
    /// What it was to take and took.
    pub budget: Budget,
    /// What was compared, with the numbers of every seed.
    pub variants: Vec<VariantRecord>,
    /// The verdicts.
    pub criteria: Vec<Judged>,
}

/// The data behind a summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// `real`, `generated`, or `partly generated` when one of several sets was missing.
    pub kind: String,
    /// The sets that were at hand.
    pub sets: Vec<String>,
    /// The sets that were not.
    pub missing: Vec<String>,
    /// Remarks of the runs, each once.
    pub notes: Vec<String>,
}

/// Time planned and used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// What the experiment says it takes on two cores, in seconds.
    pub planned_seconds: f64,
    /// What it took by the clock.
    pub wall_seconds: f64,
    /// The sum over its runs.
    pub run_seconds: f64,
}

/// One variant in a summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantRecord {
    /// The name.
    pub name: String,
    /// The configuration.
    pub config: Value,
    /// The numbers.
    pub seeds: Vec<SeedRecord>,
}

/// One seed in a summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedRecord {
    /// The seed.
    pub seed: u64,
    /// The numbers, at six significant digits.
    pub metrics: Metrics,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Summary {
    /// The file's text: one variant and one criterion a line, so that a change of one number is a change of one line.
    ///
    /// # Errors
    /// When it is larger than [`SUMMARY_LIMIT`].
    pub fn to_json(&self) -> Result<String, ExperimentError> {
        let list = |items: Vec<String>| {
            if items.is_empty() { "[]".into() } else { format!("[\n  {}\n]", items.join(",\n  ")) }
        };
        let text = format!(
            "{{\n\"experiment\":{},\n\"profile\":{},\n\"status\":{},\n\"seeds\":{},\n\"data\":{},\n\"environment\":{},\n\"budget\":{},\n\"variants\":{},\n\"criteria\":{}\n}}\n",
            line(&self.experiment),
            line(&self.profile),
            line(&self.status),
            line(&self.seeds),
            line(&self.data),
            line(&self.environment),
            line(&self.budget),
            list(self.variants.iter().map(line).collect()),
            list(self.criteria.iter().map(line).collect()),
        );
        if text.len() > SUMMARY_LIMIT {
            let message = format!(
                "{} bytes, more than {SUMMARY_LIMIT}: report fewer metrics or shorter configurations",
                text.len()
            );
            return Err(ExperimentError::File { path: "summary.json".into(), message });
        }
        Ok(text)
    }
}

fn line<V: Serialize>(value: &V) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

/// Writes `bytes` to a temporary file beside `path` and renames it, so that a reader sees the old file or the new one, never a half.
///
/// # Errors
/// When the folder cannot be made or the file not written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ExperimentError> {
    let fail = |e: &dyn std::fmt::Display| ExperimentError::file(path, "written", e);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|e| fail(&e))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| fail(&e))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|e| fail(&e))?;
    make_readable(&file);
    file.persist(path).map_err(|e| fail(&e.error))?;
    Ok(())
}

/// A temporary file is its owner's alone; a record is for everybody.
fn make_readable(file: &tempfile::NamedTempFile) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let _ = file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644));
    }
    #[cfg(not(unix))]
    let _ = file;
}

/// `value` with `digits` significant digits.
pub fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.json");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

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
    }
}
