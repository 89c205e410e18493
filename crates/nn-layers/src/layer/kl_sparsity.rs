//! A penalty on units that are active too often.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::{Accum, Scalar, Scope, kernel, math};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::Module;

/// Mean activations are kept this far from 0 and from 1.
const CLAMP: f64 = 1e-6;

/// Configuration of [`KlSparsity`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct KlSparsityConfig {
    /// The mean activation that each unit is to have, between 0 and 1; by default 0.05, as in Ng's notes.
    pub rho: f64,
    /// The factor of the penalty, at least 0; by default 1. Which one is right depends on the scale of the loss: Ng's exercise takes 3
    /// beside half of the squared error, *summed* over the features.
    pub weight: f64,
}

impl Default for KlSparsityConfig {
    fn default() -> Self {
        Self { rho: 0.05, weight: 1.0 }
    }
}

impl KlSparsityConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this mean activation.
    pub fn rho(self, rho: f64) -> Self {
        Self { rho, ..self }
    }

    /// With this factor of the penalty.
    pub fn weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// The layer; it has no parameters, the scope only names it in messages.
    ///
    /// # Errors
    /// If `rho` does not lie between 0 and 1, or the weight is negative or not finite.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<KlSparsity, ConfigError> {
        if !(self.rho > 0.0 && self.rho < 1.0) {
            let remedy = "give the share of the time that a unit is to be active, such as 0.05";
            return Err(ConfigError::bad_value(scope.path(), "`rho`", "above 0 and below 1", self.rho, remedy));
        }
        Ok(KlSparsity { rho: self.rho, weight: check::strength(scope.path(), "`weight`", self.weight)? })
    }
}

/// Sparsity penalty: `y = x`, and the loss of the step grows by `weight sum_j KL(rho || p_j)` with the mean activation `p_j` of unit `j`
/// over the rows of the batch, where `KL(rho || p) = rho ln(rho / p) + (1 - rho) ln((1 - rho) / (1 - p))`.
///
/// Activations must lie between 0 and 1, as behind a sigmoid. A mean below `1e-6` or above `1 - 1e-6` counts as that number: the
/// penalty stays finite, and no gradient passes there (as `torch.clamp`). So behind a ReLU, whose means pass 1, it is of no use.
///
/// The mean is that of the batch, as is usual, where Ng's notes take that of all data: small batches make it noisy. A batch without
/// rows costs nothing. The penalty counts in training and where a loss is evaluated, not where a model only predicts
/// ([`Graph::penalize`]).
///
/// # Gradient
/// `dx_ij = dy_ij + (dp weight / r) ((1 - rho) / (1 - p_j) - rho / p_j)`, the same for all `r` rows, where `dp` is the gradient of the
/// loss.
///
/// # Example
/// ```
/// use layerwise_nn_layers::{Activation, ActivationConfig, KlSparsityConfig, LinearConfig, SequentialConfig};
///
/// let code = SequentialConfig::default()
///     .then(&LinearConfig::new(200))
///     .then(&ActivationConfig::new(Activation::SIGMOID))
///     .then(&KlSparsityConfig::new().rho(0.05).weight(0.01));
/// # let _ = code;
/// ```
///
/// A. Ng, "Sparse autoencoder", CS294A lecture notes, 2011.
#[derive(Clone, Copy, Debug)]
pub struct KlSparsity {
    rho: f64,
    weight: f64,
}

impl KlSparsity {
    /// Its configuration.
    pub fn config(&self) -> KlSparsityConfig {
        KlSparsityConfig { rho: self.rho, weight: self.weight }
    }
}

impl<T: Scalar> Module<T> for KlSparsity {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.weight > 0.0 && g.wants_penalties() {
            let penalty = g.push(KlOp { x, rho: self.rho, weight: self.weight }, 1, 1);
            g.penalize(penalty);
        }
        x
    }
}

/// Its slot keeps the slope of each unit's divergence.
#[derive(Clone, Copy, Debug)]
struct KlOp {
    x: Var,
    rho: f64,
    weight: f64,
}

impl<T: Scalar> Op<T> for KlOp {
    fn name(&self) -> &'static str {
        KlSparsityConfig::NAME
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, (rows, cols)) = (f.values.get(self.x), f.values.shape(self.x));
        let [slopes, ..] = f.saved.sized([cols, 0, 0]);
        if rows == 0 {
            f.y[0] = T::zero();
            return;
        }
        kernel::sum_over_rows(rows, cols, x, Accum::Replace, slopes, f.par);
        let (rho, rest) = (self.rho, 1.0 - self.rho);
        let mut sum = 0.0;
        for slope in slopes {
            let mean = slope.as_f64() / rows as f64;
            let p = mean.clamp(CLAMP, 1.0 - CLAMP);
            sum += rho * math::log(rho / p) + rest * math::log(rest / (1.0 - p));
            *slope = T::of(if p == mean { rest / (1.0 - p) - rho / p } else { 0.0 });
        }
        f.y[0] = T::of(self.weight * sum);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (rows, cols) = b.values.shape(self.x);
        let factor = T::of(b.dy[0].as_f64() * self.weight / rows.max(1) as f64);
        let [slopes, ..] = b.saved.get();
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::for_tiles(cols, dx, b.par, |_, dx| {
                for dx in dx.chunks_exact_mut(cols) {
                    math::vectorize(
                        #[inline(always)]
                        || {
                            for (dx, slope) in dx.iter_mut().zip(slopes) {
                                let d = factor * *slope;
                                *dx = if accum == Accum::Add { *dx + d } else { d };
                            }
                        },
                    );
                }
            });
        }
    }
}

impl BuildLayer for KlSparsityConfig {
    const NAME: &'static str = "kl_sparsity";
    const DOC: &'static str =
        "y = x, with the penalty weight sum_j KL(rho || mean activation of unit j), for activations in (0, 1)";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: "{}" },
        Sample { inputs: 15, options: r#"{"rho": 0.3, "weight": 0.2}"# },
        Sample { inputs: 17, options: r#"{"rho": 0.1}"# },
    ];
    type Layer = KlSparsity;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(KlSparsity, usize), ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        Ok((self.build(scope)?, inputs))
    }

    // Rows are independent: what depends on all of them is the penalty, not the output.
    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { range: Some([0.0, 1.0]), ..LayerTraits::PLAIN }
    }
}
