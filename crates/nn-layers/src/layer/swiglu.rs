//! Gated linear unit whose gate is a swish.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use super::glu::halves;
use crate::activation::Activation;
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`SwiGlu`]; it has no options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SwiGluConfig {}

impl SwiGluConfig {
    /// The layer.
    pub fn new() -> Self {
        Self {}
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `inputs` is odd or 0.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<SwiGlu, ConfigError> {
        Ok(SwiGlu { half: check::half(scope.path(), inputs)? })
    }
}

/// Gated linear unit whose gate is a swish: `y = silu(a) b`, where `a` is the left half of the features and `b` the right one.
///
/// After a linear layer of `2 n` outputs without bias it is the hidden layer of the source; a linear layer that follows completes it.
/// [`super::Glu`] has its gate on the right, as PyTorch; here the gate is on the left, as where SwiGLU is in use.
///
/// # Shapes
/// `x` is `(batch, 2 n)`, `y` is `(batch, n)`.
///
/// # Gradient
/// `da = dy b silu'(a)`, `db = dy silu(a)`.
///
/// N. Shazeer, "GLU variants improve transformer", 2020, arXiv:2002.05202.
#[derive(Clone, Copy, Debug)]
pub struct SwiGlu {
    half: usize,
}

impl SwiGlu {
    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.half
    }
}

impl<T: Scalar> Module<T> for SwiGlu {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let [a, b] = halves(g, SwiGluConfig::NAME, x, self.half);
        let gate = g.activate(a, Activation::SILU.act());
        g.mul(gate, b)
    }
}

impl BuildLayer for SwiGluConfig {
    const NAME: &'static str = "swiglu";
    const DOC: &'static str = "y = a b / (1 + e^-a) for the halves a and b of the features";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 30, options: "{}" },
        Sample { inputs: 34, options: "{}" },
        Sample { inputs: 2, options: "{}" },
    ];
    type Layer = SwiGlu;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(SwiGlu, usize), ConfigError> {
        let layer = self.build(scope, inputs)?;
        Ok((layer, layer.half))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
