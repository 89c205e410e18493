//! The detector after it has seen data.

use layerwise_datasets::Table;
use layerwise_nn_layers::Module;
use layerwise_tensor::{Params, Scalar};
use layerwise_train::{FitReport, predict};
use ndarray::{Array1, Array2, ArrayView2, Zip};

use super::preparation::{Preparation, Prepared};
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
    pub(super) preparation: Preparation,
    pub(super) model: Autoencoder,
    pub(super) net: Net,
    pub(super) report: FitReport,
    pub(super) training_scores: Vec<f64>,
}

impl FittedDetector {
    /// One score for each row; the larger, the less normal. Infinite for a row that overflows the network.
    ///
    /// # Errors
    /// If the columns differ from those of the fit, a value is missing that may not be ([`Gaps::Refuse`](super::Gaps::Refuse)), or a row has none at all.
    pub fn score<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<Array1<f64>, AutoencoderError> {
        Ok(self.scores_of(&self.prepared(rows.into())?))
    }

    /// The squared error of every feature in units of its variance, `(rows, features)`: which features make a row anomalous.
    /// [`FittedDetector::features`] names them. NaN for a value that is missing; for categories see [`Categories`](super::Categories).
    ///
    /// # Errors
    /// As [`FittedDetector::score`].
    pub fn errors<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<Array2<f64>, AutoencoderError> {
        let rows = self.prepared(rows.into())?;
        let (mut errors, _) = self.preparation.errors(&rows, self.through(rows.inputs.view()).view());
        if let Some(known) = &rows.known {
            Zip::from(&mut errors)
                .and(known)
                .for_each(|error, known| *error = if *known == 0.0 { f64::NAN } else { *error });
        }
        Ok(errors)
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
        let rows = self.prepared(rows.into())?;
        Ok(self.preparation.in_units(self.through(rows.inputs.view()).view()))
    }

    /// The rows with their gaps filled by what the network makes of them: numbers as they come, whole numbers rounded, categories the
    /// likeliest level. What is there stays as it is.
    ///
    /// # Errors
    /// As [`FittedDetector::score`].
    pub fn impute<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<Table, AutoencoderError> {
        let table = rows.into().to_score(&self.preparation.schema, self.preparation.gaps)?;
        let rows = self.preparation.apply(&table)?;
        let x = self.preparation.in_units(self.through(rows.inputs.view()).view());
        self.preparation.filled(&table, x.view())
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
        self.preparation.schema.names().collect()
    }

    /// Names of the features the network sees: the columns, categories one for each level as `column=level`.
    pub fn features(&self) -> Vec<String> {
        self.preparation.encoding.names()
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
        let Parts { score, preparation, model, net, report, training_rows } = parts;
        let mut fitted = Self { score, preparation, model, net, report, training_scores: Vec::new() };
        fitted.training_scores = fitted.scores_of(&training_rows).to_vec();
        fitted
    }

    fn prepared(&self, rows: Rows<'_>) -> Result<Prepared, AutoencoderError> {
        self.preparation.apply(&*rows.to_score(&self.preparation.schema, self.preparation.gaps)?)
    }

    fn scores_of(&self, rows: &Prepared) -> Array1<f64> {
        let (errors, counts) = self.preparation.errors(rows, self.through(rows.inputs.view()).view());
        self.score.of(errors.view(), &counts, self.preparation.terms())
    }

    /// The network's output for standardised rows.
    fn through(&self, z: ArrayView2<'_, f64>) -> Array2<f64> {
        match &self.net {
            Net::F32(params) => run(&self.model, params, z),
            Net::F64(params) => run(&self.model, params, z),
        }
    }
}

/// What a fit brings together.
pub(super) struct Parts {
    pub(super) score: Score,
    pub(super) preparation: Preparation,
    pub(super) model: Autoencoder,
    pub(super) net: Net,
    pub(super) report: FitReport,
    pub(super) training_rows: Prepared,
}

fn run<T: Scalar>(model: &Autoencoder, params: &Params<T>, z: ArrayView2<'_, f64>) -> Array2<f64>
where
    Autoencoder: Module<T>,
{
    let z: Array2<T> = z.mapv(T::of);
    predict(model, params, z.view(), BATCH).mapv(T::as_f64)
}
