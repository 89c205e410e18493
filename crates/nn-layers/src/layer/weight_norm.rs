//! A linear layer whose weights are a length and a direction for each unit.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Accum, AlignedVec, Constant, ParamId, ParamKind, Scalar, Scope, math};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::init::Init;
use crate::module::Module;

/// Configuration of [`WeightNorm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WeightNormConfig {
    /// Width of the output.
    pub outputs: usize,
    /// Whether it has a bias; by default yes.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Where the directions come from; by default [`Init::TORCH_LINEAR`]. Biases follow [`Init::for_bias`].
    #[serde(default)]
    pub init: Init,
}

fn yes() -> bool {
    true
}

impl WeightNormConfig {
    /// A layer of `outputs` neurons with bias, initialised as `torch.nn.Linear`.
    pub fn new(outputs: usize) -> Self {
        Self { outputs, bias: true, init: Init::default() }
    }

    /// With or without a bias.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Directions from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Registers `parametrizations.weight.original0` (the lengths, of kind [`ParamKind::Scale`]),
    /// `parametrizations.weight.original1` (the directions) and `bias` below `scope`.
    ///
    /// # Errors
    /// If a width is 0, the matrix is larger than any memory, or `init` draws zeros only.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<WeightNorm, ConfigError> {
        check::matrix(scope.path(), inputs, self.outputs)?;
        let length = check::length(scope.path(), self.init, inputs, self.outputs)?;
        let bias = self.bias.then(|| scope.param("bias", ParamKind::Bias, 1, self.outputs, self.init.for_bias(inputs)));
        let mut originals = scope.child("parametrizations");
        let mut originals = originals.child("weight");
        // A column, as PyTorch's is of the shape [outputs, 1].
        let g = originals.param("original0", ParamKind::Scale, self.outputs, 1, Constant(length));
        let v = originals.param("original1", ParamKind::Weight, inputs, self.outputs, self.init);
        Ok(WeightNorm { config: self.clone(), g, v, bias })
    }
}

/// Weight-normalised linear layer: `y = x w + b` with `w_ij = g_j v_ij / |v_j|`, where `|v_j|` is the length of the weights `v_ij` that
/// lead to unit `j`: length and direction are learned apart, and the gradient is better conditioned.
///
/// It is `torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(..))` with its `dim = 0`, under the same names: `g` is
/// `original0`, `v` is `original1`. One difference: PyTorch starts with `g_j = |v_j|`, here all lengths start at the root of the mean of
/// `|v_j|^2` under the initializer, since a parameter is drawn without a look at the others. (For orthonormal columns that is the same.)
///
/// # Gradient
/// With `dw = xᵀ dy` and `n_j = |v_j|`: `dg_j = sum_i dw_ij v_ij / n_j` and `dv_ij = (g_j / n_j) (dw_ij - dg_j v_ij / n_j)`, which is
/// orthogonal to `v_j`. A direction of zeros only has no length: NaN, as in PyTorch.
///
/// T. Salimans and D. P. Kingma, "Weight normalization", 2016, arXiv:1602.07868. There `g` and `b` may be set by a first batch of data;
/// [`crate::lsuv`] does the like for plain linear layers.
#[derive(Clone, Debug)]
pub struct WeightNorm {
    config: WeightNormConfig,
    g: ParamId,
    v: ParamId,
    bias: Option<ParamId>,
}

impl WeightNorm {
    /// Its configuration.
    pub fn config(&self) -> &WeightNormConfig {
        &self.config
    }

    /// The lengths `(outputs, 1)`.
    pub fn length(&self) -> ParamId {
        self.g
    }

    /// The directions `(inputs, outputs)`, of any length.
    pub fn direction(&self) -> ParamId {
        self.v
    }

    /// The bias `(1, outputs)`.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }
}

impl<T: Scalar> Module<T> for WeightNorm {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let (lengths, v) = (g.param(self.g), g.param(self.v));
        let b = self.bias.map(|b| g.param(b));
        let (rows, cols) = g.shape(v);
        let w = g.push(WeightNormOp { g: lengths, v }, rows, cols);
        g.linear(x, w, b)
    }
}

