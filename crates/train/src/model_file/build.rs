//! From a file to a model, by its configuration.

use std::path::Path;

use layerwise_nn_layers::{BuildModel, Mlp, MlpConfig, ModelConfig};
use layerwise_tensor::{Layout, Params, Scalar};

use super::read::{ModelFile, ReadOptions};
use super::write::ModelWriter;
use crate::error::TrainError;

/// Saves a model: its configuration and its parameters. [`ModelWriter`] can add more.
///
/// # Errors
/// If a value is not finite, or the file cannot be written.
pub fn save<C: BuildModel, T: Scalar>(
    path: impl AsRef<Path>,
    config: &C,
    params: &Params<T>,
) -> Result<(), TrainError> {
    ModelWriter::new(&ModelConfig::of(config))?.save(path, params)
}

/// Loads a model of the kind `C` configures, and its parameters in the element type the file holds.
///
/// Use [`ModelFile`] for another element type, or for files that were not written by this crate.
///
/// # Errors
/// If the file is no complete model file of this kind and element type; the message says what to do.
pub fn load<C: BuildModel, T: Scalar>(path: impl AsRef<Path>) -> Result<(C::Model, Params<T>), TrainError> {
    ModelFile::open(path, &ReadOptions::default())?.build::<C, T>()
}

/// Loads an [`Mlp`] and its parameters: [`load`] for the most common kind.
///
/// # Errors
/// As [`load`].
pub fn load_mlp<T: Scalar>(path: impl AsRef<Path>) -> Result<(Mlp, Params<T>), TrainError> {
    load::<MlpConfig, T>(path)
}

impl ModelFile {
    /// Builds the model the file describes and reads its parameters.
    ///
    /// # Errors
    /// If the configuration is not of kind `C`, or the tensors are not those of the model.
    pub fn build<C: BuildModel, T: Scalar>(&self) -> Result<(C::Model, Params<T>), TrainError> {
        self.check_config_size()?;
        let config: C = self.config::<ModelConfig>()?.read().map_err(|e| self.bad_config(e))?;
        let mut layout = Layout::new();
        let model = config.build_model(&mut layout.scope()).map_err(|e| self.bad_config(e))?;
        Ok((model, self.params(layout)?))
    }
}
