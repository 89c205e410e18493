//! A residual block: a branch beside the straight way.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Constant, Mode, ParamId, ParamKind, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::entry::{BuildLayer, LayerConfig, LayerTraits, Sample, Shelf};
use super::linear::LinearConfig;
use super::sequential::{Sequential, SequentialConfig};
use super::{check, noise};
use crate::error::ConfigError;
use crate::init::Init;
use crate::module::{AnyModule, Module};

/// Configuration of [`Residual`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResidualConfig {
    /// The layers of the branch in order.
    pub layers: Vec<LayerConfig>,
    /// The layers behind the sum, such as the norm of a post-norm block; by default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<LayerConfig>,
    /// What the branch is multiplied by; by default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub scale: f64,
    /// Whether `scale` is only the first value of a learned one; by default no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learned_scale: bool,
    /// The share of rows that skip the branch in training, in `[0, 1)`; by default 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: f64,
}

fn one() -> f64 {
    1.0
}

fn is_one(scale: &f64) -> bool {
    *scale == 1.0
}

fn is_zero(skip: &f64) -> bool {
    *skip == 0.0
}

impl Default for ResidualConfig {
    fn default() -> Self {
        Self { layers: Vec::new(), after: Vec::new(), scale: one(), learned_scale: false, skip: 0.0 }
    }
}

impl ResidualConfig {
    /// A block whose branch has these layers.
    pub fn new(layers: Vec<LayerConfig>) -> Self {
        Self { layers, ..Self::default() }
    }

    /// With the branch multiplied by `scale`, for instance `1 / sqrt(blocks)`.
    pub fn scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// With the branch multiplied by a learned number, at first `scale`; 0 makes the block begin as `y = x` (ReZero, SkipInit).
    pub fn learned_scale(self, scale: f64) -> Self {
        Self { scale, learned_scale: true, ..self }
    }

    /// With a share of the rows that skip the branch in training (stochastic depth).
    pub fn skip(self, skip: f64) -> Self {
        Self { skip, ..self }
    }

    /// One more layer at the end of the branch.
    pub fn then<C: BuildLayer>(mut self, config: &C) -> Self {
        self.layers.push(LayerConfig::of(config));
        self
    }

    /// One more layer behind the sum.
    pub fn after<C: BuildLayer>(mut self, config: &C) -> Self {
        self.after.push(LayerConfig::of(config));
        self
    }

