//! One narrow layer.

use super::kind::ModelKind;
use crate::config::AutoencoderConfig;

pub(super) static KIND: ModelKind = ModelKind {
    name: "bottleneck",
    doc: "inputs -> code -> inputs: with a linear code it finds the subspace of PCA",
    samples: &[r#"{"inputs": 4, "code": 2}"#, r#"{"inputs": 5, "code": 1, "code_activation": "tanh"}"#],
};

impl AutoencoderConfig {
    /// `inputs -> code -> inputs`.
    ///
    /// With a linear code (the default) the best bottleneck spans the subspace of the first `code` principal components (P. Baldi and
    /// K. Hornik, *Neural networks and principal component analysis*, 1989): the plainest autoencoder, and the yardstick of the others.
    pub fn bottleneck(inputs: usize, code: usize) -> Self {
        Self::new(inputs, code)
    }
}
