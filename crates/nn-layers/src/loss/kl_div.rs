//! Divergence between distributions.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, math};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::terms::{self, Per, Term};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options;

/// Kullback and Leibler's divergence of the target probabilities from the output, `L = sum t (ln t - y) / rows`, where `y` are
/// log-probabilities; a `t` of 0 adds 0. `dL/dy = -t / rows`.
///
/// With [`KlDiv::of_logits`] the output are logits, of which the logarithm of the softmax is taken first:
/// then `dL/dz = (softmax(z) sum_j t_j - t) / rows`. This is how a network learns from soft labels, such as another network's.
///
/// # Shapes
/// Output and target are `(batch, classes)`; each row of the target is a distribution.
///
/// # PyTorch
/// `KLDivLoss(reduction="batchmean")`. Its default `"mean"` divides by the number of values, which is no divergence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KlDiv {
    logits: bool,
}

impl KlDiv {
    /// For an output of log-probabilities.
    pub fn new() -> Self {
        Self { logits: false }
    }

    /// For an output of logits.
    pub fn of_logits() -> Self {
        Self { logits: true }
    }
}

impl<T: Scalar> Loss<T> for KlDiv {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        let y = if self.logits { g.log_softmax(output) } else { output };
        terms::each::<Self, T>(g, [0.0; 2], Per::Row, y, target)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        let y = if self.logits { g.log_softmax(output) } else { output };
        terms::mean::<Self, T>(g, [0.0; 2], Per::Row, y, target)
    }
}

impl Term for KlDiv {
    const OP: &'static str = "kl_div";

    #[inline(always)]
    fn value<T: Scalar>(_: [T; 2], y: T, t: T) -> T {
        let entropy = if t == T::zero() { T::zero() } else { t * math::log(t) };
        entropy - t * y
    }

    #[inline(always)]
    fn d_output<T: Scalar>(_: [T; 2], _: T, t: T) -> T {
        -t
    }

    #[inline(always)]
    fn d_target<T: Scalar>(_: [T; 2], y: T, t: T) -> T {
        let entropy = if t == T::zero() { T::zero() } else { math::log(t) + T::one() };
        entropy - y
    }
}

impl NamedLoss for KlDiv {
    const NAME: &'static str = "kl_div";
    const DOC: &'static str = "sum of t (ln t - y) by row, mean over the rows, y log-probabilities or logits";
    const SAMPLES: &'static [&'static str] = &["{}", r#"{"logits": true}"#];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        Ok(Box::new(options::from_map::<Self>("", "loss `kl_div`", options)?))
    }
}
