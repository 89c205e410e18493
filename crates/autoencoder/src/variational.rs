//! What makes an autoencoder variational.

use layerwise_nn_layers::{AnyLoss, BceWithLogits, ConfigError, Mse};
use serde::{Deserialize, Serialize};

/// A code that is a distribution: the encoder puts out mean and log-variance of a normal one, the decoder gets a sample of it in
/// training and the mean in use, and the divergence of that distribution from the standard normal one is part of the loss.
///
/// # The objective
/// With `n` values in a row, the loss of [`Variational::loss`] is a mean over the `r n` values of a batch, so the divergence is divided by
/// `n` too; then the whole is the negative evidence lower bound, up to a constant and a factor that no optimum depends on:
///
/// | values | loss | penalty | loss + penalty, for `beta` 1 |
/// |---|---|---|---|
/// | normal, standard deviation `s` | `sum (x - y)^2 / (r n)` | `beta 2 s^2 / n KL` | `-ELBO 2 s^2 / n - s^2 ln(2 pi s^2)` |
/// | Bernoulli, logits `y` | `sum (softplus(y) - x y) / (r n)` | `beta / n KL` | `-ELBO / n` |
///
/// where `KL = sum_ij (e^v_ij + m_ij^2 - 1 - v_ij) / (2 r)` for means `m` and log-variances `v` of the code, and ELBO is that of one
/// sample of the code for each row, meaned over the rows. `s` decides how much a code is worth: a code whose help is below the noise `s` is
/// given up. Where targets are masked the loss is a mean over what is known, so the divergence weighs less by that share.
///
/// D. Kingma and M. Welling, *Auto-encoding variational Bayes* (2014); `beta` I. Higgins and others, *beta-VAE* (2017).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Variational {
    /// The weight of the divergence; 1 makes the objective a bound of the likelihood.
    #[serde(default = "one")]
    pub beta: f64,
    /// How the values of a row are distributed, given its code.
    #[serde(default)]
    pub values: ValuesGiven,
}

/// How the values of a row are distributed, given its code: independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ValuesGiven {
    /// Normal around the output.
    Gaussian {
        /// Standard deviation.
        std: f64,
    },
    /// 0 or 1, or shares between, with the output as logit.
    Bernoulli,
}

impl Default for ValuesGiven {
    /// Normal with standard deviation 1.
    fn default() -> Self {
        Self::Gaussian { std: 1.0 }
    }
}

fn one() -> f64 {
    1.0
}

impl Variational {
    /// For values that are normal around the output, with this standard deviation.
    pub fn gaussian(std: f64) -> Self {
        Self { beta: one(), values: ValuesGiven::Gaussian { std } }
    }

    /// For values within 0 and 1, the output being logits.
    pub fn bernoulli() -> Self {
        Self { beta: one(), values: ValuesGiven::Bernoulli }
    }

    /// With this weight of the divergence.
    pub fn beta(self, beta: f64) -> Self {
        Self { beta, ..self }
    }

    /// The loss that the model asks for: [`Mse`] for normal values, [`BceWithLogits`] for Bernoulli ones.
    pub fn loss(&self) -> Box<dyn AnyLoss> {
        match self.values {
            ValuesGiven::Gaussian { .. } => Box::new(Mse),
            ValuesGiven::Bernoulli => Box::new(BceWithLogits),
        }
    }

    /// What the divergence of a row of `n` values is multiplied by.
    pub fn weight(&self, n: usize) -> f64 {
        let scale = match self.values {
            ValuesGiven::Gaussian { std } => 2.0 * std * std,
            ValuesGiven::Bernoulli => 1.0,
        };
        self.beta * scale / n as f64
    }

    pub(crate) fn check(&self, path: &str) -> Result<(), ConfigError> {
        if !(self.beta.is_finite() && self.beta >= 0.0) {
            let remedy = "1 makes the objective a bound of the likelihood";
            return Err(ConfigError::bad_value(path, "`beta`", "finite and at least 0", self.beta, remedy));
        }
        match self.values {
            ValuesGiven::Gaussian { std } if !(std.is_finite() && std > 0.0) => {
                let remedy = "give the spread of a value around its reconstruction";
                Err(ConfigError::bad_value(path, "`std`", "finite and above 0", std, remedy))
            }
            _ => Ok(()),
        }
    }
}
