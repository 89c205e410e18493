//! What a kind of autoencoder tells about itself.

use layerwise_nn_layers::ConfigError;

use crate::config::AutoencoderConfig;

/// A line of the table: a kind of autoencoder.
#[derive(Clone, Copy, Debug)]
pub struct ModelKind {
    /// Its name.
    pub name: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// Configurations on which the laws are tried, as JSON.
    pub samples: &'static [&'static str],
}

impl ModelKind {
    /// The configurations on which the laws are tried.
    ///
    /// # Errors
    /// If a sample is not a configuration of an autoencoder.
    pub fn sample_configs(&self) -> Result<Vec<AutoencoderConfig>, ConfigError> {
        let read = |text: &&str| serde_json::from_str(text).map_err(|e| ConfigError::malformed("", self.name, e));
        self.samples.iter().map(read).collect()
    }
}
