//! The table of losses.

use serde_json::{Map, Value};

use super::bce_with_logits::BceWithLogits;
use super::entry::{AnyLoss, LossEntry};
use super::gaussian_nll::GaussianNll;
use super::huber::Huber;
use super::kl_div::KlDiv;
use super::mae::Mae;
use super::mixed::Mixed;
use super::mse::Mse;
use super::negative_binomial::NegativeBinomial;
use super::poisson_nll::PoissonNll;
use super::smooth_l1::SmoothL1;
use super::softmax_cross_entropy::SoftmaxCrossEntropy;
use crate::error::ConfigError;
use crate::options;

/// All losses. A line here gives a loss its name in configurations, the laws and a place in the documentation.
pub fn table() -> &'static [&'static LossEntry] {
    static TABLE: &[&LossEntry] = &[
        &LossEntry::of::<Mse>(),
        &LossEntry::of::<Mae>(),
        &LossEntry::of::<Huber>(),
        &LossEntry::of::<SmoothL1>(),
        &LossEntry::of::<BceWithLogits>(),
        &LossEntry::of::<SoftmaxCrossEntropy>(),
        &LossEntry::of::<KlDiv>(),
        &LossEntry::of::<GaussianNll>(),
        &LossEntry::of::<PoissonNll>(),
        &LossEntry::of::<NegativeBinomial>(),
        &LossEntry::of::<Mixed>(),
    ];
    TABLE
}

/// The loss called `name`, with `options`.
///
/// # Errors
/// If no loss has that name, it has no such option, or a value is out of range.
pub fn parse(name: &str, options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
    match table().iter().find(|entry| entry.name == name) {
        Some(entry) => entry.build(options),
        None => Err(ConfigError::unknown_name("", "loss", name, table().iter().map(|e| e.name))),
    }
}

/// The loss described by `value`: a name or an object with `name`.
///
/// # Errors
/// As [`parse`].
pub fn from_value(value: &Value) -> Result<Box<dyn AnyLoss>, ConfigError> {
    let (name, options) = options::name_and_options("loss", value)?;
    parse(&name, &options)
}
