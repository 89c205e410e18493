//! A linear layer whose weights are divided by their largest singular value.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::kernel::{self, Form, Par};
use layerwise_tensor::{
    Accum, BufferUpdate, Constant, Initializer, Mode, ParamId, ParamKind, Scalar, Scope, Stream, math,
};
use serde::{Deserialize, Serialize};

use super::check;
use super::entry::{BuildLayer, LayerTraits, Sample, Shelf};
use crate::error::ConfigError;
use crate::init::Init;
use crate::module::Module;

/// Lengths below this count as this, as in PyTorch.
const EPS: f64 = 1e-12;

/// Steps of the power iteration before the first one, as in PyTorch.
const FIRST: usize = 15;

/// More steps than any power iteration needs.
const MOST_ITERATIONS: usize = 1000;

/// Configuration of [`SpectralNorm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SpectralNormConfig {
    /// Width of the output.
    pub outputs: usize,
    /// Whether it has a bias; by default yes.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Steps of the power iteration for each step of training; by default 1.
    #[serde(default = "one")]
    pub iterations: usize,
    /// Where the weights come from; by default [`Init::TORCH_LINEAR`]. Biases follow [`Init::for_bias`].
    #[serde(default)]
    pub init: Init,
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

impl SpectralNormConfig {
    /// A layer of `outputs` neurons with bias, initialised as `torch.nn.Linear`.
    pub fn new(outputs: usize) -> Self {
        Self { outputs, bias: true, iterations: one(), init: Init::default() }
    }

    /// With or without a bias.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// With so many steps of the power iteration for each step of training.
    pub fn iterations(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// Weights from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Registers `parametrizations.weight.original`, the buffers `parametrizations.weight.0._u` and `._v`, and `bias` below `scope`.
    ///
    /// # Errors
    /// If a width is 0, the matrix is larger than any memory, `iterations` is 0 or above 1000, or `init` draws zeros only.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<SpectralNorm, ConfigError> {
        check::matrix(scope.path(), inputs, self.outputs)?;
        check::length(scope.path(), self.init, inputs, self.outputs)?;
        if !(1..=MOST_ITERATIONS).contains(&self.iterations) {
            let remedy = "leave it out for 1";
            let expected = format!("from 1 to {MOST_ITERATIONS}");
            return Err(ConfigError::bad_value(scope.path(), "`iterations`", expected, self.iterations, remedy));
        }
        let bias = self.bias.then(|| scope.param("bias", ParamKind::Bias, 1, self.outputs, self.init.for_bias(inputs)));
        let mut parts = scope.child("parametrizations");
        let mut parts = parts.child("weight");
        let w = parts.param("original", ParamKind::Weight, inputs, self.outputs, self.init);
        let mut vectors = parts.child(0);
        let u = vectors.param("_u", ParamKind::Buffer, 1, self.outputs, Constant(0.0));
        let v = vectors.param("_v", ParamKind::Buffer, 1, inputs, Direction);
        Ok(SpectralNorm { config: self.clone(), w, u, v, bias })
    }
}

/// Spectrally normalised linear layer: `y = x (w / s) + b` with `s = v w uᵀ`, an estimate of the largest singular value of `w`. So no
/// difference of inputs grows on its way through the layer, as soon as the estimate is good.
///
/// In training each step first refines the estimate by a power iteration, `u = v w / |v w|` and `v = u wᵀ / |u wᵀ|`; the two buffers move
/// when the optimizer steps, as running statistics do. In use they stay. It is
/// `torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(..))` with its defaults, under the same names. Differences:
/// - PyTorch runs 15 iterations on the first weights when the layer is made. Here `u` is zero until the first step of training, whose
///   iteration has 15 steps more; until then use runs those 15 each time.
/// - A layer used twice in a step refines the same estimate twice, each time from where the step began.
///
/// # Gradient
/// `u` and `v` are taken as constants: with `dn` the gradient of `n = w / s`, `dw = (dn - sum(dn n) vᵀ u) / s`. That is exact in use, and
/// in training where the iteration has converged, for there `s` does not change with `u` and `v`.
///
/// T. Miyato, T. Kataoka, M. Koyama and Y. Yoshida, "Spectral normalization for generative adversarial networks", 2018,
/// arXiv:1802.05957.
#[derive(Clone, Debug)]
pub struct SpectralNorm {
    config: SpectralNormConfig,
    w: ParamId,
    u: ParamId,
    v: ParamId,
    bias: Option<ParamId>,
}

impl SpectralNorm {
    /// Its configuration.
    pub fn config(&self) -> &SpectralNormConfig {
        &self.config
    }

    /// The weights before the division, `(inputs, outputs)`.
    pub fn weight(&self) -> ParamId {
        self.w
    }

    /// The bias `(1, outputs)`.
    pub fn bias(&self) -> Option<ParamId> {
        self.bias
    }

    /// The estimates of the singular vectors on the side of the outputs, `(1, outputs)`, and of the inputs, `(1, inputs)`: buffers.
    pub fn vectors(&self) -> (ParamId, ParamId) {
        (self.u, self.v)
    }

    /// The singular vectors of this step, refined where that is due.
    fn refined<T: Scalar>(&self, g: &mut Graph<'_, T>, w: Var) -> (Var, Var) {
        let first = if g.buffer(self.u).iter().all(|u| *u == T::zero()) { FIRST } else { 0 };
        let steps = first + if g.mode() == Mode::Train { self.config.iterations } else { 0 };
        if steps == 0 {
            return (g.param(self.u), g.param(self.v));
        }
        let (inputs, outputs) = g.shape(w);
        let both = g.push(PowerIteration { w, v: self.v, steps }, 1, outputs + inputs);
        (g.slice_cols(both, 0..outputs), g.slice_cols(both, outputs..outputs + inputs))
    }
}

