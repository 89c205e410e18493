//! The configuration of a multilayer perceptron.

use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::init::Init;

/// Configuration of [`super::Mlp`]: what the methods set, a file may say under the same names.
///
/// ```
/// use layerwise_nn_layers::{Activation, Init, Mlp, MlpConfig, Norm};
///
/// let config = Mlp::builder(784).hidden(&[256, 128]).outputs(10).norm(Norm::Batch).dropout(0.2).init(Init::HE_NORMAL);
/// let text = serde_json::to_string(&config)?;
/// assert_eq!(serde_json::from_str::<MlpConfig>(&text)?, config);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MlpConfig {
    /// Width of the input.
    pub inputs: usize,
    /// Widths of the hidden layers from input to output; none makes a single linear layer.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// Width of the output.
    pub outputs: usize,
    /// Activation of the hidden layers; by default ReLU.
    #[serde(default)]
    pub activation: Activation,
    /// An activation of its own for each hidden layer, instead of `activation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activations: Option<Vec<Activation>>,
    /// Activation of the output; by default none.
    #[serde(default = "identity")]
    pub output_activation: Activation,
    /// The norm between a hidden layer's product and its activation; by default none.
    #[serde(default)]
    pub norm: Norm,
    /// Share of the values dropped after each hidden activation in training; by default 0.
    #[serde(default)]
    pub dropout: f64,
    /// Share of the inputs dropped in training; by default 0.
    #[serde(default)]
    pub input_dropout: f64,
    /// Whether a hidden layer that keeps the width adds its input to its output; by default no.
    #[serde(default)]
    pub residual: bool,
    /// A learned factor of each such layer's output, with this first value; by default none. 0 makes every block begin as `y = x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual_scale: Option<f64>,
    /// Whether the linear layers have a bias; by default yes.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Where the weights come from; by default [`Init::TORCH_LINEAR`]. Biases follow [`Init::for_bias`].
    #[serde(default)]
    pub init: Init,
}

/// The norm between the product and the activation of a hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Norm {
    /// None.
    #[default]
    None,
    /// Batch normalisation.
    Batch,
    /// Layer normalisation.
    Layer,
}

fn identity() -> Activation {
    Activation::IDENTITY
}

fn yes() -> bool {
    true
}

impl MlpConfig {
    /// A network with `inputs` inputs; [`MlpConfig::outputs`] must follow before it can be built.
    pub fn new(inputs: usize) -> Self {
        Self {
            inputs,
            hidden: Vec::new(),
            outputs: 0,
            activation: Activation::RELU,
            activations: None,
            output_activation: Activation::IDENTITY,
            norm: Norm::None,
            dropout: 0.0,
            input_dropout: 0.0,
            residual: false,
            residual_scale: None,
            bias: true,
            init: Init::TORCH_LINEAR,
        }
    }

    /// With hidden layers of these widths, from input to output.
    pub fn hidden(self, widths: &[usize]) -> Self {
        Self { hidden: widths.to_vec(), ..self }
    }

    /// With this many outputs.
    pub fn outputs(self, outputs: usize) -> Self {
        Self { outputs, ..self }
    }

    /// With this activation after every hidden layer.
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, activations: None, ..self }
    }

    /// With an activation of its own for each hidden layer.
    pub fn activations(self, activations: &[Activation]) -> Self {
        Self { activations: Some(activations.to_vec()), ..self }
    }

    /// With an activation after the output layer.
    pub fn output_activation(self, activation: Activation) -> Self {
        Self { output_activation: activation, ..self }
    }

    /// With a norm between product and activation of every hidden layer.
    pub fn norm(self, norm: Norm) -> Self {
        Self { norm, ..self }
    }

    /// With dropout of a share `p` after every hidden activation.
    pub fn dropout(self, p: f64) -> Self {
        Self { dropout: p, ..self }
    }

    /// With dropout of a share `p` of the inputs.
    pub fn input_dropout(self, p: f64) -> Self {
        Self { input_dropout: p, ..self }
    }

    /// With or without a way around every hidden layer that keeps the width.
    pub fn residual(self, residual: bool) -> Self {
        Self { residual, ..self }
    }

    /// With a way around every hidden layer that keeps the width, and a learned factor of its output that starts at `scale`: as
    /// [`crate::ResidualConfig::learned_scale`]. With 0 a network of any depth begins as one without these layers (SkipInit, ReZero).
    ///
    /// Zeros for the branch's last linear layer, as in [`crate::ResidualConfig::fixup`], would not do here: the activation ends the branch,
    /// and a ReLU at 0 passes no gradient.
    pub fn residual_scale(self, scale: f64) -> Self {
        Self { residual: true, residual_scale: Some(scale), ..self }
    }

    /// With or without biases.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// With weights from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }
}
