//! The JSON of a checkpoint. Numbers that may be NaN or infinite are kept as their bits.

use std::collections::BTreeMap;

use layerwise_optim::StateMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::setup::Setup;
use crate::error::TrainError;
use crate::history::EpochRecord;
use crate::state::{Position, Sums};

/// The newest format version this build reads, and the one it writes.
pub(super) const FORMAT: u64 = 1;

/// Everything a checkpoint holds but the tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    pub(super) format: u64,
    /// Version of the crate that wrote the file.
    pub(super) version: String,
    /// What was trained, and how.
    pub(super) setup: Setup,
    pub(super) epoch: usize,
    pub(super) steps_in_epoch: usize,
    /// Loss, weight, norm, steps and rate of the epoch so far, as bits.
    pub(super) sums: [u64; 5],
    pub(super) stopped: Option<String>,
    pub(super) history: Vec<Record>,
    pub(super) optimizer: StateMeta,
    /// Updates of the averages and steps of lookahead.
    pub(super) ema: Option<u64>,
    pub(super) swa: Option<u64>,
    pub(super) lookahead: Option<u64>,
    /// One for each callback that keeps a state, in order.
    pub(super) callbacks: Vec<CallbackMeta>,
    /// The loss of the first rows with these parameters, as bits.
    pub(super) probe: u64,
}

/// The state of a callback: its values, and the names of the sets of parameters it keeps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallbackMeta {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) params: Vec<String>,
}

/// An [`EpochRecord`], as bits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    epoch: usize,
    steps: u64,
    loss: u64,
    validation_loss: Option<u64>,
    metrics: Vec<(String, u64)>,
    rate: u64,
    gradient_norm: u64,
}

impl Record {
    pub(super) fn of(r: &EpochRecord) -> Self {
        Self {
            epoch: r.epoch,
            steps: r.steps,
            loss: r.loss.to_bits(),
            validation_loss: r.validation_loss.map(f64::to_bits),
            metrics: r.metrics.iter().map(|(name, v)| (name.clone(), v.to_bits())).collect(),
            rate: r.rate.to_bits(),
            gradient_norm: r.gradient_norm.to_bits(),
        }
    }

    pub(super) fn to_epoch(&self) -> EpochRecord {
        EpochRecord {
            epoch: self.epoch,
            steps: self.steps,
            loss: f64::from_bits(self.loss),
            validation_loss: self.validation_loss.map(f64::from_bits),
            metrics: self.metrics.iter().map(|(name, v)| (name.clone(), f64::from_bits(*v))).collect(),
            rate: f64::from_bits(self.rate),
            gradient_norm: f64::from_bits(self.gradient_norm),
        }
    }
}

impl Meta {
    /// Reads the JSON; the version is looked at first, since a later format may differ in everything else.
    pub(super) fn parse(file: &str, json: &str) -> Result<Self, TrainError> {
        #[derive(Deserialize)]
        struct Version {
            format: u64,
            #[serde(default)]
            version: String,
        }
        let bad = |e: serde_json::Error| {
            TrainError::checkpoint(file, format!("its metadata are not those of a checkpoint ({e})"))
        };
        let v: Version = serde_json::from_str(json).map_err(bad)?;
        if v.format > FORMAT {
            let (found, writer) = (v.format, v.version);
            return Err(TrainError::NewerFormat { file: file.into(), found, supported: FORMAT, writer });
        }
        serde_json::from_str(json).map_err(bad)
    }

    pub(super) fn position(&self) -> Position {
        let [loss, weight, norm, steps, rate] = self.sums.map(f64::from_bits);
        Position { epoch: self.epoch, steps: self.steps_in_epoch, sums: Sums { loss, weight, norm, steps, rate } }
    }
}

pub(super) fn sums(s: &Sums) -> [u64; 5] {
    [s.loss, s.weight, s.norm, s.steps, s.rate].map(f64::to_bits)
}
