//! What a variational autoencoder says of rows: bounds of their likelihood, and rows of its own.

use layerwise_nn_layers::Module;
use layerwise_tensor::{Params, Scalar, Stream, math};
use layerwise_train::predict;
use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, s};

use crate::autoencoder::Autoencoder;
use crate::decoder::Decoder;
use crate::variational::{ValuesGiven, Variational};

/// Rows that pass through the network at a time.
const BATCH: usize = 1024;

/// For variational autoencoders; they panic for others. What is random is read from the stream that is given: the number for each row,
/// place of the code and sample depends on nothing else.
impl Autoencoder {
    /// The evidence lower bound of each row in nats, estimated without bias by `samples` samples of its code:
    /// `mean_k ln p(x | z_k) - KL(q(z | x), p(z))`, the divergence in closed form; constants are not left out, and `beta` counts as 1.
    ///
    /// # Shapes
    /// `x` is `(rows, inputs)`.
    ///
    /// # Panics
    /// If the model is not variational, `samples` is 0, or `x` has not the width of the input.
    #[track_caller]
    pub fn elbo<T: Scalar>(
        &self,
        params: &Params<T>,
        x: ArrayView2<'_, T>,
        samples: usize,
        stream: &Stream,
    ) -> Array1<f64>
    where
        Decoder: Module<T>,
    {
        let posterior = Posterior::of(self, params, x);
        let mut sum = Array1::zeros(x.nrows());
        posterior.each_sample(self, params, x, samples, stream, |values, _| sum += &values);
        sum / samples as f64 - posterior.divergence()
    }

    /// The divergence of each row's code from the standard normal distribution, `sum_j (e^v_j + m_j^2 - 1 - v_j) / 2`.
    ///
    /// # Panics
    /// If the model is not variational, or `x` has not the width of the input.
    #[track_caller]
    pub fn divergence<T: Scalar>(&self, params: &Params<T>, x: ArrayView2<'_, T>) -> Array1<f64> {
        Posterior::of(self, params, x).divergence()
    }

    /// The logarithm of each row's likelihood in nats, estimated by importance sampling:
    /// `ln 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x)` with `K` samples.
    ///
    /// In the mean it is at least the bound of [`Autoencoder::elbo`], does not fall as `K` grows, stays below the true value and tends to
    /// it.
    ///
    /// # Panics
    /// As [`Autoencoder::elbo`].
    ///
    /// Y. Burda, R. Grosse, R. Salakhutdinov, *Importance weighted autoencoders* (2016).
    #[track_caller]
    pub fn log_likelihood<T: Scalar>(
        &self,
        params: &Params<T>,
        x: ArrayView2<'_, T>,
        samples: usize,
        stream: &Stream,
    ) -> Array1<f64>
    where
        Decoder: Module<T>,
    {
        let posterior = Posterior::of(self, params, x);
        // Kept as largest term and sum of the others relative to it: no term passes 1.
        let mut largest = Array1::from_elem(x.nrows(), f64::NEG_INFINITY);
        let mut sum = Array1::<f64>::zeros(x.nrows());
        posterior.each_sample(self, params, x, samples, stream, |values, ratios| {
            Zip::from(&mut largest).and(&mut sum).and(&values).and(&ratios).for_each(|most, sum, value, ratio| {
                let weight = value + ratio;
                if weight > *most {
                    *sum = *sum * (*most - weight).exp() + 1.0;
                    *most = weight;
                } else if weight != f64::NEG_INFINITY {
                    *sum += (weight - *most).exp();
                }
            });
        });
        largest + sum.mapv(|sum| (sum / samples as f64).ln())
    }

    /// `rows` rows of the model's own, `(rows, inputs)`: what it makes of codes from the standard normal distribution; for Bernoulli
    /// values the probabilities. No noise of the values is added.
    ///
    /// # Panics
    /// If the model is not variational.
    #[track_caller]
    pub fn sample<T: Scalar>(&self, params: &Params<T>, rows: usize, stream: &Stream) -> Array2<T>
    where
        Decoder: Module<T>,
    {
        let mut code = Array2::zeros((rows, self.config().code));
        stream.normal(0, slice_mut(&mut code));
        let kind = kind(self);
        let mut y = predict(self.decoder(), params, code.view(), BATCH);
        if kind.values == ValuesGiven::Bernoulli {
            y.mapv_inplace(math::sigmoid);
        }
        y
    }
}

