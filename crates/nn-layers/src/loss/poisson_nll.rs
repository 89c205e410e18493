//! Likelihood of counts.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, math};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::terms::{self, Per, Term};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options::{self, Args};

/// Negative log-likelihood of counts `t` that are Poisson with rate `e^y`: `L = mean(e^y - t y)` over all values,
/// `dL/dy = (e^y - t) / n`; PyTorch's `PoissonNLLLoss` with its default `log_input=True`.
///
/// [`PoissonNll::full`] adds what does not depend on the output, by Stirling's formula: `t ln t - t + ln(2 pi t) / 2` for `t > 1`.
///
/// # Shapes
/// Output and target are `(batch, width)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoissonNll {
    full: bool,
}

impl PoissonNll {
    /// Without the part that does not depend on the output.
    pub fn new() -> Self {
        Self { full: false }
    }

    /// With all parts.
    pub fn full() -> Self {
        Self { full: true }
    }

    fn args(self) -> Args {
        [if self.full { 1.0 } else { 0.0 }, 0.0]
    }
}

impl<T: Scalar> Loss<T> for PoissonNll {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        terms::each::<Self, T>(g, self.args(), Per::Value, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        terms::mean::<Self, T>(g, self.args(), Per::Value, output, target)
    }
}

impl Term for PoissonNll {
    const OP: &'static str = "poisson_nll";

    #[inline(always)]
    fn value<T: Scalar>([full, _]: [T; 2], y: T, t: T) -> T {
        let log = math::log(t);
        let stirling = t * log - t + T::of(0.5) * (T::of(std::f64::consts::TAU.ln()) + log);
        let rest = if full * t > T::one() { stirling } else { T::zero() };
        math::exp(y) - t * y + rest
    }

    #[inline(always)]
    fn d_output<T: Scalar>(_: [T; 2], y: T, t: T) -> T {
        math::exp(y) - t
    }

    #[inline(always)]
    fn d_target<T: Scalar>([full, _]: [T; 2], y: T, t: T) -> T {
        let rest = if full * t > T::one() { math::log(t) + T::of(0.5) / t } else { T::zero() };
        rest - y
    }
}

impl NamedLoss for PoissonNll {
    const NAME: &'static str = "poisson_nll";
    const DOC: &'static str = "mean(e^y - t y)";
    const SAMPLES: &'static [&'static str] = &["{}", r#"{"full": true}"#];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        Ok(Box::new(options::from_map::<Self>("", "loss `poisson_nll`", options)?))
    }
}
