//! A decoder with the encoder's weights.

use super::kind::ModelKind;
use crate::config::AutoencoderConfig;

pub(super) static KIND: ModelKind = ModelKind {
    name: "tied",
    doc: "as deep, but the decoder's weights are the transposes of the encoder's: half the weights, none can grow while its twin shrinks",
    samples: &[
        r#"{"inputs": 5, "code": 2, "tied": true}"#,
        r#"{"inputs": 5, "hidden": [6, 4], "code": 2, "output_activation": "sigmoid", "tied": true}"#,
        r#"{"inputs": 4, "hidden": [6], "code": 3, "norm": "batch", "dropout": 0.2, "init": "torch_linear", "tied": true}"#,
        r#"{"inputs": 4, "hidden": [5, 6], "code": 3, "norm": "layer", "activation": "identity", "tied": true}"#,
    ],
};

impl AutoencoderConfig {
    /// As [`AutoencoderConfig::deep`], with the transposes of the encoder's weights in the decoder and biases of its own:
    /// `y = c w^T + b`, layer by layer.
    ///
    /// Both uses of a weight add to its gradient. With a linear code the minimum is that of [`AutoencoderConfig::bottleneck`], since the
    /// projection onto principal components is such a pair already.
    ///
    /// Source: P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, *Stacked denoising autoencoders* (2010).
    pub fn tied_deep(inputs: usize, hidden: &[usize], code: usize) -> Self {
        Self::deep(inputs, hidden, code).tied(true)
    }
}
