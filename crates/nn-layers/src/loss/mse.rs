//! Mean squared error.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options;

/// Mean squared error: `L = mean((y - t)^2)` over all values of the batch, `dL/dy = 2 (y - t) / n`; PyTorch's `MSELoss`.
///
/// # Shapes
/// Output and target are `(batch, width)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mse;

impl<T: Scalar> Loss<T> for Mse {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        let d = g.sub(output, target);
        Terms::new(g.square(d))
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        g.mse(output, target)
    }
}

impl NamedLoss for Mse {
    const NAME: &'static str = "mse";
    const DOC: &'static str = "mean((y - t)^2)";
    const SAMPLES: &'static [&'static str] = &["{}"];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        options::none("loss `mse`", options)?;
        Ok(Box::new(Self))
    }
}