#[track_caller]
fn kind(model: &Autoencoder) -> Variational {
    let Some(kind) = model.config().variational else {
        panic!("the autoencoder is not variational: configure it by `AutoencoderConfig::variational`")
    };
    kind
}

/// The code's distribution for each row.
struct Posterior<T> {
    kind: Variational,
    mean: Array2<T>,
    log_variance: Array2<T>,
}

impl<T: Scalar> Posterior<T> {
    #[track_caller]
    fn of(model: &Autoencoder, params: &Params<T>, x: ArrayView2<'_, T>) -> Self {
        let (kind, code) = (kind(model), model.config().code);
        let both = predict(model.encoder().mlp(), params, x, BATCH);
        let (mean, log_variance) = both.view().split_at(Axis(1), code);
        Self { kind, mean: mean.to_owned(), log_variance: log_variance.to_owned() }
    }

    fn divergence(&self) -> Array1<f64> {
        let mut sums = Array1::zeros(self.mean.nrows());
        for ((i, j), m) in self.mean.indexed_iter() {
            let (m, v) = (m.as_f64(), self.log_variance[[i, j]].as_f64());
            sums[i] += 0.5 * (v.exp_m1() + m * m - v);
        }
        sums
    }

    /// Calls `f` for each sample of the codes with `ln p(x | z)` and `ln p(z) / q(z | x)` of each row.
    #[track_caller]
    fn each_sample(
        &self,
        model: &Autoencoder,
        params: &Params<T>,
        x: ArrayView2<'_, T>,
        samples: usize,
        stream: &Stream,
        mut f: impl FnMut(Array1<f64>, Array1<f64>),
    ) where
        Decoder: Module<T>,
    {
        assert!(samples > 0, "an estimate needs at least one sample of the code");
        let mut code = Array2::<T>::zeros(self.mean.dim());
        for k in 0..samples {
            stream.at(k as u64).normal(0, slice_mut(&mut code));
            let mut ratios = Array1::zeros(x.nrows());
            for ((i, j), z) in code.indexed_iter_mut() {
                let (noise, v) = (z.as_f64(), self.log_variance[[i, j]].as_f64());
                let sample = self.mean[[i, j]].as_f64() + (0.5 * v).exp() * noise;
                ratios[i] += 0.5 * (noise * noise + v - sample * sample);
                *z = T::of(sample);
            }
            let y = predict(model.decoder(), params, code.view(), BATCH);
            f(self.of_values(x, y.view()), ratios);
        }
    }

    /// `ln p(x | z)` of each row, given the output.
    fn of_values(&self, x: ArrayView2<'_, T>, y: ArrayView2<'_, T>) -> Array1<f64> {
        let pairs = |i: usize| x.slice_move(s![i, ..]).into_iter().zip(y.slice_move(s![i, ..]));
        let rows = 0..x.nrows();
        match self.kind.values {
            ValuesGiven::Gaussian { std } => {
                let constant = 0.5 * x.ncols() as f64 * (std::f64::consts::TAU * std * std).ln();
                let squares = |i| pairs(i).map(|(x, y)| (x.as_f64() - y.as_f64()).powi(2)).sum::<f64>();
                rows.map(|i| -constant - squares(i) / (2.0 * std * std)).collect()
            }
            ValuesGiven::Bernoulli => {
                let term = |(x, y): (&T, &T)| math::softplus(y.as_f64()) - x.as_f64() * y.as_f64();
                rows.map(|i| -pairs(i).map(term).sum::<f64>()).collect()
            }
        }
    }
}

fn slice_mut<T>(x: &mut Array2<T>) -> &mut [T] {
    x.as_slice_mut().unwrap_or_else(|| unreachable!("made in one piece"))
}
