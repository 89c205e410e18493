//! Dropout: zeroes a share of the values in training and scales up the others.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::{Ending, Module};

/// Configuration of [`Dropout`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DropoutConfig {
    /// The share of values that is zeroed, in `[0, 1)`; by default 0.5.
    #[serde(default = "half")]
    pub p: f64,
}

fn half() -> f64 {
    0.5
}

impl DropoutConfig {
    /// Dropout of a share `p` of the values.
    pub fn new(p: f64) -> Self {
        Self { p }
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `p` is not in `[0, 1)`.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<Dropout, ConfigError> {
        Ok(Dropout { p: check::probability(scope.path(), "`p`", self.p)? })
    }
}

impl Default for DropoutConfig {
    fn default() -> Self {
        Self::new(half())
    }
}

/// Inverted dropout: in training `y = x m / (1 - p)` with `m` 0 with probability `p`, else 1; `dx = dy m / (1 - p)`.
/// In use `y = x`.
///
/// The mask depends on the graph's stream and on the place of the operation only, not on threads.
///
/// N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout", 2014.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    p: f64,
}

impl Dropout {
    /// The share of values that is zeroed.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// Its configuration.
    pub fn config(&self) -> DropoutConfig {
        DropoutConfig::new(self.p)
    }
}

impl<T: Scalar> Module<T> for Dropout {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.p == 0.0 { x } else { g.dropout(x, self.p) }
    }

    fn ending(&self) -> Option<Ending> {
        Some(Ending { dropout: self.p, ..Ending::NONE })
    }
}

impl BuildLayer for DropoutConfig {
    const NAME: &'static str = "dropout";
    const DOC: &'static str = "y = x m / (1 - p) in training, with a random mask m; y = x in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: "{}" },
        Sample { inputs: 15, options: "{}" },
        Sample { inputs: 17, options: r#"{"p": 0.2}"# },
    ];
    type Layer = Dropout;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(Dropout, usize), ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        Ok((self.build(scope)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { stochastic: self.p > 0.0, ..LayerTraits::PLAIN }
    }
}
