//! Dropout's mean and variance from normal factors.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use super::{check, noise};
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`GaussianDropout`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct GaussianDropoutConfig {
    /// The share that dropout of the same strength would drop, in `[0, 1)`; by default 0.5.
    pub p: f64,
}

impl Default for GaussianDropoutConfig {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl GaussianDropoutConfig {
    /// As strong as dropout of a share `p`.
    pub fn new(p: f64) -> Self {
        Self { p }
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `p` is not in `[0, 1)`.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<GaussianDropout, ConfigError> {
        Ok(GaussianDropout { p: check::probability(scope.path(), "`p`", self.p)? })
    }
}

/// Gaussian dropout: in training `y = x u` with `u` normal of mean 1 and variance `p / (1 - p)`, the moments of an inverted dropout's
/// mask; `dx = dy u`. In use `y = x`.
///
/// N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout", 2014, section 10.
#[derive(Clone, Copy, Debug)]
pub struct GaussianDropout {
    p: f64,
}

impl GaussianDropout {
    /// The share that dropout of the same strength would drop.
    pub fn p(&self) -> f64 {
        self.p
    }
}

impl<T: Scalar> Module<T> for GaussianDropout {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.p == 0.0 || g.mode() == Mode::Eval {
            return x;
        }
        let std = T::of((self.p / (1.0 - self.p)).sqrt());
        let shape = g.shape(x);
        let u = noise::normal(g, shape, |n| T::one() + std * n);
        g.mul(x, u)
    }
}

impl BuildLayer for GaussianDropoutConfig {
    const NAME: &'static str = "gaussian_dropout";
    const DOC: &'static str = "y = x u in training, u normal with mean 1 and variance p / (1 - p); y = x in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: "{}" },
        Sample { inputs: 15, options: "{}" },
        Sample { inputs: 17, options: r#"{"p": 0.2}"# },
    ];
    type Layer = GaussianDropout;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        _: &Shelf,
    ) -> Result<(GaussianDropout, usize), ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        Ok((self.build(scope)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { stochastic: self.p > 0.0, ..LayerTraits::PLAIN }
    }
}
