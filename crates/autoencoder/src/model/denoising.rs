//! Trained to undo noise.

use super::kind::ModelKind;
use crate::config::AutoencoderConfig;
use crate::corruption::GaussianNoiseConfig;

pub(super) static KIND: ModelKind = ModelKind {
    name: "denoising",
    doc: "as deep, but in training the input is corrupted, by Gaussian noise or else, which the output must not show",
    samples: &[
        r#"{"inputs": 5, "hidden": [6], "code": 3, "corruption": {"layer": "gaussian_noise", "std": 0.3}}"#,
        r#"{"inputs": 4, "code": 4, "corruption": {"layer": "gaussian_noise", "std": 0.1}}"#,
        r#"{"inputs": 6, "hidden": [5], "code": 3, "corruption": {"layer": "masking", "share": 0.3}}"#,
        r#"{"inputs": 4, "hidden": [5], "code": 3, "corruption": {"layer": "swap", "share": 0.2}}"#,
    ],
};

impl AutoencoderConfig {
    /// As [`AutoencoderConfig::deep`], trained on inputs with Gaussian noise of standard deviation `std` against the clean ones.
    ///
    /// For small noise this penalises the derivative of the reconstruction (G. Alain, Y. Bengio, *What regularized auto-encoders learn
    /// from the data generating distribution*, 2014), so the code may even be wider than the input.
    ///
    /// Other corruptions, by [`AutoencoderConfig::corruption`], stand on the shelf [`crate::corruption`].
    ///
    /// Source: P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, *Extracting and composing robust features with denoising
    /// autoencoders* (2008).
    pub fn denoising(inputs: usize, hidden: &[usize], code: usize, std: f64) -> Self {
        Self::deep(inputs, hidden, code).corruption(&GaussianNoiseConfig::new(std))
    }
}
