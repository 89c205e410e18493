//! A fitted ensemble as a folder: a model file for each member, and one that says how they belong together.

use std::fs;
use std::path::{Path, PathBuf};

use layerwise_datasets::Schema;
use layerwise_train::TrainError;
use serde::{Deserialize, Serialize};

use super::combine::Combine;
use super::fitted::{FittedEnsemble, Member};
use crate::anomaly::fitted::FittedDetector;
use crate::anomaly::gaps::Gaps;
use crate::error::AutoencoderError;

/// The file that says how the others belong together; it is written last.
const INDEX: &str = "ensemble.json";

/// What it holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    combine: Combine,
    schema: Schema,
    #[serde(default)]
    gaps: Gaps,
    /// Mean and standard deviation of each member's training scores: a member that belongs to another ensemble has others.
    members: Vec<[f64; 2]>,
    training_scores: Vec<f64>,
}

impl FittedEnsemble {
    /// Saves the ensemble as files in `folder`, which is made if it is not there: `ensemble.json` and `member-0.safetensors`, ...
    ///
    /// # Errors
    /// If a parameter is not finite, or a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<(), AutoencoderError> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
        for (i, member) in self.members.iter().enumerate() {
            member.detector.save(path(folder, i))?;
        }
        let index = Index {
            combine: self.combine,
            schema: self.schema.clone(),
            gaps: self.gaps,
            members: self.members.iter().map(|m| [m.mean, m.std]).collect(),
            training_scores: self.training_scores.clone(),
        };
        let (name, partial) = (folder.join(INDEX), folder.join("ensemble.json.partial"));
        let json = serde_json::to_vec(&index).map_err(|e| broken(&name, &e.to_string()))?;
        fs::write(&partial, json).map_err(|source| io(&partial, source))?;
        Ok(fs::rename(&partial, &name).map_err(|source| io(&name, source))?)
    }

    /// Loads an ensemble that was saved; it scores with the same bits.
    ///
    /// # Errors
    /// If a file is missing, damaged, or of another ensemble; the message says what to do.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, AutoencoderError> {
        let folder = folder.as_ref();
        let name = folder.join(INDEX);
        let json = fs::read(&name).map_err(|source| io(&name, source))?;
        let index: Index = serde_json::from_slice(&json).map_err(|e| broken(&name, &e.to_string()))?;
        if index.members.is_empty() || index.training_scores.is_empty() {
            return Err(broken(&name, "it names no member or no training score").into());
        }
        let mut members = Vec::with_capacity(index.members.len());
        for (i, expected) in index.members.iter().enumerate() {
            let file = path(folder, i);
            let member = Member::new(FittedDetector::load(&file)?);
            if [member.mean, member.std] != *expected {
                let problem = "its training scores are not those of the member that was saved here: it belongs to another ensemble";
                return Err(broken(&file, problem).into());
            }
            members.push(member);
        }
        let Index { combine, schema, gaps, training_scores, .. } = index;
        Ok(Self { combine, schema, gaps, members, training_scores })
    }
}

fn path(folder: &Path, member: usize) -> PathBuf {
    folder.join(format!("member-{member}.safetensors"))
}

fn io(file: &Path, source: std::io::Error) -> TrainError {
    TrainError::Io { file: file.display().to_string(), source }
}

fn broken(file: &Path, problem: &str) -> TrainError {
    TrainError::Config {
        file: file.display().to_string(),
        problem: format!("{problem}; save the ensemble again, into an empty folder"),
    }
}
