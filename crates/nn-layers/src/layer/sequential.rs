//! Layers one after another.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerConfig, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::{AnyModule, Ending, Module};

/// Configuration of [`Sequential`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SequentialConfig {
    /// The layers in order.
    pub layers: Vec<LayerConfig>,
}

impl SequentialConfig {
    /// These layers in order.
    pub fn new(layers: Vec<LayerConfig>) -> Self {
        Self { layers }
    }

    /// One more layer at the end.
    pub fn then<C: BuildLayer>(mut self, config: &C) -> Self {
        self.layers.push(LayerConfig::of(config));
        self
    }
}

/// Layers one after another: `y = f_n(.. f_1(x))`.
///
/// Its children are called `0`, `1`, .., and every layer counts, also one without parameters, so that names are those of
/// `torch.nn.Sequential`. A linear layer or a norm runs with the activation and the dropout after it as one operation, under its own
/// name and to the same bits.
#[derive(Debug)]
pub struct Sequential {
    config: SequentialConfig,
    layers: Vec<Box<dyn AnyModule>>,
    names: Vec<String>,
    inputs: usize,
    outputs: usize,
}

impl Sequential {
    /// The layers of `configs`, found on `shelf`, below the children of `scope`.
    ///
    /// # Errors
    /// If a layer is unknown or its configuration is wrong.
    pub fn from_config(
        configs: &[LayerConfig],
        inputs: usize,
        scope: &mut Scope<'_>,
        shelf: &Shelf,
    ) -> Result<Self, ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        check::depth(scope.path(), "the number of `layers`", configs.len())?;
        let mut width = inputs;
        let mut layers = Vec::with_capacity(configs.len());
        for (i, config) in configs.iter().enumerate() {
            let (layer, outputs) = config.build_from(&mut scope.child(i), width, shelf)?;
            layers.push(layer);
            width = outputs;
        }
        let names = (0..configs.len()).map(|i| i.to_string()).collect();
        Ok(Self { config: SequentialConfig::new(configs.to_vec()), layers, names, inputs, outputs: width })
    }

    /// Its configuration.
    pub fn config(&self) -> &SequentialConfig {
        &self.config
    }

    /// Width of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The layers in order.
    pub fn layers(&self) -> &[Box<dyn AnyModule>] {
        &self.layers
    }
}

impl<T: Scalar> Module<T> for Sequential
where
    Box<dyn AnyModule>: Module<T>,
{
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let mut x = x;
        let mut layers = self.layers.iter().zip(&self.names).peekable();
        while let Some((layer, name)) = layers.next() {
            let mut ending = Ending::NONE;
            let mut ahead = layers.clone();
            while let Some(more) =
                ahead.peek().and_then(|(next, _)| Module::<T>::ending(*next)).and_then(|e| ending.then(e))
            {
                ending = more;
                ahead.next();
            }
            g.enter(name);
            let fused = if ending.is_none() { None } else { layer.forward_ending(g, x, ending) };
            x = match fused {
                Some(y) => {
                    layers = ahead;
                    y
                }
                None => layer.forward(g, x),
            };
            g.leave();
        }
        x
    }
}

impl BuildLayer for SequentialConfig {
    const NAME: &'static str = "sequential";
    const DOC: &'static str = "layers one after another";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: r#"{"layers": []}"# },
        Sample {
            inputs: 17,
            options: r#"{"layers": [{"layer": "linear", "outputs": 4}, {"layer": "activation", "activation": "tanh"},
                {"layer": "layer_norm"}, {"layer": "linear", "outputs": 15}]}"#,
        },
    ];
    type Layer = Sequential;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        shelf: &Shelf,
    ) -> Result<(Sequential, usize), ConfigError> {
        let layer = Sequential::from_config(&self.layers, inputs, scope, shelf)?;
        let outputs = layer.outputs();
        Ok((layer, outputs))
    }

    fn traits(&self, shelf: &Shelf) -> LayerTraits {
        // A layer that cannot be read is reported when it is built; until then it claims nothing.
        let of = |layer: &LayerConfig| layer.traits_from(shelf).unwrap_or(LayerTraits::PLAIN);
        self.layers.iter().map(of).fold(LayerTraits::PLAIN, LayerTraits::then)
    }
}
