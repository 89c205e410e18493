//! A fitted detector as one model file.

use std::path::Path;

use layerwise_datasets::{Scaler, Schema};
use layerwise_nn_layers::ModelConfig;
use layerwise_tensor::DType;
use layerwise_train::FitReport;
use layerwise_train::model_file::{ModelFile, ModelWriter, ReadOptions};
use serde::{Deserialize, Serialize};

use super::fitted::{FittedDetector, Net};
use super::gaps::Gaps;
use super::preparation::{Categories, Preparation};
use super::score::Score;
use crate::config::AutoencoderConfig;
use crate::error::AutoencoderError;

/// The name of the training scores among the tensors of the file.
const SCORES: &str = "training_scores";

/// What the file holds besides the network.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    score: Score,
    schema: Schema,
    scaler: Scaler,
    // Files of before there were any have none of these two.
    #[serde(default)]
    gaps: Gaps,
    #[serde(default)]
    categories: Categories,
    report: FitReport,
}

impl FittedDetector {
    /// The detector as the bytes of a model file: network, scaler, schema, training scores.
    ///
    /// # Errors
    /// If a parameter is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AutoencoderError> {
        let writer = self.writer()?;
        Ok(match &self.net {
            Net::F32(params) => writer.to_bytes(params)?,
            Net::F64(params) => writer.to_bytes(params)?,
        })
    }

    /// Saves the detector as one model file, replacing what was there in one step.
    ///
    /// # Errors
    /// If a parameter is not finite, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), AutoencoderError> {
        let writer = self.writer()?;
        match &self.net {
            Net::F32(params) => writer.save(path, params)?,
            Net::F64(params) => writer.save(path, params)?,
        }
        Ok(())
    }

    /// Loads a detector that was saved; it scores with the same bits.
    ///
    /// # Errors
    /// If the file is no complete file of a detector; the message says what to do.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, AutoencoderError> {
        Self::from_file(&ModelFile::open(path, &ReadOptions::default())?)
    }

    /// The detector in the bytes of a file; `name` is what messages call it.
    ///
    /// # Errors
    /// As [`FittedDetector::load`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, AutoencoderError> {
        Self::from_file(&ModelFile::from_bytes(name, bytes, &ReadOptions::default())?)
    }

    fn writer(&self) -> Result<ModelWriter, AutoencoderError> {
        let extra = Extra {
            score: self.score,
            schema: self.preparation.schema.clone(),
            scaler: self.preparation.scaler.clone(),
            gaps: self.preparation.gaps,
            categories: self.preparation.categories,
            report: self.report.clone(),
        };
        let writer = ModelWriter::new(&ModelConfig::of(self.model.config()))?.extra(&extra)?;
        Ok(writer.attach(SCORES, self.training_scores.clone()))
    }

    fn from_file(file: &ModelFile) -> Result<Self, AutoencoderError> {
        if file.header().is_some_and(|h| h.extra.is_null()) {
            let problem = "it describes a network, but no detector; read it by `model_file::load` as the model it is";
            return Err(file.bad_config(problem).into());
        }
        let Extra { score, schema, scaler, gaps, categories, report } = file.extra()?;
        let preparation = Preparation::restore(schema, scaler, gaps, categories)?;
        let (model, net) = match file.header().map(|h| h.dtype) {
            Some(DType::F64) => {
                let (model, params) = file.build::<AutoencoderConfig, f64>()?;
                (model, Net::F64(params))
            }
            _ => {
                let (model, params) = file.build::<AutoencoderConfig, f32>()?;
                (model, Net::F32(params))
            }
        };
        let (width, scaler) = (preparation.encoding.width(), &preparation.scaler);
        let inputs = if gaps == Gaps::MeanAndMask { 2 * width } else { width };
        let network = (model.config().inputs, model.decoder().outputs());
        if network != (inputs, width) || scaler.center().len() != width || scaler.width().len() != width {
            let problem = format!(
                "the network has {} inputs and {} outputs, the schema {width} features that make {inputs} inputs, the scaler {} \
                 centres and {} widths; they must agree: save the detector again",
                network.0,
                network.1,
                scaler.center().len(),
                scaler.width().len()
            );
            return Err(file.bad_config(problem).into());
        }
        let training_scores = file.attachment(SCORES)?;
        if training_scores.is_empty() {
            return Err(file.bad_config("there is no training score; save the detector again").into());
        }
        Ok(Self { score, preparation, model, net, report, training_scores })
    }
}
