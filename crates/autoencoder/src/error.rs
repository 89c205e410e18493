//! The one error of this crate.

use layerwise_datasets::DataError;
use layerwise_nn_layers::ConfigError;
use layerwise_train::TrainError;

/// A detector may be fitted within a trial of a search: that a training diverged stays what it was.
impl From<AutoencoderError> for TrainError {
    fn from(error: AutoencoderError) -> Self {
        match error {
            AutoencoderError::Train(error) => error,
            other => Self::other(other),
        }
    }
}

/// What can go wrong while a detector is configured, fitted, used, saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AutoencoderError {
    /// A configuration from which no autoencoder can be built.
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// A table that cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),

    /// Training failed, or a file could not be read or written.
    #[error(transparent)]
    Train(#[from] TrainError),

    /// Too few rows to learn from.
    #[error("{found} rows are too few to fit a detector; at least {needed} are needed")]
    TooFewRows {
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },

    /// Every column is constant, so there is nothing to learn.
    #[error(
        "all {columns} columns are constant over the {rows} training rows: there is nothing to learn; check what was read"
    )]
    Constant {
        /// Number of columns.
        columns: usize,
        /// Number of rows.
        rows: usize,
    },

    /// A value is missing.
    #[error(
        "column `{column}` has no value in row {row} (counted from 0): fill it in, leave out the row or the column, or fit a detector \
         that may meet gaps (`AutoencoderDetector::gaps`)"
    )]
    Missing {
        /// The column.
        column: String,
        /// The row.
        row: usize,
    },

    /// A row has no value at all.
    #[error("row {row} (counted from 0) has no value at all, so nothing can be said of it: leave it out")]
    EmptyRow {
        /// The row.
        row: usize,
    },

    /// The table has not the columns the detector was fitted on.
    #[error("{0}")]
    Columns(String),

    /// A name that stands in no table, or options that do not fit it.
    #[error("threshold: {0}")]
    Threshold(String),
}
