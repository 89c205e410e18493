//! Likelihood of values with a variance of their own.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options::{self, ArgSpec, Domain};

const OWNER: &str = "loss `gaussian_nll`";
const EPS: ArgSpec = ArgSpec { name: "eps", default: 1e-6, domain: Domain::Positive };

/// Negative log-likelihood of values `t` that are normal with mean `m` and variance `e^s`, both put out by the model:
/// `L = mean(s + (t - m)^2 e^-s) / 2`. The left half of the output is `m`, the right half `s`.
///
/// `dL/dm = (m - t) e^-s / n` and `dL/ds = (1 - (t - m)^2 e^-s) / (2 n)`. A variance below `eps` counts as `eps`, and then `dL/ds` is 0.
/// [`GaussianNll::full`] adds the constant `ln(2 pi) / 2`.
///
/// # Shapes
/// The output is `(batch, 2 width)`, the target `(batch, width)`.
///
/// # PyTorch
/// `GaussianNLLLoss` takes the variance itself; ours is its logarithm, which any output of a network can be. There the gradient
/// passes through the cut at `eps`.
///
/// D. A. Nix and A. S. Weigend, "Estimating the mean and variance of the target probability distribution", 1994.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNll {
    eps: f64,
    full: bool,
}

impl GaussianNll {
    /// Without the constant, with the default `eps` 1e-6.
    pub fn new() -> Self {
        Self { eps: EPS.default, full: false }
    }

    /// With or without the constant.
    pub fn full(self, full: bool) -> Self {
        Self { full, ..self }
    }

    /// With this smallest variance.
    ///
    /// # Errors
    /// If `eps` is not finite and above 0.
    pub fn eps(self, eps: f64) -> Result<Self, ConfigError> {
        Ok(Self { eps: options::number(OWNER, &EPS, eps)?, ..self })
    }
}

impl Default for GaussianNll {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Loss<T> for GaussianNll {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn outputs_per_target(&self) -> usize {
        2
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let t = target.values(Self::NAME, g);
        let ((rows, cols), (_, width)) = (g.shape(output), g.shape(t));
        let fits = g.shape(t) == (rows, width) && cols == 2 * width;
        g.require(
            fits,
            Self::NAME,
            &[output, t],
            "the output must be twice as wide as the target: means, log-variances",
        );
        let m = g.slice_cols(output, 0..width);
        let s = g.slice_cols(output, width..cols);
        let s = g.clamp(s, self.eps.ln(), f64::INFINITY);
        let d = g.sub(m, t);
        let squares = g.square(d);
        let precision = g.neg(s);
        let precision = g.exp(precision);
        let squares = g.mul(squares, precision);
        let terms = g.add(s, squares);
        let half = g.scale(terms, 0.5);
        Terms::new(if self.full { g.shift(half, 0.5 * std::f64::consts::TAU.ln()) } else { half })
    }
}

impl NamedLoss for GaussianNll {
    const NAME: &'static str = "gaussian_nll";
    const DOC: &'static str = "mean(s + (t - m)^2 e^-s) / 2, with means m and log-variances s side by side";
    const SAMPLES: &'static [&'static str] = &["{}", r#"{"full": true, "eps": 0.001}"#];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        let Options { eps, full } = options::from_map("", OWNER, options)?;
        Ok(Box::new(Self::new().full(full).eps(eps)?))
    }
}

/// As a configuration has them, unchecked.
#[derive(Deserialize)]
#[serde(default)]
struct Options {
    eps: f64,
    full: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { eps: EPS.default, full: false }
    }
}
