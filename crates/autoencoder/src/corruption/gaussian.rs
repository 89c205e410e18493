//! Gaussian noise.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::layer::{BuildLayer, Built, LayerTraits, Sample, Shelf};
use layerwise_nn_layers::{ConfigError, Module};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

/// Configuration of [`GaussianNoise`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GaussianNoiseConfig {
    /// Standard deviation of the noise, in units of the input; at least 0.
    pub std: f64,
}

impl GaussianNoiseConfig {
    /// Noise with this standard deviation.
    pub fn new(std: f64) -> Self {
        Self { std }
    }
}

/// `y = x + std * n` with standard normal `n` in training, `y = x` in use; the gradient passes unchanged.
///
/// The noise comes from the stream of the step, so it depends on the seed, the step and the place in it only.
///
/// # Shapes
/// `(batch, features)` in and out.
///
/// Source: P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, *Stacked denoising autoencoders* (2010).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNoise {
    std: f64,
}

impl<T: Scalar> Module<T> for GaussianNoise {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if g.mode() == Mode::Eval || self.std == 0.0 {
            return x;
        }
        let (rows, cols) = g.shape(x);
        let (stream, std) = (g.next_stream().child("noise"), T::of(self.std));
        let noise = g.input_from(rows, cols, |out| {
            stream.normal(0, out);
            out.iter_mut().for_each(|n| *n *= std);
        });
        g.add(x, noise)
    }
}

impl BuildLayer for GaussianNoiseConfig {
    const NAME: &'static str = "gaussian_noise";
    const DOC: &'static str = "y = x + std n in training, with standard normal n; y = x in use";
    const SAMPLES: &'static [Sample] = &[Sample { inputs: 5, options: r#"{"std": 0.1}"# }];
    type Layer = GaussianNoise;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<Built<GaussianNoise>, ConfigError> {
        if !(self.std.is_finite() && self.std >= 0.0) {
            let remedy = "give the standard deviation of the noise, such as 0.1";
            return Err(ConfigError::bad_value(scope.path(), "`std`", "finite and at least 0", self.std, remedy));
        }
        Ok((GaussianNoise { std: self.std }, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        let mut traits = LayerTraits::PLAIN;
        traits.stochastic = self.std > 0.0;
        traits
    }
}
