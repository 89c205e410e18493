//! The configuration of an autoencoder.

use layerwise_nn_layers::layer::BuildLayer;
use layerwise_nn_layers::{Activation, ConfigError, Init, LayerConfig, Mlp, MlpConfig, Norm};
use serde::{Deserialize, Serialize};

use crate::contraction::Contraction;
use crate::variational::{ValuesGiven, Variational};

/// Configuration of an [`Autoencoder`](crate::Autoencoder): what the methods set, a file may say under the same names.
///
/// The encoder is `inputs -> hidden.. -> code`, the decoder its mirror image. The presets of the [shelf](crate::model) are
/// [`AutoencoderConfig::bottleneck`], [`AutoencoderConfig::deep`], [`AutoencoderConfig::denoising`] and others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AutoencoderConfig {
    /// Width of the input, and of the output unless that has one of its own.
    pub inputs: usize,
    /// Width of the output, where it is not that of the input; then weights cannot be tied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<usize>,
    /// Widths of the encoder's hidden layers from the input to the code; the decoder has them in reverse.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// Width of the code.
    pub code: usize,
    /// Activation of the hidden layers; by default tanh.
    #[serde(default = "tanh")]
    pub activation: Activation,
    /// Activation of the code; by default none.
    #[serde(default = "identity")]
    pub code_activation: Activation,
    /// Activation of the output; by default none, for standardised features. Sigmoid fits values within `[0, 1]`.
    #[serde(default = "identity")]
    pub output_activation: Activation,
    /// The norm between product and activation of the hidden layers; by default none.
    #[serde(default)]
    pub norm: Norm,
    /// Share of the values dropped after each hidden activation in training; by default 0.
    #[serde(default)]
    pub dropout: f64,
    /// Where the weights come from; by default Glorot's uniform.
    #[serde(default = "glorot")]
    pub init: Init,
    /// Whether the decoder's weights are the transposes of the encoder's; by default no.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tied: bool,
    /// What is asked of the code: a layer of [`layerwise_nn_layers::layer::table`] that keeps its width, such as `activity`,
    /// `kl_sparsity` or `k_sparse`; by default nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<LayerConfig>,
    /// The penalty on the Jacobian of the encoder; by default none. It asks for an encoder without norm and dropout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contractive: Option<Contraction>,
    /// Whether the code is a distribution, and which one the values have; by default it is not. Then neither weights can be tied nor
    /// anything else be asked of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variational: Option<Variational>,
    /// What is done to the input in training, a layer of the shelf [`crate::corruption`]; by default nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corruption: Option<LayerConfig>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// A wider code is a mistake or an attack.
const WIDEST: usize = 1 << 36;

fn tanh() -> Activation {
    Activation::TANH
}

fn identity() -> Activation {
    Activation::IDENTITY
}

fn glorot() -> Init {
    Init::GLOROT_UNIFORM
}

impl AutoencoderConfig {
    /// `inputs -> code -> inputs`, with all defaults.
    pub fn new(inputs: usize, code: usize) -> Self {
        Self {
            inputs,
            outputs: None,
            hidden: Vec::new(),
            code,
            activation: tanh(),
            code_activation: identity(),
            output_activation: identity(),
            norm: Norm::None,
            dropout: 0.0,
            init: glorot(),
            tied: false,
            sparsity: None,
            contractive: None,
            variational: None,
            corruption: None,
        }
    }

    /// With an output of this width, for instance where the input tells besides which values are known.
    pub fn outputs(self, outputs: usize) -> Self {
        Self { outputs: (outputs != self.inputs).then_some(outputs), ..self }
    }

    /// With hidden layers of these widths in the encoder, mirrored in the decoder.
    pub fn hidden(self, widths: &[usize]) -> Self {
        Self { hidden: widths.to_vec(), ..self }
    }

    /// With this activation after every hidden layer.
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// With this activation of the code.
    pub fn code_activation(self, activation: Activation) -> Self {
        Self { code_activation: activation, ..self }
    }

    /// With this activation of the output.
    pub fn output_activation(self, activation: Activation) -> Self {
        Self { output_activation: activation, ..self }
    }

    /// With a norm in every hidden layer.
    pub fn norm(self, norm: Norm) -> Self {
        Self { norm, ..self }
    }

    /// With dropout of a share `p` after every hidden activation.
    pub fn dropout(self, p: f64) -> Self {
        Self { dropout: p, ..self }
    }

    /// With weights from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// With the encoder's weights, transposed, in the decoder, or without.
    pub fn tied(self, tied: bool) -> Self {
        Self { tied, ..self }
    }

