//! Cross-entropy of a softmax.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::weighted_cross_entropy::WeightedSoftmaxCrossEntropy;
use super::weights::Terms;
use crate::error::ConfigError;

/// Cross-entropy of a softmax: `L = mean(ln sum_j e^(z_j) - z_label)` over the rows, `dL/dz = (softmax(z) - onehot(label)) / rows`;
/// PyTorch's `CrossEntropyLoss`.
///
/// # Shapes
/// Logits are `(batch, classes)`, one label below `classes` for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoftmaxCrossEntropy;

impl SoftmaxCrossEntropy {
    /// The same with a weight for each class, for instance the inverse of its frequency.
    ///
    /// # Errors
    /// If there is no weight, or one is not finite and at least 0.
    pub fn class_weights(self, weights: &[f64]) -> Result<WeightedSoftmaxCrossEntropy, ConfigError> {
        WeightedSoftmaxCrossEntropy::new().class_weights(weights)
    }

    /// The same with a share of each label spread evenly over all classes.
    ///
    /// # Errors
    /// If `share` is not in `[0, 1]`.
    pub fn label_smoothing(self, share: f64) -> Result<WeightedSoftmaxCrossEntropy, ConfigError> {
        WeightedSoftmaxCrossEntropy::new().label_smoothing(share)
    }
}

impl<T: Scalar> Loss<T> for SoftmaxCrossEntropy {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let labels = target.labels(Self::NAME);
        let log_p = g.log_softmax(output);
        let log_p = g.gather_cols(log_p, labels);
        Terms::new(g.neg(log_p))
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        g.softmax_cross_entropy(output, target.labels(Self::NAME))
    }
}

impl NamedLoss for SoftmaxCrossEntropy {
    const NAME: &'static str = "softmax_cross_entropy";
    const DOC: &'static str = "mean(ln sum_j e^(z_j) - z_label); options class_weights and label_smoothing";
    const SAMPLES: &'static [&'static str] = &[
        "{}",
        r#"{"label_smoothing": 0.1}"#,
        r#"{"class_weights": [0.5, 2.0, 1.0]}"#,
        r#"{"class_weights": [0.0, 3.0], "label_smoothing": 0.3}"#,
    ];
    const TARGET: TargetKind = TargetKind::Labels;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        let weighted = WeightedSoftmaxCrossEntropy::from_options(options)?;
        if weighted == WeightedSoftmaxCrossEntropy::new() { Ok(Box::new(Self)) } else { Ok(Box::new(weighted)) }
    }
}
