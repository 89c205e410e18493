//! The list of layers that a configuration stands for, as `torch.nn.Sequential` would hold it.

use super::config::{MlpConfig, Norm};
use crate::activation::Activation;
use crate::error::ConfigError;
use crate::layer::{
    ActivationConfig, BatchNormConfig, DropoutConfig, LayerConfig, LayerNormConfig, LinearConfig, ResidualConfig,
    depth, probability, width,
};

impl MlpConfig {
    /// The equivalent list of layers, in the form [`crate::layer::Sequential`] takes: the same names, the same function, nothing fused.
    ///
    /// # Errors
    /// As [`MlpConfig::build`].
    pub fn layers(&self) -> Result<Vec<LayerConfig>, ConfigError> {
        Ok(pieces(self, "")?.iter().map(Piece::to_layer).collect())
    }
}

/// One element of the list.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Linear(LinearConfig),
    BatchNorm(BatchNormConfig),
    LayerNorm(LayerNormConfig),
    Activation(Activation),
    Dropout(DropoutConfig),
    Residual(Vec<Piece>, Option<f64>),
}

impl Piece {
    pub(super) fn to_layer(&self) -> LayerConfig {
        match self {
            Self::Linear(config) => LayerConfig::of(config),
            Self::BatchNorm(config) => LayerConfig::of(config),
            Self::LayerNorm(config) => LayerConfig::of(config),
            Self::Activation(act) => LayerConfig::of(&ActivationConfig::new(*act)),
            Self::Dropout(config) => LayerConfig::of(config),
            Self::Residual(branch, scale) => {
                let block = ResidualConfig::new(branch.iter().map(Self::to_layer).collect());
                LayerConfig::of(&match scale {
                    Some(scale) => block.learned_scale(*scale),
                    None => block,
                })
            }
        }
    }
}

/// The elements in order: of each hidden layer linear, norm, activation, dropout, as far as there are any; then the output.
/// An identity and a dropout of nothing are no elements.
pub(super) fn pieces(config: &MlpConfig, path: &str) -> Result<Vec<Piece>, ConfigError> {
    check(config, path)?;
    let linear = |outputs| Piece::Linear(LinearConfig::new(outputs).bias(config.bias).init(config.init));
    let mut pieces = Vec::new();
    pieces.extend(dropout(config.input_dropout));
    let mut inputs = config.inputs;
    for (i, outputs) in config.hidden.iter().copied().enumerate() {
        let act = config.activations.as_ref().map_or(config.activation, |all| all[i]);
        let mut block = vec![linear(outputs)];
        match config.norm {
            Norm::None => {}
            Norm::Batch => block.push(Piece::BatchNorm(BatchNormConfig::new())),
            Norm::Layer => block.push(Piece::LayerNorm(LayerNormConfig::new())),
        }
        block.extend(activation(act));
        block.extend(dropout(config.dropout));
        if config.residual && inputs == outputs {
            pieces.push(Piece::Residual(block, config.residual_scale));
        } else {
            pieces.extend(block);
        }
        inputs = outputs;
    }
    pieces.push(linear(config.outputs));
    pieces.extend(activation(config.output_activation));
    Ok(pieces)
}

fn activation(act: Activation) -> Option<Piece> {
    (!act.is_identity()).then_some(Piece::Activation(act))
}

fn dropout(p: f64) -> Option<Piece> {
    (p > 0.0).then(|| Piece::Dropout(DropoutConfig::new(p)))
}

fn check(config: &MlpConfig, path: &str) -> Result<(), ConfigError> {
    width(path, "`inputs`", config.inputs)?;
    depth(path, "the number of `hidden` layers", config.hidden.len())?;
    for (i, hidden) in config.hidden.iter().enumerate() {
        width(path, &format!("`hidden[{i}]`"), *hidden)?;
    }
    width(path, "`outputs`", config.outputs)?;
    probability(path, "`dropout`", config.dropout)?;
    probability(path, "`input_dropout`", config.input_dropout)?;
    if let Some(scale) = config.residual_scale.filter(|scale| !(config.residual && scale.is_finite())) {
        let remedy = "leave it out, or set `residual`";
        return Err(ConfigError::bad_value(
            path,
            "`residual_scale`",
            "finite, and only with `residual`",
            scale,
            remedy,
        ));
    }
    match &config.activations {
        Some(all) if all.len() != config.hidden.len() => Err(ConfigError::bad_value(
            path,
            "the number of `activations`",
            format!("that of the hidden layers ({})", config.hidden.len()),
            all.len(),
            "give one for each hidden layer; the output has `output_activation`",
        )),
        _ => Ok(()),
    }
}
