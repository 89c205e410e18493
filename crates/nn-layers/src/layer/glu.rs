//! Gated linear unit: one half of the features decides how much of the other passes.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::activation::Activation;
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`Glu`]; it has no options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GluConfig {}

impl GluConfig {
    /// The layer.
    pub fn new() -> Self {
        Self {}
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `inputs` is odd or 0.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<Glu, ConfigError> {
        Ok(Glu { half: check::half(scope.path(), inputs)? })
    }
}

/// Gated linear unit: `y = a s(b)` with the logistic `s`, where `a` is the left half of the features and `b` the right one.
///
/// # Shapes
/// `x` is `(batch, 2 n)`, `y` is `(batch, n)`: PyTorch's `GLU`, commonly after a linear layer of `2 n` outputs.
///
/// # Gradient
/// `da = dy s(b)`, `db = dy a s(b) (1 - s(b))`.
///
/// Y. N. Dauphin, A. Fan, M. Auli and D. Grangier, "Language modeling with gated convolutional networks", 2016, arXiv:1612.08083.
#[derive(Clone, Copy, Debug)]
pub struct Glu {
    half: usize,
}

impl Glu {
    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.half
    }
}

impl<T: Scalar> Module<T> for Glu {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let [a, b] = halves(g, GluConfig::NAME, x, self.half);
        let gate = g.activate(b, Activation::SIGMOID.act());
        g.mul(a, gate)
    }
}

/// The left and the right half of the columns.
pub(super) fn halves<T: Scalar>(g: &mut Graph<'_, T>, layer: &str, x: Var, half: usize) -> [Var; 2] {
    let fits = g.shape(x).1 == 2 * half;
    g.require(fits, layer, &[x], "the input has another width than the layer was built for");
    [g.slice_cols(x, 0..half), g.slice_cols(x, half..2 * half)]
}

impl BuildLayer for GluConfig {
    const NAME: &'static str = "glu";
    const DOC: &'static str = "y = a / (1 + e^-b) for the halves a and b of the features";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 30, options: "{}" },
        Sample { inputs: 34, options: "{}" },
        Sample { inputs: 2, options: "{}" },
    ];
    type Layer = Glu;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(Glu, usize), ConfigError> {
        let layer = self.build(scope, inputs)?;
        Ok((layer, layer.half))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
