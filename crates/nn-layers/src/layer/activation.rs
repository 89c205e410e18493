//! An activation as a layer of its own.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::activation::Activation;
use crate::error::ConfigError;
use crate::module::{Ending, Module};

/// Configuration of [`ActivationLayer`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ActivationConfig {
    /// The function.
    pub activation: Activation,
}

impl ActivationConfig {
    /// A layer that applies `activation`.
    pub fn new(activation: Activation) -> Self {
        Self { activation }
    }
}

/// Applies an [`Activation`] to every value: `y = f(x)`, `dx = dy f'(x)`.
#[derive(Clone, Copy, Debug)]
pub struct ActivationLayer {
    /// The function.
    pub activation: Activation,
}

impl<T: Scalar> Module<T> for ActivationLayer {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.activation.is_identity() { x } else { g.activate(x, self.activation.act()) }
    }

    fn ending(&self) -> Option<Ending> {
        Some(Ending { activation: self.activation, dropout: 0.0 })
    }
}

impl BuildLayer for ActivationConfig {
    const NAME: &'static str = "activation";
    const DOC: &'static str = "y = f(x), value by value";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: r#"{"activation": "tanh"}"# },
        Sample { inputs: 15, options: r#"{"activation": "gelu"}"# },
        Sample { inputs: 17, options: r#"{"activation": {"name": "leaky_relu", "slope": 0.2}}"# },
    ];
    type Layer = ActivationLayer;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        _: &Shelf,
    ) -> Result<(ActivationLayer, usize), ConfigError> {
        Ok((ActivationLayer { activation: self.activation }, check::width(scope.path(), "`inputs`", inputs)?))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { kinks: self.activation.kinks(), ..LayerTraits::PLAIN }
    }
}
