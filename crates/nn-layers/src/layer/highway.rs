//! A layer that learns how much of its input to pass on unchanged.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Constant, ParamId, ParamKind, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use super::linear::{Linear, LinearConfig};
use crate::activation::Activation;
use crate::error::ConfigError;
use crate::init::Init;
use crate::module::Module;

/// Configuration of [`Highway`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct HighwayConfig {
    /// The function of the transformation; by default ReLU.
    pub activation: Activation,
    /// First value of the gate's biases, by default -2: a new layer passes most of its input on.
    pub gate_bias: f64,
    /// Where the weights come from; by default [`Init::TORCH_LINEAR`].
    pub init: Init,
}

impl Default for HighwayConfig {
    fn default() -> Self {
        Self { activation: Activation::RELU, gate_bias: -2.0, init: Init::default() }
    }
}

impl HighwayConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this function of the transformation.
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// With this first bias of the gate.
    pub fn gate_bias(self, gate_bias: f64) -> Self {
        Self { gate_bias, ..self }
    }

    /// Weights from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Registers `transform.weight`, `transform.bias`, `gate.weight` and `gate.bias` below `scope`.
    ///
    /// # Errors
    /// If the width is 0 or too large, or the bias of the gate is not finite.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<Highway, ConfigError> {
        check::matrix(scope.path(), inputs, inputs)?;
        if !self.gate_bias.is_finite() {
            let remedy = "leave it out for -2";
            return Err(ConfigError::bad_value(scope.path(), "`gate_bias`", "finite", self.gate_bias, remedy));
        }
        let transform = LinearConfig::new(inputs).init(self.init).build(&mut scope.child("transform"), inputs)?;
        let mut gate = scope.child("gate");
        let gate_weight = gate.param("weight", ParamKind::Weight, inputs, inputs, self.init);
        let gate_bias = gate.param("bias", ParamKind::Bias, 1, inputs, Constant(self.gate_bias));
        Ok(Highway { config: self.clone(), transform, gate_weight, gate_bias })
    }
}

/// Highway layer: `y = t h + (1 - t) x` with the transformation `h = f(x w + b)` and the gate `t = sigmoid(x v + c)`.
///
/// # Gradient
/// `dh = dy t`, `dt = dy (h - x)`, and `dx = dy (1 - t)` beside what comes back through `h` and `t`.
///
/// R. K. Srivastava, K. Greff and J. Schmidhuber, "Highway networks", 2015, arXiv:1505.00387.
#[derive(Clone, Debug)]
pub struct Highway {
    config: HighwayConfig,
    transform: Linear,
    gate_weight: ParamId,
    gate_bias: ParamId,
}

impl Highway {
    /// Its configuration.
    pub fn config(&self) -> &HighwayConfig {
        &self.config
    }

    /// The transformation before its activation.
    pub fn transform(&self) -> &Linear {
        &self.transform
    }

    /// The weights and biases of the gate.
    pub fn gate(&self) -> (ParamId, ParamId) {
        (self.gate_weight, self.gate_bias)
    }
}

impl<T: Scalar> Module<T> for Highway {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let h = self.transform.forward_act(g, x, self.config.activation);
        let (v, c) = (g.param(self.gate_weight), g.param(self.gate_bias));
        let t = g.linear_act(x, v, Some(c), Activation::SIGMOID.act());
        let difference = g.sub(h, x);
        let step = g.mul(difference, t);
        g.add(x, step)
    }
}

impl BuildLayer for HighwayConfig {
    const NAME: &'static str = "highway";
    const DOC: &'static str = "y = t f(x w + b) + (1 - t) x with the gate t = sigmoid(x v + c)";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 15, options: r#"{"activation": "tanh"}"# },
        Sample { inputs: 17, options: r#"{"activation": "softsign", "gate_bias": -1.0}"# },
        Sample { inputs: 1, options: r#"{"activation": "gelu", "gate_bias": 0.5, "init": "orthogonal"}"# },
    ];
    type Layer = Highway;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(Highway, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