impl<T: Scalar> Module<T> for SpectralNorm {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let w = g.param(self.w);
        let b = self.bias.map(|b| g.param(b));
        let (u, v) = self.refined(g, w);
        // A batch without rows teaches nothing.
        if g.mode() == Mode::Train && g.shape(x).0 > 0 {
            let replace = BufferUpdate::Blend { momentum: 1.0 };
            g.push_update_from(self.u, replace, u);
            g.push_update_from(self.v, replace, v);
        }
        let (rows, cols) = g.shape(w);
        let w = g.push(SpectralNormOp { w, u, v }, rows, cols);
        g.linear(x, w, b)
    }
}

/// A random vector of length 1.
#[derive(Clone, Copy, Debug)]
struct Direction;

impl Initializer for Direction {
    fn fill(&self, _rows: usize, _cols: usize, stream: &Stream, out: &mut [f64]) {
        stream.normal(0, out);
        normalize(out);
    }
}

/// `x / max(|x|, eps)`.
fn normalize<T: Scalar>(x: &mut [T]) {
    let inverse = T::of(1.0 / kernel::sum_of_squares(x, Par::Seq).sqrt().max(EPS));
    x.iter_mut().for_each(|x| *x *= inverse);
}

/// `u` and `v` in one row, after some steps from the buffer `v`.
#[derive(Clone, Copy, Debug)]
struct PowerIteration {
    w: Var,
    v: ParamId,
    steps: usize,
}

impl<T: Scalar> Op<T> for PowerIteration {
    fn name(&self) -> &'static str {
        "power_iteration"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.w])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (w, (inputs, outputs)) = (f.values.get(self.w), f.values.shape(self.w));
        let (u, v) = f.y.split_at_mut(outputs);
        v.copy_from_slice(f.values.buffer(self.v));
        for _ in 0..self.steps {
            kernel::gemm(Form::Nn, 1, outputs, inputs, v, w, Accum::Replace, u, f.par);
            normalize(u);
            kernel::gemm(Form::Nn, inputs, 1, outputs, w, u, Accum::Replace, v, f.par);
            normalize(v);
        }
    }

    fn backward(&self, _: &mut Backward<'_, T>) {}

    fn passes_gradient(&self) -> bool {
        false
    }
}

/// `w / s`; its slot keeps the shares of `s` by row, and `s` itself.
#[derive(Clone, Copy, Debug)]
struct SpectralNormOp {
    w: Var,
    u: Var,
    v: Var,
}

impl<T: Scalar> Op<T> for SpectralNormOp {
    fn name(&self) -> &'static str {
        SpectralNormConfig::NAME
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.w, self.u, self.v])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (w, u, v, cols) = (f.values.get(self.w), f.values.get(self.u), f.values.get(self.v), f.cols);
        let [shares, sigma, _] = f.saved.sized([f.rows, 1, 0]);
        kernel::for_tiles(1, shares, f.par, |first, shares| {
            for ((s, v), w) in shares.iter_mut().zip(&v[first..]).zip(w[first * cols..].chunks_exact(cols)) {
                *s = *v * T::of(kernel::dot(w, u));
            }
        });
        sigma[0] = T::of(kernel::sum(shares));
        let sigma = sigma[0];
        kernel::for_tiles(cols, f.y, f.par, |first, y| {
            let w = &w[first * cols..][..y.len()];
            math::vectorize(
                #[inline(always)]
                || y.iter_mut().zip(w).for_each(|(y, w)| *y = *w / sigma),
            );
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (u, v, cols) = (b.values.get(self.u), b.values.get(self.v), b.cols);
        let [_, sigma, _] = b.saved.get();
        let (sigma, dn) = (sigma[0], &*b.dy);
        let along = T::of(kernel::dot(dn, b.y));
        if let Some((dw, accum)) = b.grads.get(self.w) {
            kernel::for_tiles(cols, dw, b.par, |first, dw| {
                let rows = dn[first * cols..].chunks_exact(cols).zip(&v[first..]);
                for (dw, (dn, v)) in dw.chunks_exact_mut(cols).zip(rows) {
                    let share = along * *v;
                    math::vectorize(
                        #[inline(always)]
                        || {
                            for ((dw, dn), u) in dw.iter_mut().zip(dn).zip(u) {
                                let d = (*dn - share * *u) / sigma;
                                *dw = if accum == Accum::Add { *dw + d } else { d };
                            }
                        },
                    );
                }
            });
        }
    }
}

impl BuildLayer for SpectralNormConfig {
    const NAME: &'static str = "spectral_norm";
    const DOC: &'static str = "y = x (w / s) + b, with the largest singular value s of w by power iteration";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 3, options: r#"{"outputs": 5}"# },
        Sample { inputs: 1, options: r#"{"outputs": 1, "bias": false, "init": "orthogonal"}"# },
        Sample { inputs: 17, options: r#"{"outputs": 15, "iterations": 3, "init": "he_normal"}"# },
    ];
    type Layer = SpectralNorm;

    fn build_from(
        &self,
        scope: &mut Scope<'_>,
        inputs: usize,
        _: &Shelf,
    ) -> Result<(SpectralNorm, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, self.outputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { estimates: true, ..LayerTraits::PLAIN }
    }
}
