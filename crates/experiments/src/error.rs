//! What can go wrong outside the code.

use std::path::PathBuf;
use thiserror::Error;

/// Why a run, a record or a report could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// A configuration that the experiment cannot read.
    #[error("configuration of variant `{variant}`: {message}; see the defaults in config.toml of an earlier run")]
    Config {
        /// The variant.
        variant: String,
        /// What is wrong.
        message: String,
    },
    /// A data set that is not at hand or cannot be read.
    #[error("data set `{set}`: {message}")]
    Data {
        /// The data set.
        set: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// Training failed or diverged.
    #[error("training: {0}")]
    Training(String),
    /// A metric that is not a number.
    #[error("metric `{0}` is not finite; an experiment reports a divergence as a metric of its own")]
    NotFinite(String),
    /// A figure that cannot be drawn.
    #[error("figure `{name}`: {message}")]
    Figure {
        /// The figure.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// A panic in an experiment.
    #[error("crashed: {0}")]
    Crashed(String),
}

impl ExperimentError {
    /// A file that could not be `done` (read, written ...).
    pub fn file(path: impl Into<PathBuf>, done: &str, e: impl std::fmt::Display) -> Self {
        Self::File { path: path.into(), message: format!("cannot be {done}: {e}") }
    }
}

impl From<layerwise::train::TrainError> for ExperimentError {
    fn from(e: layerwise::train::TrainError) -> Self {
        Self::Training(e.to_string())
    }
}

impl From<layerwise::nn::ConfigError> for ExperimentError {
    fn from(e: layerwise::nn::ConfigError) -> Self {
        Self::Training(format!("the model cannot be built: {e}"))
    }
}

impl From<layerwise::datasets::DataError> for ExperimentError {
    fn from(e: layerwise::datasets::DataError) -> Self {
        Self::Data { set: "catalogue".into(), message: e.to_string() }
    }
}

impl From<layerwise::autoencoder::AutoencoderError> for ExperimentError {
    fn from(e: layerwise::autoencoder::AutoencoderError) -> Self {
        Self::Training(e.to_string())
    }
}
