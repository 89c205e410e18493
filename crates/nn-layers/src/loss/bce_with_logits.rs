//! Binary cross-entropy on logits.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::weighted_bce::{POS_WEIGHT, WeightedBceWithLogits};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options;

/// Binary cross-entropy on logits: `L = mean(max(z, 0) - z t + ln(1 + e^-|z|))` over all values, `dL/dz = (sigmoid(z) - t) / n`;
/// PyTorch's `BCEWithLogitsLoss`. Stable where a sigmoid followed by a logarithm is not.
///
/// # Shapes
/// Logits and targets, in `[0, 1]`, are `(batch, width)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BceWithLogits;

impl BceWithLogits {
    /// The same with the part of the positives weighted, for instance by negatives / positives where these are rare.
    ///
    /// # Errors
    /// If `weight` is not finite and at least 0.
    pub fn pos_weight(self, weight: f64) -> Result<WeightedBceWithLogits, ConfigError> {
        WeightedBceWithLogits::new(weight)
    }
}

impl<T: Scalar> Loss<T> for BceWithLogits {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        WeightedBceWithLogits::PLAIN.terms(g, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        g.bce_with_logits(output, target)
    }
}

impl NamedLoss for BceWithLogits {
    const NAME: &'static str = "bce_with_logits";
    const DOC: &'static str = "mean(max(z, 0) - z t + ln(1 + e^-|z|)); option pos_weight";
    const SAMPLES: &'static [&'static str] = &["{}", r#"{"pos_weight": 2.5}"#];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        let [weight, _] = options::read_numbers("loss `bce_with_logits`", &[POS_WEIGHT], options)?;
        if weight == 1.0 { Ok(Box::new(Self)) } else { Ok(Box::new(WeightedBceWithLogits::new(weight)?)) }
    }
}
