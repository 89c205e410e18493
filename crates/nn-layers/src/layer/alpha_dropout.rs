//! Dropout for self-normalising networks.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use super::{check, noise};
use crate::error::ConfigError;
use crate::module::Module;

/// What SELU tends to for very negative inputs, with the sign changed.
const ALPHA: f64 = 1.758_099_340_847_376_6;

/// Configuration of [`AlphaDropout`]; the default is that of `torch.nn.AlphaDropout`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AlphaDropoutConfig {
    /// The share of values that is replaced, in `[0, 1)`; by default 0.5, while 0.05 to 0.1 is usual.
    pub p: f64,
}

impl Default for AlphaDropoutConfig {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl AlphaDropoutConfig {
    /// Replaces a share `p` of the values.
    pub fn new(p: f64) -> Self {
        Self { p }
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `p` is not in `[0, 1)`.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<AlphaDropout, ConfigError> {
        Ok(AlphaDropout { p: check::probability(scope.path(), "`p`", self.p)? })
    }
}

/// Alpha dropout: in training a value is kept with probability `1 - p`, else replaced by `-alpha`, SELU's lower limit, 1.758; then
/// `y = a v + b` with `a = ((1 - p) (1 + p alpha^2))^(-1/2)` and `b = a p alpha`. Values of mean 0 and variance 1 stay so.
/// In use `y = x`. Gradient: `dx = a dy` where the value was kept, else 0.
///
/// G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, "Self-normalizing neural networks", 2017, arXiv:1706.02515.
#[derive(Clone, Copy, Debug)]
pub struct AlphaDropout {
    p: f64,
}

impl AlphaDropout {
    /// The share of values that is replaced.
    pub fn p(&self) -> f64 {
        self.p
    }
}

impl<T: Scalar> Module<T> for AlphaDropout {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.p == 0.0 || g.mode() == Mode::Eval {
            return x;
        }
        let keep = 1.0 - self.p;
        let a = 1.0 / (keep * (1.0 + self.p * ALPHA * ALPHA)).sqrt();
        // (x + alpha) a m - alpha a (1 - p): a x + b where m is 1, -a alpha + b where it is 0.
        let shape = g.shape(x);
        let m = noise::mask(g, shape, self.p, a);
        let shifted = g.shift(x, ALPHA);
        let masked = g.mul(shifted, m);
        g.shift(masked, -ALPHA * a * keep)
    }
}

impl BuildLayer for AlphaDropoutConfig {
    const NAME: &'static str = "alpha_dropout";
    const DOC: &'static str =
        "SELU's dropout: a share p becomes -1.758.., then all are scaled and shifted; y = x in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: "{}" },
        Sample { inputs: 15, options: "{}" },
        Sample { inputs: 17, options: r#"{"p": 0.1}"# },
    ];
    type Layer = AlphaDropout;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        _: &Shelf,
    ) -> Result<(AlphaDropout, usize), ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        Ok((self.build(scope)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { stochastic: self.p > 0.0, ..LayerTraits::PLAIN }
    }
}
