//! A residual block: a branch beside the straight way.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Constant, Mode, ParamId, ParamKind, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::entry::{BuildLayer, LayerConfig, LayerTraits, Sample, Shelf};
use super::sequential::{Sequential, SequentialConfig};
use super::{check, noise};
use crate::error::ConfigError;
use crate::module::{AnyModule, Module};

/// Configuration of [`Residual`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResidualConfig {
    /// The layers of the branch in order.
    pub layers: Vec<LayerConfig>,
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
        Self { layers: Vec::new(), scale: one(), learned_scale: false, skip: 0.0 }
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
}

/// Residual block: `y = x + s f(x)`, `dx = dy + s f'(x)ᵀ dy`, with a branch `f` that keeps the width and a scale `s`, 1 unless given.
///
/// The layers of the branch are its children `0`, `1`, .., as in a subclass of `torch.nn.Sequential` that adds its input; a learned
/// scale is called `scale`, and `ds` is the sum of `dy f(x)`.
///
/// # Variants
/// - A branch that begins with a norm is a pre-norm block (K. He et al., "Identity mappings in deep residual networks", 2016,
///   arXiv:1603.05027); a norm after the block makes it post-norm.
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
        g.add(x, y)
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
        Ok((Residual { config: self.clone(), branch, scale }, inputs))
    }

    fn traits(&self, shelf: &Shelf) -> LayerTraits {
        let branch = SequentialConfig::new(self.layers.clone()).traits(shelf);
        LayerTraits { stochastic: branch.stochastic || self.skip > 0.0, ..branch }
    }
}
