//! Masking noise.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::layer::{BuildLayer, Built, LayerTraits, Sample, Shelf};
use layerwise_nn_layers::{ConfigError, Module};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;

/// Configuration of [`Masking`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MaskingConfig {
    /// The probability with which a value is set to zero, within `[0, 1]`.
    pub share: f64,
    /// Whether the values that are left are divided by `1 - share`, so that the mean stays, as in dropout; by default no.
    #[serde(default)]
    pub rescale: bool,
}

impl MaskingConfig {
    /// Zeroes this share of the values and leaves the others as they are.
    pub fn new(share: f64) -> Self {
        Self { share, rescale: false }
    }

    /// With or without a rescaling of what is left.
    pub fn rescale(self, rescale: bool) -> Self {
        Self { rescale, ..self }
    }
}

/// `y = x m` in training, `m` zero with probability `share`, else one (or `1 / (1 - share)`); `y = x` in use. `dx = dy m`.
///
/// For standardised features zero is the mean, so a masked value looks like an average one.
///
/// # Shapes
/// `(batch, features)` in and out.
///
/// Source: P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, *Stacked denoising autoencoders* (2010), where exactly this
/// share of each row is zeroed; here each value is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Masking {
    share: f64,
    kept: f64,
}

impl<T: Scalar> Module<T> for Masking {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if g.mode() == Mode::Eval || self.share == 0.0 {
            return x;
        }
        let (stream, cols) = (g.next_stream().child("masking"), g.shape(x).1);
        let mask = check::like(g, x, |first, out| {
            stream.bernoulli((first * cols) as u64, 1.0 - self.share, self.kept, out);
        });
        g.mul(x, mask)
    }
}

impl BuildLayer for MaskingConfig {
    const NAME: &'static str = "masking";
    const DOC: &'static str = "y = x m in training, m zero with probability `share`, else one; y = x in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 5, options: r#"{"share": 0.25}"# },
        Sample { inputs: 3, options: r#"{"share": 0.5, "rescale": true}"# },
    ];
    type Layer = Masking;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<Built<Masking>, ConfigError> {
        let share = check::share(scope.path(), self.share)?;
        if self.rescale && share == 1.0 {
            let remedy = "leave a value, or leave `rescale` out";
            return Err(ConfigError::bad_value(scope.path(), "`share`", "below 1 with `rescale`", share, remedy));
        }
        let kept = if self.rescale { 1.0 / (1.0 - share) } else { 1.0 };
        Ok((Masking { share, kept }, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        let mut traits = LayerTraits::PLAIN;
        traits.stochastic = self.share > 0.0;
        traits
    }
}
