//! The detector after it has seen data.

use layerwise_datasets::{Encoding, Scaler, Schema};
use layerwise_nn_layers::Module;
use layerwise_tensor::{Params, Scalar};
use layerwise_train::{FitReport, predict};
use ndarray::{Array1, Array2, ArrayView2};

use super::rows::Rows;
use super::score::Score;
use super::threshold::Threshold;
use crate::autoencoder::Autoencoder;
use crate::error::AutoencoderError;

/// Rows that are reconstructed at a time.
const BATCH: usize = 1024;

/// The parameters of the network in the element type they were trained in.
#[derive(Clone, Debug)]
pub(super) enum Net {
    F32(Params<f32>),
    F64(Params<f64>),
}

/// A detector that has learned what normal rows look like.
///
/// Rows come as a table with the columns it was fitted on, or as an array with their values in that order.
#[derive(Clone, Debug)]
pub struct FittedDetector {
    pub(super) score: Score,
    pub(super) schema: Schema,
    pub(super) encoding: Encoding,
    pub(super) scaler: Scaler,
    pub(super) model: Autoencoder,
    pub(super) net: Net,
    pub(super) report: FitReport,
    pub(super) training_scores: Vec<f64>,
}

impl FittedDetector {
    /// One score for each row; the larger, the less normal. Infinite for a row that overflows the network.
    ///
    /// # Errors
    /// If the columns differ from those of the fit, or a value is missing.
    pub fn score<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<Array1<f64>, AutoencoderError> {
        Ok(self.score.of(self.errors(rows)?.view()))
    }

    /// The squared error of every feature in units of its variance, `(rows, features)`: which features make a row anomalous.
    /// [`FittedDetector::features`] names them.
    ///
    /// # Errors
    /// As [`FittedDetector::score`].
    pub fn errors<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<Array2<f64>, AutoencoderError> {
        let z = self.standardised(rows.into())?;
        Ok(squared_difference(&z, &self.through(z.view())))
    }

    /// Whether each row is called anomalous: its score is above the threshold.
    ///
    /// # Errors
    /// As [`FittedDetector::score`].
    pub fn predict<'a>(&self, rows: impl Into<Rows<'a>>, threshold: &Threshold) -> Result<Vec<bool>, AutoencoderError> {
        let cut = self.cut(threshold);
        Ok(self.score(rows)?.iter().map(|s| *s > cut).collect())
    }

    /// What the network makes of the rows, in their own units, `(rows, features)`.
    ///
    /// # Errors
    /// As [`FittedDetector::score`].
    pub fn reconstruct<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<Array2<f64>, AutoencoderError> {
        let z = self.standardised(rows.into())?;
        Ok(self.scaler.inverse(self.through(z.view()).view()))
    }

    /// The score above which `threshold` calls a row anomalous.
    pub fn cut(&self, threshold: &Threshold) -> f64 {
        threshold.cut(&self.training_scores)
    }

    /// Scores of the rows of the fit, in their order.
    pub fn training_scores(&self) -> &[f64] {
        &self.training_scores
    }

    /// Names of the columns of the fit.
    pub fn columns(&self) -> Vec<&str> {
        self.schema.names().collect()
    }

    /// Names of the features the network sees: the columns, categories one for each level as `column=level`.
    pub fn features(&self) -> Vec<String> {
        self.encoding.names()
    }

    /// The autoencoder.
    pub fn model(&self) -> &Autoencoder {
        &self.model
    }

    /// How the fit went.
    pub fn report(&self) -> &FitReport {
        &self.report
    }

    pub(super) fn new(parts: Parts) -> Self {
        let Parts { score, schema, encoding, scaler, model, net, report, training_rows: z } = parts;
        let training_scores = Vec::new();
        let mut fitted = Self { score, schema, encoding, scaler, model, net, report, training_scores };
        let errors = squared_difference(&z, &fitted.through(z.view()));
        fitted.training_scores = score.of(errors.view()).to_vec();
        fitted
    }

    fn standardised(&self, rows: Rows<'_>) -> Result<Array2<f64>, AutoencoderError> {
        let table = rows.to_score(&self.schema)?;
        let x = table.to_matrix(&self.encoding)?;
        Ok(self.scaler.transform(x.view()))
    }

    /// The network's output for standardised rows.
    fn through(&self, z: ArrayView2<'_, f64>) -> Array2<f64> {
        match &self.net {
            Net::F32(params) => run(&self.model, params, z),
            Net::F64(params) => run(&self.model, params, z),
        }
    }
}

/// What a fit brings together; the training rows are standardised.
pub(super) struct Parts {
    pub(super) score: Score,
    pub(super) schema: Schema,
    pub(super) encoding: Encoding,
    pub(super) scaler: Scaler,
    pub(super) model: Autoencoder,
    pub(super) net: Net,
    pub(super) report: FitReport,
    pub(super) training_rows: Array2<f64>,
}

fn run<T: Scalar>(model: &Autoencoder, params: &Params<T>, z: ArrayView2<'_, f64>) -> Array2<f64>
where
    Autoencoder: Module<T>,
{
    let z: Array2<T> = z.mapv(T::of);
    predict(model, params, z.view(), BATCH).mapv(T::as_f64)
}

fn squared_difference(z: &Array2<f64>, y: &Array2<f64>) -> Array2<f64> {
    let mut errors = z - y;
    errors.mapv_inplace(|d| d * d);
    errors
}
