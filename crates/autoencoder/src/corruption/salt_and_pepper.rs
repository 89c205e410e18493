//! Salt and pepper.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::layer::{BuildLayer, Built, LayerTraits, Sample, Shelf};
use layerwise_nn_layers::{ConfigError, Module};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;

/// Configuration of [`SaltAndPepper`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SaltAndPepperConfig {
    /// The probability with which a value is replaced, within `[0, 1]`.
    pub share: f64,
    /// The smallest value there is, which half of the replaced values get; by default 0.
    #[serde(default)]
    pub low: f64,
    /// The largest value there is, which the other half gets; by default 1.
    #[serde(default = "one")]
    pub high: f64,
}

fn one() -> f64 {
    1.0
}

impl SaltAndPepperConfig {
    /// Replaces this share of the values by 0 or 1.
    pub fn new(share: f64) -> Self {
        Self { share, low: 0.0, high: 1.0 }
    }

    /// With these smallest and largest values instead of 0 and 1: give those of the data.
    pub fn values(self, low: f64, high: f64) -> Self {
        Self { low, high, ..self }
    }
}

/// In training each value becomes `low` or `high` with probability `share / 2` each; `y = x` in use. `dx = dy` where the value is kept.
///
/// # Shapes
/// `(batch, features)` in and out.
///
/// Source: P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, *Stacked denoising autoencoders* (2010), where exactly this
/// share of each row is replaced; here each value is by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SaltAndPepper {
    share: f64,
    low: f64,
    high: f64,
}

impl SaltAndPepper {
    /// What takes the place of a value for which `u` was drawn, if anything does.
    fn replaced(&self, u: f64) -> Option<f64> {
        (u < self.share).then_some(if u < 0.5 * self.share { self.low } else { self.high })
    }
}

impl<T: Scalar> Module<T> for SaltAndPepper {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if g.mode() == Mode::Eval || self.share == 0.0 {
            return x;
        }
        let (stream, cols) = (g.next_stream().child("salt_and_pepper"), g.shape(x).1);
        // Drawn twice, for the mask and for what is put in its place.
        let draw = |g: &mut Graph<'_, T>, f: &(dyn Fn(Option<f64>) -> f64 + Sync)| {
            check::like(g, x, |first, out| {
                check::for_uniform(&stream, first * cols, out.len(), |i, u| out[i] = T::of(f(self.replaced(u))));
            })
        };
        let mask = draw(g, &|r| if r.is_some() { 0.0 } else { 1.0 });
        let grains = draw(g, &|r| r.unwrap_or(0.0));
        let kept = g.mul(x, mask);
        g.add(kept, grains)
    }
}

impl BuildLayer for SaltAndPepperConfig {
    const NAME: &'static str = "salt_and_pepper";
    const DOC: &'static str =
        "each value becomes `low` or `high` with probability `share` / 2 each, in training; y = x in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 5, options: r#"{"share": 0.3}"# },
        Sample { inputs: 4, options: r#"{"share": 0.4, "low": -2.0, "high": 2.0}"# },
    ];
    type Layer = SaltAndPepper;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<Built<SaltAndPepper>, ConfigError> {
        let share = check::share(scope.path(), self.share)?;
        if !(self.low.is_finite() && self.high.is_finite() && self.low <= self.high) {
            let found = format!("{} and {}", self.low, self.high);
            let remedy = "give the smallest and the largest value of the data";
            return Err(ConfigError::bad_value(
                scope.path(),
                "`low` and `high`",
                "finite, in this order",
                found,
                remedy,
            ));
        }
        Ok((SaltAndPepper { share, low: self.low, high: self.high }, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        let mut traits = LayerTraits::PLAIN;
        traits.stochastic = self.share > 0.0;
        traits
    }
}
