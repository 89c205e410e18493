//! Normalisation within groups of the features of each row.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Constant, ParamId, ParamKind, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`GroupNorm`]; the defaults are those of `torch.nn.GroupNorm`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GroupNormConfig {
    /// Into how many groups of neighbours the features fall; divides their number.
    pub groups: usize,
    /// Added to the variance under the root; by default 1e-5.
    #[serde(default = "small")]
    pub eps: f64,
    /// Whether it has a learned gain and bias for each feature; by default yes.
    #[serde(default = "yes")]
    pub affine: bool,
}

fn small() -> f64 {
    1e-5
}

fn yes() -> bool {
    true
}

impl GroupNormConfig {
    /// With this number of groups.
    pub fn new(groups: usize) -> Self {
        Self { groups, eps: small(), affine: yes() }
    }

    /// With `eps` under the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// With or without gain and bias.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// Registers `weight` and `bias` below `scope`.
    ///
    /// # Errors
    /// If a value is out of range, or the groups do not divide the features.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<GroupNorm, ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        check::epsilon(scope.path(), self.eps)?;
        if self.groups == 0 || !inputs.is_multiple_of(self.groups) {
            let expected = format!("a divisor of the {inputs} features");
            let remedy = "choose another number of groups, or another width";
            return Err(ConfigError::bad_value(scope.path(), "`groups`", expected, self.groups, remedy));
        }
        let gain = self.affine.then(|| scope.param("weight", ParamKind::Scale, 1, inputs, Constant(1.0)));
        let bias = self.affine.then(|| scope.param("bias", ParamKind::Bias, 1, inputs, Constant(0.0)));
        Ok(GroupNorm { config: self.clone(), inputs, gain, bias })
    }
}

/// Group normalisation: `y = gain (x - mean) / sqrt(var + eps) + bias`, mean and biased variance within each group of neighbouring
/// features of each row; the same in training and in use. One group is [`super::LayerNorm`].
///
/// # Gradient
/// That of [`super::LayerNorm`] within each group; `dgain` and `dbias` are sums over the rows.
///
/// Y. Wu and K. He, "Group normalization", 2018, arXiv:1803.08494.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    config: GroupNormConfig,
    inputs: usize,
    gain: Option<ParamId>,
    bias: Option<ParamId>,
}

impl GroupNorm {
    /// Its configuration.
    pub fn config(&self) -> &GroupNormConfig {
        &self.config
    }
}

impl<T: Scalar> Module<T> for GroupNorm {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let (rows, cols) = g.shape(x);
        g.require(cols == self.inputs, "group_norm", &[x], "the input has another width than the layer was built for");
        // Each group as a row of its own.
        let groups = g.reshape(x, rows * self.config.groups, cols / self.config.groups);
        let groups = g.layer_norm(groups, None, None, self.config.eps);
        let mut y = g.reshape(groups, rows, cols);
        if let Some(gain) = self.gain {
            let gain = g.param(gain);
            y = g.mul(y, gain);
        }
        if let Some(bias) = self.bias {
            let bias = g.param(bias);
            y = g.add(y, bias);
        }
        y
    }
}

impl BuildLayer for GroupNormConfig {
    const NAME: &'static str = "group_norm";
    const DOC: &'static str = "y = gain (x - mean) / sqrt(var + eps) + bias within each group of features of each row";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 8, options: r#"{"groups": 2}"# },
        Sample { inputs: 1, options: r#"{"groups": 1}"# },
        Sample { inputs: 15, options: r#"{"groups": 3}"# },
        Sample { inputs: 17, options: r#"{"groups": 1}"# },
        Sample { inputs: 9, options: r#"{"groups": 3, "affine": false, "eps": 0.001}"# },
    ];
    type Layer = GroupNorm;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(GroupNorm, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
