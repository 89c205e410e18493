//! Cross-entropy of a softmax.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{Loss, NamedLoss, Target, TargetKind};
use crate::error::ConfigError;
use crate::options;

/// Cross-entropy of a softmax: `L = mean(ln sum_j e^(z_j) - z_label)` over the rows, `dL/dz = (softmax(z) - onehot(label)) / rows`;
/// PyTorch's `CrossEntropyLoss`.
///
/// # Shapes
/// Logits are `(batch, classes)`, one label below `classes` for each row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoftmaxCrossEntropy;

impl<T: Scalar> Loss<T> for SoftmaxCrossEntropy {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        g.softmax_cross_entropy(output, target.labels(Self::NAME))
    }
}

impl NamedLoss for SoftmaxCrossEntropy {
    const NAME: &'static str = "softmax_cross_entropy";
    const DOC: &'static str = "mean(ln sum_j e^(z_j) - z_label)";
    const SAMPLES: &'static [&'static str] = &["{}"];
    const TARGET: TargetKind = TargetKind::Labels;

    fn from_options(options: &Map<String, Value>) -> Result<Self, ConfigError> {
        options::none(&format!("loss `{}`", Self::NAME), options).map(|()| Self)
    }
}