/// Its slot keeps `1 / |v_j|`, and in the backward pass `dg_j`.
#[derive(Clone, Copy, Debug)]
struct WeightNormOp {
    g: Var,
    v: Var,
}

impl<T: Scalar> Op<T> for WeightNormOp {
    fn name(&self) -> &'static str {
        WeightNormConfig::NAME
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.g, self.v])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (g, v, cols) = (f.values.get(self.g), f.values.get(self.v), f.cols);
        let [inverse, ..] = f.saved.sized([cols, cols, 0]);
        products(cols, v, v, f.scratch, f.par);
        kernel::sum_over_rows(f.rows, cols, f.scratch, Accum::Replace, inverse, f.par);
        inverse.iter_mut().for_each(|n| *n = T::one() / n.sqrt());
        let inverse = &*inverse;
        kernel::for_tiles(cols, f.y, f.par, |first, y| {
            for (y, v) in y.chunks_exact_mut(cols).zip(v[first * cols..].chunks_exact(cols)) {
                math::vectorize(
                    #[inline(always)]
                    || {
                        for (((y, v), g), r) in y.iter_mut().zip(v).zip(g).zip(inverse) {
                            *y = *g * (*v * *r);
                        }
                    },
                );
            }
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (g, v, cols) = (b.values.get(self.g), b.values.get(self.v), b.cols);
        let dw = &*b.dy;
        products(cols, v, dw, b.scratch, b.par);
        let [inverse, sums, _] = &mut b.saved.values;
        kernel::sum_over_rows(b.rows, cols, b.scratch, Accum::Replace, sums, b.par);
        sums.iter_mut().zip(&*inverse).for_each(|(s, r)| *s *= *r);
        let (inverse, sums) = (&*inverse, &*sums);
        if let Some((dg, accum)) = b.grads.get(self.g) {
            dg.iter_mut().zip(sums).for_each(|(dg, s)| *dg = if accum == Accum::Add { *dg + *s } else { *s });
        }
        if let Some((dv, accum)) = b.grads.get(self.v) {
            kernel::for_tiles(cols, dv, b.par, |first, dv| {
                let places = first * cols..first * cols + dv.len();
                let rows = v[places.clone()].chunks_exact(cols).zip(dw[places].chunks_exact(cols));
                for (dv, (v, dw)) in dv.chunks_exact_mut(cols).zip(rows) {
                    math::vectorize(
                        #[inline(always)]
                        || {
                            for j in 0..cols {
                                let d = g[j] * inverse[j] * (dw[j] - sums[j] * (v[j] * inverse[j]));
                                dv[j] = if accum == Accum::Add { dv[j] + d } else { d };
                            }
                        },
                    );
                }
            });
        }
    }
}

/// `out = a b` by element.
fn products<T: Scalar>(cols: usize, a: &[T], b: &[T], out: &mut AlignedVec<T>, par: Par) {
    out.resize(a.len(), T::zero());
    kernel::for_tiles(cols, out, par, |first, out| {
        let places = first * cols..first * cols + out.len();
        let (a, b) = (&a[places.clone()], &b[places]);
        math::vectorize(
            #[inline(always)]
            || out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = *a * *b),
        );
    });
}

impl BuildLayer for WeightNormConfig {
    const NAME: &'static str = "weight_norm";
    const DOC: &'static str = "y = x w + b with w_ij = g_j v_ij / |v_j|: a learned length and direction for each unit";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 3, options: r#"{"outputs": 5}"# },
        Sample { inputs: 1, options: r#"{"outputs": 1, "bias": false, "init": "orthogonal"}"# },
        Sample { inputs: 17, options: r#"{"outputs": 15, "init": "he_normal"}"# },
    ];
    type Layer = WeightNorm;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(WeightNorm, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, self.outputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits::PLAIN
    }
}
