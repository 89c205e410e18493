//! Linear layer: `y = x w + b`.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{ParamId, ParamKind, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::activation::Activation;
use crate::error::ConfigError;
use crate::init::Init;
use crate::module::{Ending, Module};

/// Configuration of [`Linear`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LinearConfig {
    /// Width of the output.
    pub outputs: usize,
    /// Whether it has a bias; by default yes.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Where the weights come from; by default [`Init::TORCH_LINEAR`]. Biases follow [`Init::for_bias`].
    #[serde(default)]
    pub init: Init,
}

fn yes() -> bool {
    true
}

impl LinearConfig {
    /// A layer of `outputs` neurons with bias, initialised as `torch.nn.Linear`.
    pub fn new(outputs: usize) -> Self {
        Self { outputs, bias: true, init: Init::default() }
    }

    /// With or without a bias.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Weights from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Registers `weight` and `bias` below `scope`.
    ///
    /// # Errors
    /// If a width is 0, or the matrix is larger than any memory.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<Linear, ConfigError> {
        check::matrix(scope.path(), inputs, self.outputs)?;
        let w = scope.param("weight", ParamKind::Weight, inputs, self.outputs, self.init);
        let b = self.bias.then(|| scope.param("bias", ParamKind::Bias, 1, self.outputs, self.init.for_bias(inputs)));
        Ok(Linear { config: self.clone(), inputs, w, b })
    }
}

/// Linear layer: `y = x w + b`.
///
/// # Shapes
/// `x` is `(batch, inputs)`, `w` is `(inputs, outputs)` (files hold the transpose), `b` is `(1, outputs)`, `y` is `(batch, outputs)`.
///
/// # Gradient
/// `dw = xᵀ dy`, `db` the column sums of `dy`, `dx = dy wᵀ`.
#[derive(Clone, Debug)]
pub struct Linear {
    config: LinearConfig,
    inputs: usize,
    w: ParamId,
    b: Option<ParamId>,
}

impl Linear {
    /// Its configuration.
    pub fn config(&self) -> &LinearConfig {
        &self.config
    }

    /// Width of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.config.outputs
    }

    /// The weights `(inputs, outputs)`.
    pub fn weight(&self) -> ParamId {
        self.w
    }

    /// The bias `(1, outputs)`.
    pub fn bias(&self) -> Option<ParamId> {
        self.b
    }

    /// `activation(x w + b)` in one pass over the output: equal to the layer followed by the activation, with less traffic.
    ///
    /// # Panics
    /// If `x` has another width than the layer was built for.
    #[track_caller]
    pub fn forward_act<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var, activation: Activation) -> Var {
        self.forward_act_dropout(g, x, activation, 0.0)
    }

    /// As [`Linear::forward_act`] with [`super::Dropout`] of a share `p` after it, in the same pass and to the same bits.
    ///
    /// # Panics
    /// If `x` has another width than the layer was built for, or `p` is no probability.
    #[track_caller]
    pub fn forward_act_dropout<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var, activation: Activation, p: f64) -> Var {
        let w = g.param(self.w);
        let b = self.b.map(|b| g.param(b));
        let act = (!activation.is_identity()).then(|| activation.act());
        match (act, p) {
            (None, 0.0) => g.linear(x, w, b),
            (Some(act), 0.0) => g.linear_act(x, w, b, act),
            (act, p) => g.linear_act_dropout(x, w, b, act, p),
        }
    }
}

impl<T: Scalar> Module<T> for Linear {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        self.forward_act(g, x, Activation::IDENTITY)
    }

    fn forward_ending(&self, g: &mut Graph<'_, T>, x: Var, ending: Ending) -> Option<Var> {
        Some(self.forward_act_dropout(g, x, ending.activation, ending.dropout))
    }
}

impl BuildLayer for LinearConfig {
    const NAME: &'static str = "linear";
    const DOC: &'static str = "y = x w + b";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 3, options: r#"{"outputs": 5}"# },
        Sample { inputs: 1, options: r#"{"outputs": 1, "bias": false, "init": "glorot_uniform"}"# },
        Sample { inputs: 17, options: r#"{"outputs": 15, "init": {"name": "he_normal", "fan": "out"}}"# },
    ];
    type Layer = Linear;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(Linear, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, self.outputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
