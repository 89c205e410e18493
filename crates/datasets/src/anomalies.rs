//! Rows of which some are known to be anomalous.

use crate::error::DataError;
use crate::table::Table;
use ndarray::Array2;

/// Rows of which some are known to be anomalous: what a detector is judged on.
#[derive(Clone, Debug, PartialEq)]
pub struct AnomalySet {
    /// What it is called in messages and records.
    pub name: String,
    /// Names of the features, one per column.
    pub features: Vec<String>,
    /// `(rows, features)`, as measured: not standardised.
    pub x: Array2<f64>,
    /// Whether each row is anomalous.
    pub anomalous: Vec<bool>,
}

impl AnomalySet {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.x.nrows()
    }

    /// Number of features.
    pub fn cols(&self) -> usize {
        self.x.ncols()
    }

    /// Number of anomalous rows.
    pub fn anomalies(&self) -> usize {
        self.anomalous.iter().filter(|&&a| a).count()
    }

    /// The features as a [`Table`] of real columns.
    ///
    /// # Errors
    /// When names and columns differ in number (the fields are public).
    pub fn table(&self) -> Result<Table, DataError> {
        Table::from_columns(&self.features, self.x.clone())
    }
}
