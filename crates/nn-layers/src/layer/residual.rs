//! A residual block: a branch beside the straight way.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::entry::{BuildLayer, LayerConfig, LayerTraits, Sample, Shelf};
use super::sequential::{Sequential, SequentialConfig};
use crate::error::ConfigError;
use crate::module::{AnyModule, Module};

/// Configuration of [`Residual`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResidualConfig {
    /// The layers of the branch in order.
    pub layers: Vec<LayerConfig>,
}

impl ResidualConfig {
    /// A block whose branch has these layers.
    pub fn new(layers: Vec<LayerConfig>) -> Self {
        Self { layers }
    }

    /// One more layer at the end of the branch.
    pub fn then<C: BuildLayer>(mut self, config: &C) -> Self {
        self.layers.push(LayerConfig::of(config));
        self
    }
}

/// Residual block: `y = x + f(x)`, `dx = dy + f'(x)ᵀ dy`, with a branch `f` that keeps the width.
///
/// The layers of the branch are its children `0`, `1`, .., as in a subclass of `torch.nn.Sequential` that adds its input.
///
/// K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", 2015, arXiv:1512.03385.
#[derive(Debug)]
pub struct Residual {
    branch: Sequential,
}

impl Residual {
    /// The branch.
    pub fn branch(&self) -> &Sequential {
        &self.branch
    }

    /// Its configuration.
    pub fn config(&self) -> ResidualConfig {
        ResidualConfig::new(self.branch.config().layers.clone())
    }
}

impl<T: Scalar> Module<T> for Residual
where
    Box<dyn AnyModule>: Module<T>,
{
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let y = self.branch.forward(g, x);
        g.add(x, y)
    }
}

impl BuildLayer for ResidualConfig {
    const NAME: &'static str = "residual";
    const DOC: &'static str = "y = x + f(x), with a branch f of layers that keeps the width";
    const SAMPLES: &'static [Sample] = &[
        Sample {
            inputs: 4,
            options: r#"{"layers": [{"layer": "linear", "outputs": 6}, {"layer": "activation", "activation": "gelu"},
                {"layer": "linear", "outputs": 4}]}"#,
        },
        Sample { inputs: 1, options: r#"{"layers": [{"layer": "linear", "outputs": 1}]}"# },
    ];
    type Layer = Residual;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        shelf: &Shelf,
    ) -> Result<(Residual, usize), ConfigError> {
        let branch = Sequential::from_config(&self.layers, inputs, scope, shelf)?;
        if branch.outputs() != inputs {
            return Err(ConfigError::bad_value(
                scope.path(),
                "the output of a residual branch",
                format!("as wide as its input ({inputs})"),
                branch.outputs(),
                "end the branch with a linear layer of that width",
            ));
        }
        Ok((Residual { branch }, inputs))
    }

    fn traits(&self, shelf: &Shelf) -> LayerTraits {
        SequentialConfig::new(self.layers.clone()).traits(shelf)
    }
}
