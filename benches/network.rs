//! The network and the optimizer that a workload's file describes.

use layerwise::nn::{
    Activation, ActivationConfig, BatchNormConfig, DropoutConfig, LayerConfig, LayerNormConfig, LinearConfig,
    ModelConfig, Norm, ResidualConfig, SequentialModelConfig,
};
use layerwise::optim::OptimizerConfig;
use serde_json::{Value, json};

use crate::workload::{Activations, Rule, Workload};

impl Workload {
    /// The network of the file.
    ///
    /// # Errors
    /// If an activation is unknown or their number does not fit.
    pub fn model(&self) -> Result<ModelConfig, String> {
        let hidden = &self.widths[1..self.widths.len() - 1];
        let acts = match &self.activation {
            Activations::One(name) => vec![activation(name)?; hidden.len()],
            Activations::Each(names) => names.iter().map(|n| activation(n)).collect::<Result<_, _>>()?,
        };
        if acts.len() != hidden.len() {
            return Err(format!("{} activations for {} hidden layers", acts.len(), hidden.len()));
        }
        let mut layers = Vec::new();
        if let Some(blocks) = &self.blocks {
            let act = activation(&blocks.activation)?;
            for _ in 0..blocks.count {
                let mut branch = Vec::from_iter(norm(blocks.norm));
                branch.push(LayerConfig::of(&LinearConfig::new(blocks.hidden)));
                branch.push(LayerConfig::of(&ActivationConfig::new(act)));
                branch.push(LayerConfig::of(&LinearConfig::new(self.widths[0])));
                layers.push(LayerConfig::of(&ResidualConfig::new(branch)));
            }
            layers.extend(norm(blocks.norm));
        }
        for (width, act) in hidden.iter().zip(acts) {
            layers.push(LayerConfig::of(&LinearConfig::new(*width).bias(self.norm == Norm::None)));
            layers.extend(norm(self.norm));
            layers.extend((!act.is_identity()).then(|| LayerConfig::of(&ActivationConfig::new(act))));
            layers.extend((self.dropout > 0.0).then(|| LayerConfig::of(&DropoutConfig::new(self.dropout))));
        }
        layers.push(LayerConfig::of(&LinearConfig::new(self.widths[self.widths.len() - 1])));
        let act = self.output_activation.as_deref().map_or(Ok(Activation::IDENTITY), activation)?;
        layers.extend((!act.is_identity()).then(|| LayerConfig::of(&ActivationConfig::new(act))));
        let mut model = SequentialModelConfig::new(self.widths[0]);
        model.layers = layers;
        Ok(ModelConfig::of(&model))
    }
}

impl Rule {
    /// The optimizer of the file.
    ///
    /// # Errors
    /// If there is no such rule.
    pub fn optimizer(&self) -> Result<OptimizerConfig, String> {
        let rule = match self.rule.as_str() {
            "sgd" => json!({"name": "sgd", "momentum": self.momentum}),
            _ if self.momentum != 0.0 => return Err(format!("momentum belongs to sgd, not to {}", self.rule)),
            "adam" | "adamw" | "rmsprop" => Value::from(self.rule.as_str()),
            other => return Err(format!("there is no rule `{other}`; choose sgd, adam, adamw or rmsprop")),
        };
        let clip = self.clip_norm.map_or(json!("none"), |norm| json!({"global_norm": norm}));
        let decay = self.weight_decay;
        // Other libraries decay biases and norms too.
        let all = json!({"rule": rule, "rate": self.rate, "clip": clip, "weight_decay": decay, "decay_on": "all"});
        serde_json::from_value(all).map_err(|e| format!("[optimizer]: {e}"))
    }
}

fn norm(norm: Norm) -> Option<LayerConfig> {
    match norm {
        Norm::Batch => Some(LayerConfig::of(&BatchNormConfig::new())),
        Norm::Layer => Some(LayerConfig::of(&LayerNormConfig::new())),
        _ => None,
    }
}

fn activation(name: &str) -> Result<Activation, String> {
    let name = if name == "none" { "identity" } else { name };
    Activation::from_value(&name.into()).map_err(|e| e.to_string())
}
