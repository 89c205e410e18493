//! The summary of an experiment, and how files are written so that no half of one is ever seen.

use crate::criterion::Judged;
use crate::environment::Environment;
use crate::error::ExperimentError;
use crate::profile::Profile;
use crate::results::Metrics;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;

/// The largest summary, in bytes: small enough to commit. A run has at most a thousandth of it or so; experiments have up to a few hundred.
pub const SUMMARY_LIMIT: usize = 200 * 1024;

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
    /// Seconds it took.
    #[serde(default)]
    pub seconds: f64,
    /// Multiplications and additions in its matrix products; absent where they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<f64>,
    /// A fingerprint of configuration, seed and data: what has it is the same run.
    #[serde(default)]
    pub key: String,
    /// A fingerprint of the numbers to the last bit.
    #[serde(default)]
    pub bits: String,
    /// The commit, where it is another than the environment's: the run was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
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
}