    /// Fixup: the first weights with which a network of so many residual `blocks` trains without norms. Of the `m` layers called `linear`
    /// in the branch
    /// - the last starts at zero, so that the block begins as `y = x`;
    /// - the others start with weights `blocks^(-1 / (2 m - 2))` times as large as their `init` says ([`Init::scaled`]), where
    ///   [`Init::TORCH_LINEAR`], which is small already, gives way to [`Init::HE_NORMAL`]. So the change of the network's output that a
    ///   step makes does not grow with its depth;
    ///
    /// and the branch gets a learned scale that starts at 1. The source also has scalar biases before each linear layer and each
    /// activation, starting at zero; here the biases of the linear layers, which start at zero under these initializers, stand for them.
    /// It lets the network's last layer start at zero too: give that one [`Init::ZEROS`].
    ///
    /// An activation behind the last linear layer whose slope at 0 is 0, as ReLU, would keep such a branch at zero for ever: let the
    /// branch end with the linear layer.
    ///
    /// ```
    /// use layerwise_nn_layers::{Activation, ActivationConfig, LinearConfig, ResidualConfig};
    ///
    /// let block = ResidualConfig::default()
    ///     .then(&LinearConfig::new(64))
    ///     .then(&ActivationConfig::new(Activation::RELU))
    ///     .then(&LinearConfig::new(64))
    ///     .fixup(16)?;
    /// let first: LinearConfig = block.layers[0].read("")?;
    /// // With two linear layers the exponent is -1/2.
    /// assert!((first.init.distribution(64, 64).variance() - 2.0 / 64.0 / 16.0).abs() < 1e-15);
    /// # Ok::<(), layerwise_nn_layers::ConfigError>(())
    /// ```
    ///
    /// H. Zhang, Y. N. Dauphin and T. Ma, "Fixup initialization", 2019, arXiv:1901.09321.
    ///
    /// # Errors
    /// If `blocks` is 0, the branch has no linear layer of its own, or one is configured wrongly or has an `init` without a scale.
    pub fn fixup(mut self, blocks: usize) -> Result<Self, ConfigError> {
        let bad =
            |what, expected, found| ConfigError::bad_value("", what, expected, found, "Fixup scales by their number");
        if blocks == 0 {
            return Err(bad("the number of residual blocks", "at least 1", blocks));
        }
        let linears = self.layers.iter_mut().filter(|layer| layer.name() == LinearConfig::NAME);
        let mut linears: Vec<&mut LayerConfig> = linears.collect();
        let count = linears.len();
        let Some(last) = linears.pop() else {
            return Err(bad("the number of linear layers in a branch", "at least 1", count));
        };
        *last = LayerConfig::of(&last.read::<LinearConfig>("")?.init(Init::ZEROS));
        for layer in linears {
            let config: LinearConfig = layer.read("")?;
            let init = if config.init == Init::TORCH_LINEAR { Init::HE_NORMAL } else { config.init };
            let factor = (blocks as f64).powf(-1.0 / (2 * count - 2) as f64);
            *layer = LayerConfig::of(&config.init(init.scaled(factor)?));
        }
        Ok(self.learned_scale(1.0))
    }
}

/// Residual block: `y = x + s f(x)`, `dx = dy + s f'(x)ᵀ dy`, with a branch `f` that keeps the width and a scale `s`, 1 unless given.
///
/// The layers of the branch are its children `0`, `1`, .., as in a subclass of `torch.nn.Sequential` that adds its input; those behind the
/// sum are `after.0`, `after.1`, ..; a learned scale is called `scale`, and `ds` is the sum of `dy f(x)`.
///
/// # Variants
/// - A branch that begins with a norm is a pre-norm block, `y = x + f(norm(x))`: the straight way stays clear, and nothing between the
///   blocks need be tuned (K. He et al., "Identity mappings in deep residual networks", 2016, arXiv:1603.05027).
/// - A norm behind the sum makes a post-norm block, `y = norm(x + f(x))`: `after` (A. Vaswani et al., "Attention is all you need", 2017,
///   arXiv:1706.03762); an activation there makes the block of the first residual networks.
/// - [`ResidualConfig::fixup`] starts a network without norms.
/// - Zeros as the `init` of the branch's last linear layer make the block begin as `y = x`, and so does a learned scale that starts at 0
///   (S. De and S. L. Smith, "Batch normalization biases residual blocks towards the identity function", 2020, arXiv:2002.10444;
///   T. Bachlechner et al., "ReZero is all you need", 2020, arXiv:2003.04887).
/// - Stochastic depth: in training each row skips the branch with probability `p`, and the others have it divided by `1 - p`, so that
///   nothing need be scaled in use (G. Huang, Y. Sun, Z. Liu, D. Sedra and K. Weinberger, "Deep networks with stochastic depth", 2016,
///   arXiv:1603.09382, scale in use instead, and drop the branch for whole batches).
///
/// K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", 2015, arXiv:1512.03385.
#[derive(Debug)]
pub struct Residual {
    config: ResidualConfig,
    branch: Sequential,
    after: Sequential,
    scale: Option<ParamId>,
}

impl Residual {
    /// The branch.
    pub fn branch(&self) -> &Sequential {
        &self.branch
    }

    /// Its configuration.
    pub fn config(&self) -> &ResidualConfig {
        &self.config
    }

