//! A linear layer that forgets some of its weights at each step of training.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use super::linear::{Linear, LinearConfig};
use super::{check, noise};
use crate::error::ConfigError;
use crate::init::Init;
use crate::module::Module;

/// Configuration of [`DropConnect`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DropConnectConfig {
    /// Width of the output.
    pub outputs: usize,
    /// The share of weights that is zeroed, in `[0, 1)`; by default 0.5.
    #[serde(default = "half")]
    pub p: f64,
    /// Whether it has a bias; by default yes.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Where the weights come from; by default [`Init::TORCH_LINEAR`].
    #[serde(default)]
    pub init: Init,
}

fn half() -> f64 {
    0.5
}

fn yes() -> bool {
    true
}

impl DropConnectConfig {
    /// A layer of `outputs` neurons without a share `p` of its weights at each step.
    pub fn new(outputs: usize, p: f64) -> Self {
        Self { outputs, p, bias: true, init: Init::default() }
    }

    /// With or without a bias.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Weights from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Registers `weight` and `bias` below `scope`.
    ///
    /// # Errors
    /// If a width is 0, the matrix is larger than any memory, or `p` is not in `[0, 1)`.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<DropConnect, ConfigError> {
        let p = check::probability(scope.path(), "`p`", self.p)?;
        let linear = LinearConfig::new(self.outputs).bias(self.bias).init(self.init).build(scope, inputs)?;
        Ok(DropConnect { linear, p })
    }
}

/// DropConnect: in training `y = x (w m) / (1 - p) + b` with `m` 0 with probability `p`, else 1, drawn anew for each step and the same
/// for all rows of the batch; in use `y = x w + b`.
///
/// The source draws a mask for each row, and in use samples a normal of the same mean and variance; one mask for a batch costs no more
/// than a linear layer, and the mean alone is the usual approximation.
///
/// # Gradient
/// `dw = (xᵀ dy) m / (1 - p)`, `db` the column sums of `dy`, `dx = dy (w m)ᵀ / (1 - p)`.
///
/// L. Wan, M. Zeiler, S. Zhang, Y. LeCun and R. Fergus, "Regularization of neural networks using DropConnect", 2013.
#[derive(Clone, Debug)]
pub struct DropConnect {
    linear: Linear,
    p: f64,
}

impl DropConnect {
    /// The layer with all its weights.
    pub fn linear(&self) -> &Linear {
        &self.linear
    }

    /// The share of weights that is zeroed.
    pub fn p(&self) -> f64 {
        self.p
    }
}

impl<T: Scalar> Module<T> for DropConnect {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.p == 0.0 || g.mode() == Mode::Eval {
            return self.linear.forward(g, x);
        }
        let w = g.param(self.linear.weight());
        let b = self.linear.bias().map(|b| g.param(b));
        let shape = g.shape(w);
        let m = noise::mask(g, shape, self.p, 1.0 / (1.0 - self.p));
        let w = g.mul(w, m);
        g.linear(x, w, b)
    }
}

impl BuildLayer for DropConnectConfig {
    const NAME: &'static str = "drop_connect";
    const DOC: &'static str =
        "y = x (w m) / (1 - p) + b in training, with a random mask m of the weights; y = x w + b in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 4, options: r#"{"outputs": 3}"# },
        Sample { inputs: 7, options: r#"{"outputs": 5, "p": 0.2, "bias": false, "init": "he_normal"}"# },
    ];
    type Layer = DropConnect;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(DropConnect, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, self.outputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { stochastic: self.p > 0.0, ..LayerTraits::PLAIN }
    }
}
