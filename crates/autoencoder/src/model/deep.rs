//! Several layers on either side of the code.

use super::kind::ModelKind;
use crate::config::AutoencoderConfig;

pub(super) static KIND: ModelKind = ModelKind {
    name: "deep",
    doc: "inputs -> hidden.. -> code -> ..hidden -> inputs: a curved subspace",
    samples: &[
        r#"{"inputs": 5, "hidden": [8, 4], "code": 2}"#,
        r#"{"inputs": 4, "hidden": [6], "code": 2, "activation": "gelu", "norm": "batch", "dropout": 0.1}"#,
    ],
};

impl AutoencoderConfig {
    /// `inputs -> hidden.. -> code -> ..hidden -> inputs`, the decoder mirroring the encoder.
    ///
    /// Source: G. Hinton, R. Salakhutdinov, *Reducing the dimensionality of data with neural networks* (2006), without their
    /// layer-wise pretraining.
    pub fn deep(inputs: usize, hidden: &[usize], code: usize) -> Self {
        Self::new(inputs, code).hidden(hidden)
    }
}
