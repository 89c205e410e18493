//! Likelihood of counts that vary more than a Poisson distribution allows.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::columns::{self, Cell};
use super::entry::{AnyLoss, Loss, NamedLoss};
use super::target::{Target, TargetKind};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options;

/// Negative log-likelihood of counts `t` under the negative binomial distribution of mean `m = e^y` and dispersion `r = e^s`, whose
/// variance is `m + m^2 / r`: the left half of the output is `y`, the right half `s`.
///
/// `L = mean(ln Gamma(r) + ln Gamma(t + 1) - ln Gamma(t + r) + r softplus(y - s) + t softplus(s - y))`, and by element, with
/// `q = sigmoid(y - s) = m / (m + r)`, `dL/dy = r q - t (1 - q)` and
/// `dL/ds = r (psi(r) - psi(t + r) + softplus(y - s) - q) + t (1 - q)`, both divided by the number of values; `psi` is
/// [`crate::special::digamma`]. It tends to the Poisson distribution as `r` grows; `r` is kept within `[1e-4, 1e6]`, and at either end `dL/ds` is 0.
///
/// # Shapes
/// The output is `(batch, 2 width)`, the target `(batch, width)`.
///
/// # PyTorch
/// There is no such loss; it is `-NegativeBinomial(total_count=r, logits=y - s).log_prob(t)` of `torch.distributions`.
///
/// G. Eraslan, L. Simon, M. Mircea, N. Mueller and F. Theis, "Single-cell RNA-seq denoising using a deep count autoencoder", 2019.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NegativeBinomial;

impl<T: Scalar> Loss<T> for NegativeBinomial {
    fn target(&self) -> TargetKind {
        Self::TARGET
    }

    fn outputs_per_target(&self) -> usize {
        2
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::NAME, g);
        let width = g.shape(target).1;
        let fits = g.shape(output) == (g.shape(target).0, 2 * width);
        let reason = "the output must be twice as wide as the target: means, dispersions";
        g.require(fits, Self::NAME, &[output, target], reason);
        columns::terms(g, Self::NAME, output, target, width, |j| Cell::negative_binomial([j, width + j], j))
    }
}

impl NamedLoss for NegativeBinomial {
    const NAME: &'static str = "negative_binomial";
    const DOC: &'static str = "-ln P(t) with mean e^y and dispersion e^s side by side, variance m + m^2 / r";
    const SAMPLES: &'static [&'static str] = &["{}"];
    const TARGET: TargetKind = TargetKind::Values;

    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        options::none("loss `negative_binomial`", options)?;
        Ok(Box::new(Self))
    }
}