    /// With this layer on the code.
    pub fn sparsity<C: BuildLayer>(self, layer: &C) -> Self {
        Self { sparsity: Some(LayerConfig::of(layer)), ..self }
    }

    /// With this penalty on the Jacobian of the encoder.
    pub fn contraction(self, contraction: Contraction) -> Self {
        Self { contractive: Some(contraction), ..self }
    }

    /// With this corruption of the input in training.
    pub fn corruption<C: BuildLayer>(self, corruption: &C) -> Self {
        Self { corruption: Some(LayerConfig::of(corruption)), ..self }
    }

    /// The encoder: `inputs -> hidden.. -> code`, or to mean and log-variance of each place of the code.
    pub(crate) fn encoder(&self) -> MlpConfig {
        let outputs = if self.variational.is_some() { 2 * self.code } else { self.code };
        self.half(self.inputs, self.hidden.clone(), outputs, self.code_activation)
    }

    /// Width of the output.
    pub(crate) fn output_width(&self) -> usize {
        self.outputs.unwrap_or(self.inputs)
    }

    /// The decoder: `code -> ..hidden -> outputs`.
    pub(crate) fn decoder(&self) -> MlpConfig {
        self.half(self.code, self.hidden.iter().rev().copied().collect(), self.output_width(), self.output_activation)
    }

    /// Refuses what the halves themselves would take.
    pub(crate) fn check(&self, path: &str) -> Result<(), ConfigError> {
        if !(1..=WIDEST).contains(&self.code) {
            let expected = format!("from 1 to {WIDEST}");
            return Err(ConfigError::bad_value(path, "`code`", expected, self.code, "give the code a width"));
        }
        if let Some(outputs) = self.outputs.filter(|outputs| self.tied && *outputs != self.inputs) {
            let expected = format!("{}, the width of the input, with tied weights", self.inputs);
            return Err(ConfigError::bad_value(path, "`outputs`", expected, outputs, "leave `tied` out"));
        }
        if let Some(kind) = &self.variational {
            kind.check(path)?;
            self.check_variational(kind, path)?;
        }
        let Some(contraction) = &self.contractive else { return Ok(()) };
        contraction.check(path)?;
        let refuse = |what: &str, expected: &str, found: String| {
            let remedy =
                "the Jacobian is that of linear layers and smooth activations: leave this out, or `contractive`";
            Err(ConfigError::bad_value(path, what, format!("{expected} in a contractive autoencoder"), found, remedy))
        };
        if self.norm != Norm::None {
            return refuse("`norm`", "none", format!("{:?}", self.norm));
        }
        if self.dropout != 0.0 {
            return refuse("`dropout`", "0", self.dropout.to_string());
        }
        let hidden = (!self.hidden.is_empty()).then_some(("`activation`", self.activation));
        for (what, activation) in hidden.into_iter().chain([("`code_activation`", self.code_activation)]) {
            if !activation.act().has_second() {
                return refuse(what, "one with a second derivative", activation.name().to_owned());
            }
        }
        Ok(())
    }

    /// Refuses what does not go with a code that is a distribution.
    fn check_variational(&self, kind: &Variational, path: &str) -> Result<(), ConfigError> {
        let refuse = |what: &str, expected: &str, found: &str| {
            let remedy = "leave it out, or `variational`";
            Err(ConfigError::bad_value(path, what, format!("{expected} in a variational autoencoder"), found, remedy))
        };
        if self.outputs.is_some() {
            return refuse("`outputs`", "none, for the bound compares every input with its output,", "a width");
        }
        if self.tied {
            return refuse("`tied`", "no", "yes");
        }
        if self.sparsity.is_some() {
            return refuse("`sparsity`", "nothing", "a layer");
        }
        if self.contractive.is_some() {
            return refuse("`contractive`", "nothing", "a penalty");
        }
        if !self.code_activation.is_identity() {
            return refuse("`code_activation`", "none", self.code_activation.name());
        }
        if kind.values == ValuesGiven::Bernoulli && !self.output_activation.is_identity() {
            return refuse("`output_activation`", "none, for the output are logits,", self.output_activation.name());
        }
        Ok(())
    }

    fn half(&self, inputs: usize, hidden: Vec<usize>, outputs: usize, last: Activation) -> MlpConfig {
        Mlp::builder(inputs)
            .hidden(&hidden)
            .outputs(outputs)
            .activation(self.activation)
            .output_activation(last)
            .norm(self.norm)
            .dropout(self.dropout)
            .init(self.init)
    }
}
