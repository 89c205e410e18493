//! The one error of this crate.

use std::io;

use layerwise_datasets::DataError;
use layerwise_nn_layers::ConfigError;

/// What can go wrong while training, measuring, saving or loading.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting of the trainer that cannot work.
    #[error("setting `{name}`: {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What was expected and found, and what to do.
        problem: String,
    },

    /// A table that could not be used, in a function of the caller's that returns this error, such as a trial of a search.
    #[error(transparent)]
    Data(#[from] DataError),

    /// A configuration from which nothing can be built, in such a function.
    #[error(transparent)]
    Build(#[from] ConfigError),

    /// Any other error in such a function; [`TrainError::other`] makes it.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),

    /// Samples that do not fit together.
    #[error("samples: {0}")]
    Samples(String),

    /// The loss stopped being a number. The parameters are as they were before the step.
    #[error("training diverged in step {step} (epoch {epoch}): {origin}. {remedy}")]
    Diverged {
        /// The step, counted from 0 over all epochs.
        step: u64,
        /// The epoch, counted from 0.
        epoch: usize,
        /// Where the first value that is not finite arose: parameter, operation or data.
        origin: String,
        /// What usually helps.
        remedy: &'static str,
    },

    /// A checkpoint that could not be written: the disk is full, the folder is gone or cannot be written.
    #[error(
        "checkpoint {file}: it could not be written ({source}); {kept}. Make room or choose a folder that can be written, then go on \
         with `resume(true)`"
    )]
    CheckpointNotWritten {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
        /// What is still there to go on from.
        kept: &'static str,
    },

    /// A checkpoint is there already and nobody asked to go on from it.
    #[error(
        "checkpoint {file}: it is there already; ask with `Checkpoint::resume(true)` to go on from it, or delete it and `{file}.previous` \
         to begin anew"
    )]
    CheckpointExists {
        /// The file.
        file: String,
    },

    /// A file that is no whole checkpoint.
    #[error("checkpoint {file}: {problem}")]
    BrokenCheckpoint {
        /// The file.
        file: String,
        /// What was expected and found, and what to do.
        problem: String,
    },

    /// A checkpoint of another training: another model, optimizer, batch size, seed, data ...
    #[error(
        "checkpoint {file}: it belongs to another training: {differences}; set up the training as it was, or delete the file to begin anew"
    )]
    OtherTraining {
        /// The file.
        file: String,
        /// What differs, with both values.
        differences: String,
    },

    /// A metric that cannot be computed.
    #[error("metric {metric}: {problem}")]
    Metric {
        /// The metric.
        metric: &'static str,
        /// What was expected and found, and what to do.
        problem: String,
    },

    /// The file could not be read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },

    /// The file is larger than the limit.
    #[error("{file}: {found} bytes are above the limit of {limit}; raise `ReadOptions::limit` if you trust the file")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size, or a lower bound of it.
        found: u64,
        /// The limit.
        limit: u64,
    },

    /// The file is no complete safetensors file.
    #[error("{file}: {problem}")]
    NotAModel {
        /// The file.
        file: String,
        /// What was expected and found, and what to do.
        problem: String,
    },

    /// The file was written by a later version of this crate.
    #[error(
        "{file}: the file has format version {found}, this build reads versions up to {supported}; \
         update layerwise (the file was written by version {writer})"
    )]
    NewerFormat {
        /// The file.
        file: String,
        /// Its format version.
        found: u64,
        /// The newest one this build reads.
        supported: u64,
        /// The version of the crate that wrote it.
        writer: String,
    },

    /// The bytes of the tensors are not those that were written.
    #[error("{file}: the tensors are damaged: sha256 is {found}, the file declares {declared}; restore it from a copy")]
    Damaged {
        /// The file.
        file: String,
        /// The hash of what was read.
        found: String,
        /// The hash the header declares.
        declared: String,
    },

    /// The tensors of the file are not those of the model.
    #[error("{file}: tensor `{tensor}`: {problem}")]
    Tensor {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What was expected and found, and what to do.
        problem: String,
    },

    /// The configuration in the file does not describe a model of this kind.
    #[error("{file}: model configuration: {problem}")]
    Config {
        /// The file.
        file: String,
        /// What was expected and found, and what to do.
        problem: String,
    },
}

impl TrainError {
    /// An error of another kind, for a function of the caller's that returns this one.
    ///
    /// ```
    /// use layerwise_train::TrainError;
    ///
    /// let trial = || -> Result<u32, TrainError> { "seven".parse().map_err(TrainError::other) };
    /// assert!(trial().unwrap_err().to_string().contains("invalid digit"));
    /// ```
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    pub(crate) fn metric(metric: &'static str, problem: impl Into<String>) -> Self {
        Self::Metric { metric, problem: problem.into() }
    }

    pub(crate) fn checkpoint(file: &str, problem: impl Into<String>) -> Self {
        Self::BrokenCheckpoint { file: file.into(), problem: problem.into() }
    }
}
