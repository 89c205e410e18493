//! Mean absolute error.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::terms::{self, Per, Term};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options;

/// Mean absolute error: `L = mean(|y - t|)` over all values of the batch, `dL/dy = sign(y - t) / n`, 0 where they are equal;
/// PyTorch's `L1Loss`. Its optimum is the median, so that a few wild values weigh little.
///
/// # Shapes
/// Output and target are `(batch, width)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mae;

impl<T: Scalar> Loss<T> for Mae {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        terms::each::<Self, T>(g, [0.0; 2], Per::Value, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        terms::mean::<Self, T>(g, [0.0; 2], Per::Value, output, target)
    }
}

impl Term for Mae {
    const OP: &'static str = "mae";

    #[inline(always)]
    fn value<T: Scalar>(_: [T; 2], y: T, t: T) -> T {
        (y - t).abs()
    }

    #[inline(always)]
    fn d_output<T: Scalar>(_: [T; 2], y: T, t: T) -> T {
        let below = if y < t { -T::one() } else { T::zero() };
        if y > t { T::one() } else { below }
    }

    #[inline(always)]
    fn d_target<T: Scalar>(args: [T; 2], y: T, t: T) -> T {
        Self::d_output(args, t, y)
    }
}

impl NamedLoss for Mae {
    const NAME: &'static str = "mae";
    const DOC: &'static str = "mean(|y - t|)";
    const SAMPLES: &'static [&'static str] = &["{}"];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        options::none("loss `mae`", options)?;
        Ok(Box::new(Self))
    }
}
