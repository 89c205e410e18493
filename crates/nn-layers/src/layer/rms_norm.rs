//! Normalisation of each row by its root mean square.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Accum, Constant, ParamId, ParamKind, Scalar, Scope, math};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::module::Module;

/// Configuration of [`RmsNorm`]; the defaults are those of `torch.nn.RMSNorm`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RmsNormConfig {
    /// Added to the mean square under the root; by default the rounding unit of the element type, 1.2e-7 or 2.2e-16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eps: Option<f64>,
    /// Whether it has a learned gain; by default yes.
    pub affine: bool,
}

impl Default for RmsNormConfig {
    fn default() -> Self {
        Self { eps: None, affine: true }
    }
}

impl RmsNormConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `eps` under the root.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps: Some(eps), ..self }
    }

    /// With or without a gain.
    pub fn affine(self, affine: bool) -> Self {
        Self { affine, ..self }
    }

    /// Registers `weight`, the gain, below `scope`.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<RmsNorm, ConfigError> {
        check::width(scope.path(), "`inputs`", inputs)?;
        if let Some(eps) = self.eps {
            check::epsilon(scope.path(), eps)?;
        }
        let gain = self.affine.then(|| scope.param("weight", ParamKind::Scale, 1, inputs, Constant(1.0)));
        Ok(RmsNorm { config: self.clone(), gain })
    }
}

/// Root-mean-square normalisation: `y = gain x / sqrt(mean(x^2) + eps)` within each row; the same in training and in use.
/// As [`super::LayerNorm`] without taking off the mean.
///
/// # Gradient
/// With `r = 1 / sqrt(mean(x^2) + eps)` of a row of `d` and `dh = gain dy`: `dx = r (dh - x r^2 sum(dh x) / d)`, and `dgain` is the sum
/// of `dy x r` over the rows.
///
/// B. Zhang and R. Sennrich, "Root mean square layer normalization", 2019, arXiv:1910.07467.
#[derive(Clone, Debug)]
pub struct RmsNorm {
    config: RmsNormConfig,
    gain: Option<ParamId>,
}

impl RmsNorm {
    /// Its configuration.
    pub fn config(&self) -> &RmsNormConfig {
        &self.config
    }
}

impl<T: Scalar> Module<T> for RmsNorm {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let gain = self.gain.map(|id| g.param(id));
        let (rows, cols) = g.shape(x);
        if let Some(gain) = gain {
            g.require(g.shape(gain) == (1, cols), "rms_norm", &[x, gain], "the gain is no row with the columns of x");
        }
        let eps = self.config.eps.unwrap_or(T::epsilon().as_f64());
        g.push(RmsNormOp { x, gain, eps }, rows, cols)
    }
}

/// Its slot keeps `r` of each row.
#[derive(Clone, Copy, Debug)]
struct RmsNormOp {
    x: Var,
    gain: Option<Var>,
    eps: f64,
}

impl<T: Scalar> Op<T> for RmsNormOp {
    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x]).and(self.gain)
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, cols) = (f.values.get(self.x), f.cols.max(1));
        let gain = self.gain.map(|gain| f.values.get(gain));
        let [scale, ..] = f.saved.sized([f.rows, 0, 0]);
        kernel::for_tiles(1, scale, f.par, |first, scale| {
            for (r, x) in scale.iter_mut().zip(x[first * cols..].chunks_exact(cols)) {
                *r = T::of(1.0 / (kernel::sum_of_squares(x, Par::Seq) / cols as f64 + self.eps).sqrt());
            }
        });
        let scale = &*scale;
        kernel::for_tiles(cols, f.y, f.par, |first, y| {
            y.copy_from_slice(&x[first * cols..][..y.len()]);
            scaled(scale, gain, first, cols, y);
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (x, cols) = (b.values.get(self.x), b.cols.max(1));
        let gain = self.gain.map(|gain| b.values.get(gain));
        let [scale, ..] = b.saved.get();
        if let Some((dgain, accum)) = self.gain.and_then(|gain| b.grads.get(gain)) {
            b.scratch.resize(x.len(), T::zero());
            let (terms, dy) = (&mut b.scratch[..], &*b.dy);
            kernel::for_tiles(cols, terms, b.par, |first, terms| {
                let place = first * cols..first * cols + terms.len();
                terms.copy_from_slice(&x[place.clone()]);
                scaled(scale, None, first, cols, terms);
                terms.iter_mut().zip(&dy[place]).for_each(|(t, dy)| *t *= *dy);
            });
            kernel::sum_over_rows(b.rows, cols, b.scratch, accum, dgain, b.par);
        }
        if let Some((dx, accum)) = b.grads.get(self.x) {
            kernel::for_tiles2(cols, b.dy, dx, b.par, |first, dy, dx| {
                scaled(scale, gain, first, cols, dy);
                for (i, (dh, dx)) in dy.chunks_exact(cols).zip(dx.chunks_exact_mut(cols)).enumerate() {
                    let row = first + i;
                    let (x, r) = (&x[row * cols..][..cols], scale[row].as_f64());
                    let share = T::of(kernel::dot(dh, x) * r * r / cols as f64);
                    math::vectorize(
                        #[inline(always)]
                        || {
                            for ((dx, dh), x) in dx.iter_mut().zip(dh).zip(x) {
                                let d = *dh - share * *x;
                                *dx = if accum == Accum::Add { *dx + d } else { d };
                            }
                        },
                    );
                }
            });
        }
    }
}

/// `v = v r gain` for rows from `first` on, each with its `r`.
fn scaled<T: Scalar>(scale: &[T], gain: Option<&[T]>, first: usize, cols: usize, v: &mut [T]) {
    for (row, r) in v.chunks_exact_mut(cols).zip(&scale[first..]) {
        math::vectorize(
            #[inline(always)]
            || match gain {
                Some(gain) => row.iter_mut().zip(gain).for_each(|(v, g)| *v = *v * *r * *g),
                None => row.iter_mut().for_each(|v| *v *= *r),
            },
        );
    }
}

impl BuildLayer for RmsNormConfig {
    const NAME: &'static str = "rms_norm";
    const DOC: &'static str = "y = gain x / sqrt(mean(x^2) + eps) within each row";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 1, options: "{}" },
        Sample { inputs: 15, options: "{}" },
        Sample { inputs: 17, options: r#"{"affine": false, "eps": 0.001}"# },
    ];
    type Layer = RmsNorm;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(RmsNorm, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
