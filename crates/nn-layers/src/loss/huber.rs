//! Huber's loss.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::terms::{self, Per, Term};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options::{self, ArgSpec, Domain};

const OWNER: &str = "loss `huber`";
const DELTA: ArgSpec = ArgSpec { name: "delta", default: 1.0, domain: Domain::Positive };

/// Huber's loss: with `d = y - t`, the mean over all values of `d^2 / 2` where `|d| <= delta`, else `delta (|d| - delta / 2)`;
/// PyTorch's `HuberLoss`. `dL/dy = min(max(-delta, d), delta) / n`: squared near the target, absolute far from it.
///
/// # Shapes
/// Output and target are `(batch, width)`.
///
/// P. J. Huber, "Robust estimation of a location parameter", 1964.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Huber {
    delta: f64,
}

impl Huber {
    /// With this boundary between square and straight line.
    ///
    /// # Errors
    /// If `delta` is not finite and above 0.
    pub fn new(delta: f64) -> Result<Self, ConfigError> {
        Ok(Self { delta: options::number(OWNER, &DELTA, delta)? })
    }

    /// Where the square ends.
    pub fn delta(&self) -> f64 {
        self.delta
    }
}

impl Default for Huber {
    /// With `delta` 1.
    fn default() -> Self {
        Self { delta: DELTA.default }
    }
}

impl<T: Scalar> Loss<T> for Huber {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        terms::each::<Self, T>(g, [self.delta, 0.0], Per::Value, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::NAME, g);
        terms::mean::<Self, T>(g, [self.delta, 0.0], Per::Value, output, target)
    }
}

impl Term for Huber {
    const OP: &'static str = "huber";

    #[inline(always)]
    fn value<T: Scalar>([delta, _]: [T; 2], y: T, t: T) -> T {
        let (d, half) = ((y - t).abs(), T::of(0.5));
        if d <= delta { half * d * d } else { delta * (d - half * delta) }
    }

    #[inline(always)]
    fn d_output<T: Scalar>([delta, _]: [T; 2], y: T, t: T) -> T {
        let d = y - t;
        let d = if d > delta { delta } else { d };
        if d < -delta { -delta } else { d }
    }

    #[inline(always)]
    fn d_target<T: Scalar>(args: [T; 2], y: T, t: T) -> T {
        Self::d_output(args, t, y)
    }
}

impl NamedLoss for Huber {
    const NAME: &'static str = "huber";
    const DOC: &'static str = "mean of d^2 / 2 for |d| <= delta, else delta (|d| - delta / 2), with d = y - t";
    const SAMPLES: &'static [&'static str] = &["{}", r#"{"delta": 0.3}"#];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        let [delta, _] = options::read_numbers(OWNER, &[DELTA], options)?;
        Ok(Box::new(Self { delta }))
    }
}
