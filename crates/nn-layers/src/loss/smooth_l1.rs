//! The absolute error with a rounded tip.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::terms::{self, Per, Term};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options::{self, ArgSpec, Domain};

const OWNER: &str = "loss `smooth_l1`";
const BETA: ArgSpec = ArgSpec { name: "beta", default: 1.0, domain: Domain::Positive };

/// The absolute error with a rounded tip: with `d = y - t`, the mean over all values of `d^2 / (2 beta)` where `|d| < beta`, else
/// `|d| - beta / 2`; PyTorch's `SmoothL1Loss`. `dL/dy = min(max(-1, d / beta), 1) / n`: [`super::Huber`]'s loss divided by `beta`.
///
/// # Shapes
/// Output and target are `(batch, width)`.
///
/// R. Girshick, "Fast R-CNN", 2015, arXiv:1504.08083.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothL1 {
    beta: f64,
}

impl SmoothL1 {
    /// With this boundary between tip and straight line; for 0, which PyTorch allows, use [`super::Mae`].
    ///
    /// # Errors
    /// If `beta` is not finite and above 0.
    pub fn new(beta: f64) -> Result<Self, ConfigError> {
        Ok(Self { beta: options::number(OWNER, &BETA, beta)? })
    }

    /// Where the tip ends.
    pub fn beta(&self) -> f64 {
        self.beta
    }
}

impl Default for SmoothL1 {
    /// With `beta` 1.
    fn default() -> Self {
        Self { beta: BETA.default }
    }
}

impl<T: Scalar> Loss<T> for SmoothL1 {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        terms::each::<Self, T>(g, [self.beta, 0.0], Per::Value, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        terms::mean::<Self, T>(g, [self.beta, 0.0], Per::Value, output, target)
    }
}

impl Term for SmoothL1 {
    const OP: &'static str = "smooth_l1";

    #[inline(always)]
    fn value<T: Scalar>([beta, _]: [T; 2], y: T, t: T) -> T {
        let (d, half) = ((y - t).abs(), T::of(0.5));
        if d < beta { half * d * d / beta } else { d - half * beta }
    }

    #[inline(always)]
    fn d_output<T: Scalar>([beta, _]: [T; 2], y: T, t: T) -> T {
        let d = (y - t) / beta;
        let d = if d > T::one() { T::one() } else { d };
        if d < -T::one() { -T::one() } else { d }
    }

    #[inline(always)]
    fn d_target<T: Scalar>(args: [T; 2], y: T, t: T) -> T {
        Self::d_output(args, t, y)
    }
}

impl NamedLoss for SmoothL1 {
    const NAME: &'static str = "smooth_l1";
    const DOC: &'static str = "mean of d^2 / (2 beta) for |d| < beta, else |d| - beta / 2, with d = y - t";
    const SAMPLES: &'static [&'static str] = &["{}", r#"{"beta": 0.3}"#];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        let [beta, _] = options::read_numbers(OWNER, &[BETA], options)?;
        Ok(Box::new(Self { beta }))
    }
}