    /// The learned scale, if it has one.
    pub fn scale(&self) -> Option<ParamId> {
        self.scale
    }
}

impl<T: Scalar> Module<T> for Residual
where
    Box<dyn AnyModule>: Module<T>,
{
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let mut y = self.branch.forward(g, x);
        if let Some(scale) = self.scale {
            let scale = g.param(scale);
            y = g.mul(y, scale);
        } else if self.config.scale != 1.0 {
            y = g.scale(y, self.config.scale);
        }
        let skip = self.config.skip;
        if skip > 0.0 && g.mode() == Mode::Train {
            let (rows, _) = g.shape(y);
            let taken = noise::mask(g, (rows, 1), skip, 1.0 / (1.0 - skip));
            y = g.mul(y, taken);
        }
        let sum = g.add(x, y);
        if self.after.layers().is_empty() {
            return sum;
        }
        g.enter("after");
        let y = self.after.forward(g, sum);
        g.leave();
        y
    }
}

impl BuildLayer for ResidualConfig {
    const NAME: &'static str = "residual";
    const DOC: &'static str =
        "y = x + s f(x), with a branch f of layers that keeps the width; s is 1, given or learned";
    const SAMPLES: &'static [Sample] = &[
        Sample {
            inputs: 4,
            options: r#"{"layers": [{"layer": "linear", "outputs": 6}, {"layer": "activation", "activation": "gelu"},
                {"layer": "linear", "outputs": 4}]}"#,
        },
        Sample { inputs: 1, options: r#"{"layers": [{"layer": "linear", "outputs": 1}]}"# },
        Sample {
            inputs: 3,
            options: r#"{"layers": [{"layer": "layer_norm"}, {"layer": "linear", "outputs": 3}], "scale": 0.5}"#,
        },
        Sample {
            inputs: 3,
            options: r#"{"layers": [{"layer": "linear", "outputs": 3}], "scale": 0.0, "learned_scale": true, "skip": 0.25}"#,
        },
        Sample {
            inputs: 15,
            options: r#"{"layers": [{"layer": "rms_norm"}, {"layer": "linear", "outputs": 17}, {"layer": "activation", "activation": "silu"},
                {"layer": "linear", "outputs": 15}]}"#,
        },
        Sample {
            inputs: 17,
            options: r#"{"layers": [{"layer": "linear", "outputs": 17}, {"layer": "activation", "activation": "tanh"}],
                "after": [{"layer": "layer_norm"}]}"#,
        },
    ];
    type Layer = Residual;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        shelf: &Shelf,
    ) -> Result<(Residual, usize), ConfigError> {
        let branch = Sequential::from_config(&self.layers, inputs, scope, shelf)?;
        if branch.outputs() != inputs {
            return Err(ConfigError::bad_value(
                scope.path(),
                "the output of a residual branch",
                format!("as wide as its input ({inputs})"),
                branch.outputs(),
                "end the branch with a linear layer of that width",
            ));
        }
        if !self.scale.is_finite() {
            let remedy = "leave it out for 1";
            return Err(ConfigError::bad_value(scope.path(), "`scale`", "finite", self.scale, remedy));
        }
        check::probability(scope.path(), "`skip`", self.skip)?;
        let scale = self.learned_scale.then(|| scope.param("scale", ParamKind::Scale, 1, 1, Constant(self.scale)));
        let after = Sequential::from_config(&self.after, inputs, &mut scope.child("after"), shelf)?;
        let outputs = after.outputs();
        Ok((Residual { config: self.clone(), branch, after, scale }, outputs))
    }

    fn traits(&self, shelf: &Shelf) -> LayerTraits {
        let branch = SequentialConfig::new(self.layers.clone()).traits(shelf);
        let whole = branch.then(SequentialConfig::new(self.after.clone()).traits(shelf));
        LayerTraits { stochastic: whole.stochastic || self.skip > 0.0, ..whole }
    }
}
