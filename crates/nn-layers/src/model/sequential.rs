//! A list of layers as a whole model.

use layerwise_tensor::Scope;
use serde::{Deserialize, Serialize};

use super::entry::BuildModel;
use crate::error::ConfigError;
use crate::layer::{BuildLayer, LayerConfig, Sequential, SequentialConfig};

/// Configuration of a [`Sequential`] that is a whole model: the layers and the width of the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SequentialModelConfig {
    /// Width of the input.
    pub inputs: usize,
    /// The layers in order.
    pub layers: Vec<LayerConfig>,
}

impl SequentialModelConfig {
    /// A model with `inputs` inputs and no layer yet.
    pub fn new(inputs: usize) -> Self {
        Self { inputs, layers: Vec::new() }
    }

    /// One more layer at the end.
    pub fn then<C: BuildLayer>(mut self, config: &C) -> Self {
        self.layers.push(LayerConfig::of(config));
        self
    }
}

impl BuildModel for SequentialModelConfig {
    const MODEL: &'static str = "sequential";
    const DOC: &'static str = "layers one after another";
    const SAMPLES: &'static [&'static str] = &[
        r#"{"inputs": 3, "layers": [{"layer": "linear", "outputs": 4}, {"layer": "activation", "activation": "tanh"},
            {"layer": "residual", "layers": [{"layer": "linear", "outputs": 4}]}, {"layer": "linear", "outputs": 2}]}"#,
    ];
    type Model = Sequential;

    fn build_model(&self, scope: &mut Scope<'_>) -> Result<Sequential, ConfigError> {
        SequentialConfig::new(self.layers.clone()).build(scope, self.inputs)
    }

    fn inputs(&self) -> usize {
        self.inputs
    }
}
