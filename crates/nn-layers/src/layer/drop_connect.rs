//! A linear layer that forgets some of its weights at each step of training.

use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Var};
use layerwise_tensor::{Accum, Mode, Scalar, Scope, Stream, kernel};
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
    /// What the layer does in use; by default it takes the mean.
    #[serde(default, skip_serializing_if = "DropConnectUse::is_mean")]
    pub in_use: DropConnectUse,
}

/// What a [`DropConnect`] layer does in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropConnectUse {
    /// All weights, so that the output is the mean over the masks.
    #[default]
    Mean,
    /// A sample of the normal distribution with the mean and the variance of the output over the masks, from the stream of the graph. What
    /// predicts and evaluates (`predict`, validation) always takes the same stream, so for a mean over samples run graphs by hand.
    Gaussian,
}

impl DropConnectUse {
    fn is_mean(&self) -> bool {
        *self == Self::Mean
    }
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
        Self { outputs, p, bias: true, init: Init::default(), in_use: DropConnectUse::Mean }
    }

    /// With or without a bias.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Weights from `init`.
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// With this behaviour in use.
    pub fn in_use(self, in_use: DropConnectUse) -> Self {
        Self { in_use, ..self }
    }

    /// Registers `weight` and `bias` below `scope`.
    ///
    /// # Errors
    /// If a width is 0, the matrix is larger than any memory, or `p` is not in `[0, 1)`.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<DropConnect, ConfigError> {
        let p = check::probability(scope.path(), "`p`", self.p)?;
        let linear = LinearConfig::new(self.outputs).bias(self.bias).init(self.init).build(scope, inputs)?;
        Ok(DropConnect { linear, p, in_use: self.in_use })
    }
}

/// DropConnect: in training `y = x (w m) / (1 - p) + b` with `m` 0 with probability `p`, else 1, drawn anew for each step and the same
/// for all rows of the batch; in use `y = x w + b`.
///
/// The source draws a mask for each row; one mask for a batch costs no more than a linear layer.
///
/// # In use
/// Over the masks the output has the mean `m = x w + b` and the variance `v = (p / (1 - p)) x^2 w^2`, squares by element. By default the
/// layer gives the mean, as is usual. [`DropConnectUse::Gaussian`] gives `y = m + sqrt(v) n` with standard normal `n`, the source's way:
/// run the network with several streams and average behind the activations. Here `n` is drawn once for each output and shared by all
/// rows, so that what a row gets depends on the graph's stream, but neither on its place nor on its batch.
///
/// # Gradient
/// `dw = (xᵀ dy) m / (1 - p)`, `db` the column sums of `dy`, `dx = dy (w m)ᵀ / (1 - p)`. A sample in use has
/// `dv = dy n / (2 sqrt v)` beside `dm = dy`, and 0 where `v` is 0.
///
/// L. Wan, M. Zeiler, S. Zhang, Y. LeCun and R. Fergus, "Regularization of neural networks using DropConnect", 2013.
#[derive(Clone, Debug)]
pub struct DropConnect {
    linear: Linear,
    p: f64,
    in_use: DropConnectUse,
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
        if self.p == 0.0 || (g.mode() == Mode::Eval && self.in_use == DropConnectUse::Mean) {
            return self.linear.forward(g, x);
        }
        let w = g.param(self.linear.weight());
        if g.mode() == Mode::Eval {
            let mean = self.linear.forward(g, x);
            let (x2, w2) = (g.square(x), g.square(w));
            let variance = g.linear(x2, w2, None);
            let ((rows, cols), stream) = (g.shape(mean), g.next_stream());
            let factor = self.p / (1.0 - self.p);
            return g.push(Matched { mean, variance, factor, stream }, rows, cols);
        }
        let b = self.linear.bias().map(|b| g.param(b));
        let shape = g.shape(w);
        let m = noise::mask(g, shape, self.p, 1.0 / (1.0 - self.p));
        let w = g.mul(w, m);
        g.linear(x, w, b)
    }
}

/// `y = mean + sqrt(factor variance) n`, with the same normal `n` for all rows, which its slot keeps.
#[derive(Clone, Copy, Debug)]
struct Matched {
    mean: Var,
    variance: Var,
    factor: f64,
    stream: Stream,
}

impl<T: Scalar> Op<T> for Matched {
    fn name(&self) -> &'static str {
        DropConnectConfig::NAME
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.mean, self.variance])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (mean, variance, cols) = (f.values.get(self.mean), f.values.get(self.variance), f.cols);
        let [noise, ..] = f.saved.sized([cols, 0, 0]);
        self.stream.normal(0, noise);
        let (noise, factor) = (&*noise, T::of(self.factor));
        kernel::for_tiles(cols, f.y, f.par, |first, y| {
            y.copy_from_slice(&mean[first * cols..][..y.len()]);
            let rows = variance[first * cols..].chunks_exact(cols);
            for (y, v) in y.chunks_exact_mut(cols).zip(rows) {
                y.iter_mut().zip(v).zip(noise).for_each(|((y, v), n)| *y += (factor * *v).sqrt() * *n);
            }
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (variance, cols, dy) = (b.values.get(self.variance), b.cols, &*b.dy);
        let [noise, ..] = b.saved.get();
        if let Some((dmean, accum)) = b.grads.get(self.mean) {
            match accum {
                Accum::Replace => dmean.copy_from_slice(dy),
                Accum::Add => dmean.iter_mut().zip(dy).for_each(|(d, dy)| *d += *dy),
            }
        }
        let (half, factor) = (T::of(0.5), T::of(self.factor));
        if let Some((dvariance, accum)) = b.grads.get(self.variance) {
            kernel::for_tiles(cols, dvariance, b.par, |first, dv| {
                let rows = variance[first * cols..].chunks_exact(cols).zip(dy[first * cols..].chunks_exact(cols));
                for (dv, (v, dy)) in dv.chunks_exact_mut(cols).zip(rows) {
                    for (((dv, v), dy), n) in dv.iter_mut().zip(v).zip(dy).zip(noise) {
                        let root = (factor * *v).sqrt();
                        let d = if root > T::zero() { half * factor * *dy * *n / root } else { T::zero() };
                        *dv = if accum == Accum::Add { *dv + d } else { d };
                    }
                }
            });
        }
    }
}

impl BuildLayer for DropConnectConfig {
    const NAME: &'static str = "drop_connect";
    const DOC: &'static str =
        "y = x (w m) / (1 - p) + b in training, with a random mask m of the weights; y = x w + b in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 4, options: r#"{"outputs": 3}"# },
        Sample { inputs: 7, options: r#"{"outputs": 5, "p": 0.2, "bias": false, "init": "he_normal"}"# },
        Sample { inputs: 1, options: r#"{"outputs": 1}"# },
        Sample { inputs: 15, options: r#"{"outputs": 17, "p": 0.3, "in_use": "gaussian"}"# },
    ];
    type Layer = DropConnect;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<(DropConnect, usize), ConfigError> {
        Ok((self.build(scope, inputs)?, self.outputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        LayerTraits { stochastic: self.p > 0.0, ..LayerTraits::PLAIN }
    }
}
