//! Batch normalisation over the rows of a batch.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Constant, ParamId, ParamKind, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::{Ending, Module};

/// Configuration of [`BatchNorm`]; the defaults are those of `torch.nn.BatchNorm1d`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BatchNormConfig {
    /// Added to the variance under the root; by default 1e-5.
    pub eps: f64,
    /// Weight of the new batch in the running statistics, in `[0, 1]`; by default 0.1.
    pub momentum: f64,
    /// Whether it has a learned gain and bias; by default yes.
    pub affine: bool,
}

impl Default for BatchNormConfig {
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1, affine: true }
    }
}

impl BatchNormConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `eps` under the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// With this weight of the new batch.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// With or without gain and bias.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// Registers `weight` and `bias` and the buffers `running_mean`, `running_var`, `num_batches_tracked` below `scope`.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<BatchNorm, ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        check::epsilon(scope.path(), self.eps)?;
        if !(0.0..=1.0).contains(&self.momentum) {
            let remedy = "leave it out for 0.1; Keras's momentum m is 1 - m here";
            return Err(ConfigError::bad_value(scope.path(), "`momentum`", "in [0, 1]", self.momentum, remedy));
        }
        let gain = self.affine.then(|| scope.param("weight", ParamKind::Scale, 1, inputs, Constant(1.0)));
        let bias = self.affine.then(|| scope.param("bias", ParamKind::Bias, 1, inputs, Constant(0.0)));
        Ok(BatchNorm {
            config: self.clone(),
            gain,
            bias,
            mean: scope.param("running_mean", ParamKind::Buffer, 1, inputs, Constant(0.0)),
            var: scope.param("running_var", ParamKind::Buffer, 1, inputs, Constant(1.0)),
            tracked: scope.param("num_batches_tracked", ParamKind::Buffer, 1, 1, Constant(0.0)),
        })
    }
}

/// Batch normalisation: `y = gain (x - mean) / sqrt(var + eps) + bias`, column by column.
///
/// In training mean and (biased) variance are those of the batch, and the running statistics move towards them:
/// `running = (1 - momentum) running + momentum new`, with the unbiased variance, as PyTorch. In use the running statistics stand in.
/// A batch of one row has no variance: its normalised values are 0.
///
/// # Gradient
/// With `h` the normalised values and `n` rows: `dgain = sum(dy h)`, `dbias = sum(dy)`,
/// `dx = gain / sqrt(var + eps) (dy - dbias / n - h dgain / n)`.
///
/// S. Ioffe and C. Szegedy, "Batch normalization", 2015, arXiv:1502.03167.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    config: BatchNormConfig,
    gain: Option<ParamId>,
    bias: Option<ParamId>,
    mean: ParamId,
    var: ParamId,
    tracked: ParamId,
}

impl BatchNorm {
    /// Its configuration.
    pub fn config(&self) -> &BatchNormConfig {
        &self.config
    }

    /// The running mean and the running (unbiased) variance.
    pub fn running(&self) -> (ParamId, ParamId) {
        (self.mean, self.var)
    }

    /// The number of batches seen.
    pub fn tracked(&self) -> ParamId {
        self.tracked
    }

    /// The norm with `ending` after it.
    pub(crate) fn forward_with<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var, ending: Ending) -> Var {
        let gain = self.gain.map(|id| g.param(id));
        let bias = self.bias.map(|id| g.param(id));
        let BatchNormConfig { eps, momentum, .. } = self.config;
        let (mean, var, tracked) = (self.mean, self.var, self.tracked);
        if ending.is_none() {
            return g.batch_norm(x, gain, bias, mean, var, tracked, eps, momentum);
        }
        let (act, p) = (ending.act(), ending.dropout);
        g.batch_norm_act_dropout(x, gain, bias, mean, var, tracked, eps, momentum, act, p)
    }
}

impl<T: Scalar> Module<T> for BatchNorm {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        self.forward_with(g, x, Ending::NONE)
    }

    fn forward_ending(&self, g: &mut Graph<'_, T>, x: Var, ending: Ending) -> Option<Var> {
        Some(self.forward_with(g, x, ending))
    }
}

impl BuildLayer for BatchNormConfig {
    const NAME: &'static str = "batch_norm";
    const DOC: &'static str =
        "y = gain (x - mean) / sqrt(var + eps) + bias over the rows of the batch; running statistics in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 15, options: "{}" },
        Sample { inputs: 17, options: r#"{"eps": 0.01}"# },
        Sample { inputs: 1, options: r#"{"affine": false, "momentum": 0.5, "eps": 0.001}"# },
    ];
    type Layer = BatchNorm;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(BatchNorm, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { row_independent: false, ..LayerTraits::PLAIN }
    }
}
