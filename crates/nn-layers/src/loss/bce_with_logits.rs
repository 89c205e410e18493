//! Binary cross-entropy on logits.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{Loss, NamedLoss, Target, TargetKind};
use crate::error::ConfigError;
use crate::options;

/// Binary cross-entropy on logits: `L = mean(max(z, 0) - z t + ln(1 + e^-|z|))` over all values, `dL/dz = (sigmoid(z) - t) / n`;
/// PyTorch's `BCEWithLogitsLoss`. Stable where a sigmoid followed by a logarithm is not.
///
/// # Shapes
/// Logits and targets, in `[0, 1]`, are `(batch, width)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BceWithLogits;

impl<T: Scalar> Loss<T> for BceWithLogits {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        g.bce_with_logits(output, target)
    }
}

impl NamedLoss for BceWithLogits {
    const NAME: &'static str = "bce_with_logits";
    const DOC: &'static str = "mean(max(z, 0) - z t + ln(1 + e^-|z|))";
    const SAMPLES: &'static [&'static str] = &["{}"];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Self, ConfigError> {
        options::none(&format!("loss `{}`", Self::NAME), options).map(|()| Self)
    }
}
