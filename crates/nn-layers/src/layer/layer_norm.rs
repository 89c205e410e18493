//! Layer normalisation within each row.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Constant, ParamId, ParamKind, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::{Ending, Module};

/// Configuration of [`LayerNorm`]; the defaults are those of `torch.nn.LayerNorm`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LayerNormConfig {
    /// Added to the variance under the root; by default 1e-5.
    pub eps: f64,
    /// Whether it has a learned gain and bias; by default yes.
    pub affine: bool,
}

impl Default for LayerNormConfig {
    fn default() -> Self {
        Self { eps: 1e-5, affine: true }
    }
}

impl LayerNormConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
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
    /// If a value is out of range.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<LayerNorm, ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        check::epsilon(scope.path(), self.eps)?;
        let gain = self.affine.then(|| scope.param("weight", ParamKind::Scale, 1, inputs, Constant(1.0)));
        let bias = self.affine.then(|| scope.param("bias", ParamKind::Bias, 1, inputs, Constant(0.0)));
        Ok(LayerNorm { config: self.clone(), gain, bias })
    }
}

/// Layer normalisation: `y = gain (x - mean) / sqrt(var + eps) + bias`, mean and biased variance within each row; the same in
/// training and in use.
///
/// # Gradient
/// With `h` the normalised values of a row of `d` and `dh = gain dy`: `dgain = sum(dy h)` and `dbias = sum(dy)` over the rows,
/// `dx = (dh - sum(dh) / d - h sum(dh h) / d) / sqrt(var + eps)`.
///
/// J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016, arXiv:1607.06450.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    config: LayerNormConfig,
    gain: Option<ParamId>,
    bias: Option<ParamId>,
}

impl LayerNorm {
    /// Its configuration.
    pub fn config(&self) -> &LayerNormConfig {
        &self.config
    }

    /// The norm with `ending` after it.
    pub(crate) fn forward_with<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var, ending: Ending) -> Var {
        let gain = self.gain.map(|id| g.param(id));
        let bias = self.bias.map(|id| g.param(id));
        let eps = self.config.eps;
        if ending.is_none() {
            g.layer_norm(x, gain, bias, eps)
        } else {
            g.layer_norm_act_dropout(x, gain, bias, eps, ending.act(), ending.dropout)
        }
    }
}

impl<T: Scalar> Module<T> for LayerNorm {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        self.forward_with(g, x, Ending::NONE)
    }

    fn forward_ending(&self, g: &mut Graph<'_, T>, x: Var, ending: Ending) -> Option<Var> {
        Some(self.forward_with(g, x, ending))
    }
}

impl BuildLayer for LayerNormConfig {
    const NAME: &'static str = "layer_norm";
    const DOC: &'static str = "y = gain (x - mean) / sqrt(var + eps) + bias within each row";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: "{}" },
        Sample { inputs: 15, options: "{}" },
        Sample { inputs: 17, options: r#"{"affine": false, "eps": 0.001}"# },
    ];
    type Layer = LayerNorm;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(LayerNorm, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
