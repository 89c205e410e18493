//! What a doctor says: a named finding with its evidence and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// A feature has one value, not 0, in all rows: it is a second bias.
    ConstantColumn,
    /// A feature is far larger than 1, or all of them are far smaller.
    UnscaledInputs,
    /// All rows have the same target.
    LabelsConstant,
    /// The weights are so small that signals die on their way.
    InitTooSmall,
    /// The weights are so large that signals grow or activations saturate.
    InitTooLarge,
    /// Batch norm takes its statistics from a handful of rows.
    BatchNormTinyBatch,
    /// Most outputs of a layer have the slope 0 on every row.
    DeadUnits,
    /// Most values of a layer lie where a bounded activation is flat.
    Saturated,
    /// Before the first step gradients shrink from the output to the first layer.
    VanishingGradients,
    /// Before the first step gradients grow from the output to the first layer.
    ExplodingGradients,
    /// Steps change the weights by too much, or the loss rises.
    RateTooHigh,
    /// Steps hardly change the weights.
    RateTooLow,
    /// The loss stopped being a number, and not by growing.
    Diverged,
    /// The model tells the targets of its training rows no better than targets of other rows.
    NoLearning,
    /// The validation loss rises while the training loss falls.
    Overfitting,
}

impl Code {
    /// All of them.
    pub const ALL: &'static [Code] = &[
        Self::ConstantColumn,
        Self::UnscaledInputs,
        Self::LabelsConstant,
        Self::InitTooSmall,
        Self::InitTooLarge,
        Self::BatchNormTinyBatch,
        Self::DeadUnits,
        Self::Saturated,
        Self::VanishingGradients,
        Self::ExplodingGradients,
        Self::RateTooHigh,
        Self::RateTooLow,
        Self::Diverged,
        Self::NoLearning,
        Self::Overfitting,
    ];

    /// Its name in records, such as `dead_units`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConstantColumn => "constant_column",
            Self::UnscaledInputs => "unscaled_inputs",
            Self::LabelsConstant => "labels_constant",
            Self::InitTooSmall => "init_too_small",
            Self::InitTooLarge => "init_too_large",
            Self::BatchNormTinyBatch => "batch_norm_tiny_batch",
            Self::DeadUnits => "dead_units",
            Self::Saturated => "saturated",
            Self::VanishingGradients => "vanishing_gradients",
            Self::ExplodingGradients => "exploding_gradients",
            Self::RateTooHigh => "rate_too_high",
            Self::RateTooLow => "rate_too_low",
            Self::Diverged => "diverged",
            Self::NoLearning => "no_learning",
            Self::Overfitting => "overfitting",
        }
    }

    /// What usually helps.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::ConstantColumn => "leave the column out: it tells rows apart by nothing",
            Self::UnscaledInputs => "standardise the features with a `Scaler` fitted to the training rows",
            Self::LabelsConstant => "look at how the targets were read: there is nothing to learn from one value",
            Self::InitTooSmall => {
                "draw the weights by the activation that follows: `Init::HE_NORMAL` for ReLU, `Init::GLOROT_UNIFORM` for tanh, \
                 `Init::LECUN_NORMAL` for SELU"
            }
            Self::InitTooLarge => {
                "draw the weights with a variance of about 1 / inputs (2 / inputs for ReLU): `Init::HE_NORMAL`, \
                 `Init::GLOROT_UNIFORM` or `Init::LECUN_NORMAL`"
            }
            Self::BatchNormTinyBatch => "train with batches of 16 rows or more, or use `Norm::Layer`",
            Self::DeadUnits => "start the biases at 0, lower the rate, or use a leaky activation",
            Self::Saturated => {
                "start the biases at 0, scale the features, lower the rate, or use an activation without bounds"
            }
            Self::VanishingGradients => {
                "use an initializer made for the activation (`Init::for_activation`), a ReLU-like activation instead of a sigmoid, \
                 residual blocks or a norm"
            }
            Self::ExplodingGradients => {
                "use residual blocks, smaller weights, fewer layers, or clip: `Clip::GlobalNorm(1.0)`"
            }
            Self::RateTooHigh => "divide the rate by ten, or find one by `rate_range`",
            Self::RateTooLow => "multiply the rate by ten, or find one by `rate_range`",
            Self::Diverged => "look at the row and the layer that are named; fill in missing values, or train in f64",
            Self::NoLearning => {
                "check that features and targets belong together, that parameters are not frozen, and try a larger model"
            }
            Self::Overfitting => {
                "stop early (`EarlyStopping`), add dropout or weight decay, use a smaller model, or bring more rows"
            }
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Its name.
    pub code: Code,
    /// Where: a layer, a parameter, a feature; empty for the run as a whole.
    pub place: String,
    /// The numbers it rests on, each with what it is.
    pub evidence: Vec<(String, f64)>,
    /// What usually helps.
    pub remedy: String,
}

impl Finding {
    /// A finding at `place` with its numbers.
    pub(crate) fn new(code: Code, place: impl Into<String>, evidence: &[(&str, f64)]) -> Self {
        let evidence = evidence.iter().map(|(what, value)| ((*what).to_owned(), *value)).collect();
        Self { code, place: place.into(), evidence, remedy: code.remedy().to_owned() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.place.is_empty() {
            write!(f, " at {}", self.place)?;
        }
        for (i, (what, value)) in self.evidence.iter().enumerate() {
            write!(f, "{} {what} {value:.3e}", if i == 0 { ":" } else { "," })?;
        }
        write!(f, ". {}", self.remedy)
    }
}
