//! Normal noise on the features, in training.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use super::{check, noise};
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`GaussianNoise`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GaussianNoiseConfig {
    /// Standard deviation of the noise.
    pub std: f64,
}

impl GaussianNoiseConfig {
    /// Noise of this standard deviation.
    pub fn new(std: f64) -> Self {
        Self { std }
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `std` is not finite and at least 0.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<GaussianNoise, ConfigError> {
        Ok(GaussianNoise { std: check::deviation(scope.path(), self.std)? })
    }
}

/// Additive noise: in training `y = x + std n` with standard normal `n`, in use `y = x`; `dx = dy`.
///
/// For small noise it acts as a penalty on the slope of what follows: C. M. Bishop, "Training with noise is equivalent to Tikhonov
/// regularization", 1995.
#[derive(Clone, Copy, Debug)]
pub struct GaussianNoise {
    std: f64,
}

impl GaussianNoise {
    /// Standard deviation of the noise.
    pub fn std(&self) -> f64 {
        self.std
    }
}

impl<T: Scalar> Module<T> for GaussianNoise {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.std == 0.0 || g.mode() == Mode::Eval {
            return x;
        }
        let std = T::of(self.std);
        let shape = g.shape(x);
        let n = noise::normal(g, shape, |n| std * n);
        g.add(x, n)
    }
}

impl BuildLayer for GaussianNoiseConfig {
    const NAME: &'static str = "gaussian_noise";
    const DOC: &'static str = "y = x + std n in training, with standard normal n; y = x in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 15, options: r#"{"std": 0.3}"# },
        Sample { inputs: 17, options: r#"{"std": 0.1}"# },
        Sample { inputs: 1, options: r#"{"std": 2.0}"# },
    ];
    type Layer = GaussianNoise;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        _: &Shelf,
    ) -> Result<(GaussianNoise, usize), ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        Ok((self.build(scope)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { stochastic: self.std > 0.0, ..LayerTraits::PLAIN }
    }
}
