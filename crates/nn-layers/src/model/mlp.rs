//! A multilayer perceptron as a whole model.

use layerwise_tensor::Scope;

use super::entry::BuildModel;
use crate::error::ConfigError;
use crate::mlp::{Mlp, MlpConfig};

impl BuildModel for MlpConfig {
    const MODEL: &'static str = "mlp";
    const DOC: &'static str = "multilayer perceptron: linear layers with activations, norms and dropout between them";
    const SAMPLES: &'static [&'static str] = &[
        r#"{"inputs": 3, "outputs": 2}"#,
        r#"{"inputs": 4, "hidden": [6, 5], "outputs": 3, "activation": "tanh", "norm": "layer", "init": "glorot_normal"}"#,
        r#"{"inputs": 5, "hidden": [7, 7, 4], "outputs": 1, "activations": ["gelu", "elu", "sigmoid"], "residual": true}"#,
        r#"{"inputs": 5, "hidden": [6, 6], "outputs": 2, "activation": "softsign", "residual": true, "residual_scale": 0.5}"#,
        r#"{"inputs": 4, "hidden": [6], "outputs": 2, "norm": "batch", "dropout": 0.25, "input_dropout": 0.1}"#,
    ];
    type Model = Mlp;

    fn build_model(&self, scope: &mut Scope<'_>) -> Result<Mlp, ConfigError> {
        self.build(scope)
    }

    fn inputs(&self) -> usize {
        self.inputs
    }
}
