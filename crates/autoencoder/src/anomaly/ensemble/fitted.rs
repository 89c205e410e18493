//! An ensemble after it has seen data.

use layerwise_datasets::{Schema, Table};
use ndarray::Array1;

use super::combine::Combine;
use crate::anomaly::fitted::FittedDetector;
use crate::anomaly::gaps::Gaps;
use crate::anomaly::rows::Rows;
use crate::anomaly::threshold::Threshold;
use crate::error::AutoencoderError;

/// Detectors that have learned what normal rows look like, and judge together.
#[derive(Clone, Debug)]
pub struct FittedEnsemble {
    pub(super) combine: Combine,
    pub(super) schema: Schema,
    pub(super) gaps: Gaps,
    pub(super) members: Vec<Member>,
    pub(super) training_scores: Vec<f64>,
}

/// A detector with what its scores are standardised by.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) detector: FittedDetector,
    pub(super) mean: f64,
    pub(super) std: f64,
}

impl Member {
    pub(super) fn new(detector: FittedDetector) -> Self {
        let scores = detector.training_scores();
        let n = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / n;
        let std = (scores.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / n).sqrt();
        // Scores that are all the same say nothing of a scale.
        let std = if std > 0.0 && std.is_finite() { std } else { 1.0 };
        Self { detector, mean, std }
    }

    /// The standardised score of each row; NaN for one that has no value in the member's columns.
    fn scores(&self, table: &Table) -> Result<Vec<f64>, AutoencoderError> {
        let part = table.select(&self.detector.columns())?;
        let places = rows_with_values(&part);
        let mut scores = vec![f64::NAN; table.rows()];
        if !places.is_empty() {
            let found = self.detector.score(&part.take(&places))?;
            places.iter().zip(found).for_each(|(row, s)| scores[*row] = (s - self.mean) / self.std);
        }
        Ok(scores)
    }
}

/// The rows that are not missing altogether.
pub(super) fn rows_with_values(table: &Table) -> Vec<usize> {
    let rows = table.values();
    (0..table.rows()).filter(|i| rows.row(*i).iter().any(|v| !v.is_nan())).collect()
}

impl FittedEnsemble {
    pub(super) fn new(
        combine: Combine,
        schema: Schema,
        gaps: Gaps,
        members: Vec<Member>,
        table: &Table,
    ) -> Result<Self, AutoencoderError> {
        let mut ensemble = Self { combine, schema, gaps, members, training_scores: Vec::new() };
        ensemble.training_scores = ensemble.of_table(table)?.to_vec();
        Ok(ensemble)
    }

    /// One score for each row; the larger, the less normal. 0 is the mean of the training rows, 1 one of their standard deviations, of
    /// a member.
    ///
    /// # Errors
    /// If the columns differ from those of the fit, a value is missing that may not be, or a row has none in the columns of any member.
    pub fn score<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<Array1<f64>, AutoencoderError> {
        self.of_table(&*rows.into().to_score(&self.schema, self.gaps)?)
    }

    /// Whether each row is called anomalous: its score is above the threshold.
    ///
    /// # Errors
    /// As [`FittedEnsemble::score`].
    pub fn predict<'a>(&self, rows: impl Into<Rows<'a>>, threshold: &Threshold) -> Result<Vec<bool>, AutoencoderError> {
        let cut = threshold.cut(&self.training_scores);
        Ok(self.score(rows)?.iter().map(|s| *s > cut).collect())
    }

    /// Scores of the rows of the fit, in their order.
    pub fn training_scores(&self) -> &[f64] {
        &self.training_scores
    }

    /// Names of the columns of the fit.
    pub fn columns(&self) -> Vec<&str> {
        self.schema.names().collect()
    }

    /// The detectors; each sees the columns it names.
    pub fn members(&self) -> Vec<&FittedDetector> {
        self.members.iter().map(|member| &member.detector).collect()
    }

    fn of_table(&self, table: &Table) -> Result<Array1<f64>, AutoencoderError> {
        let scores = self.members.iter().map(|member| member.scores(table)).collect::<Result<Vec<_>, _>>()?;
        let mut of_row = Vec::with_capacity(scores.len());
        let mut combined = Array1::zeros(table.rows());
        for (row, combined) in combined.iter_mut().enumerate() {
            of_row.clear();
            of_row.extend(scores.iter().map(|scores| scores[row]).filter(|s| !s.is_nan()));
            if of_row.is_empty() {
                return Err(AutoencoderError::EmptyRow { row });
            }
            *combined = self.combine.of(&mut of_row);
        }
        Ok(combined)
    }
}
