//! Muon.

use layerwise_tensor::kernel::{Par, for_chunks_mut};
use layerwise_tensor::{Scalar, math};
use serde::{Deserialize, Serialize};

use super::{AdamW, DecayStyle, RuleFn, RuleStep, SharedRule, State};
use crate::error::{OptimError, require, require_fraction, require_not_negative};
use crate::newton_schulz::{orthogonalize, scratch_len};

/// Muon: momentum, orthogonalised. All singular values of a weight's step are about 1, whatever those of its gradient.
///
/// ```text
/// m  = momentum * m + (1 - momentum) * g
/// x  = (1 - momentum) * g + momentum * m    (Nesterov; else m)
/// x  = newton_schulz(x / max(|x|, eps)):    s -> a s + b s^3 + c s^5 for each singular value s, `iterations` times
/// w  = (1 - rate * weight_decay) * w - rate * adjusted * x
/// ```
///
/// Only for weights; the [companion](super::UpdateRule::companion) [`AdamW`] takes biases, gains and slopes, at the same rate unless a
/// [`Group`](crate::Group) gives them a factor. The authors leave the first and the last layer to AdamW as well:
/// `Group::below("0").rule(AdamW::default())`. Five products a step and weight cost more than other rules do.
///
/// Defaults (PyTorch's): rate 1e-3, momentum 0.95, Nesterov, coefficients 3.4445, -4.775, 2.0315, five iterations, eps 1e-7, weight decay
/// 0.1, decoupled, [`MuonScale::Original`]. One buffer of state. The coefficients rise steeply from 0 rather than converge: singular values
/// end in about 0.7 to 1.2. The step is blind to the scale of the gradient, so clipping by norm changes only the momentum.
///
/// Where we differ from PyTorch: it computes the iteration in `bfloat16` (three digits), we in the type of the parameters.
///
/// Source: K. Jordan et al., *Muon: an optimizer for hidden layers in neural networks* (2024).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Muon {
    /// Share of the momentum that is kept, in `[0, 1)`.
    pub momentum: f64,
    /// Whether to look ahead along the momentum.
    pub nesterov: bool,
    /// The polynomial `a s + b s^3 + c s^5`.
    pub coefficients: [f64; 3],
    /// Iterations of the polynomial, below 100.
    pub iterations: u32,
    /// What a smaller norm counts as.
    pub eps: f64,
    /// How the rate follows the shape of the weight.
    pub scale: MuonScale,
}

/// What [`Muon`] multiplies the rate by, for a weight from `in` to `out` units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MuonScale {
    /// `sqrt(max(1, out / in))`, as K. Jordan.
    #[default]
    Original,
    /// `0.2 * sqrt(max(in, out))`: steps as large as AdamW's, so that its rates fit. J. Liu et al., *Muon is scalable for LLM training*, arXiv
    /// 2502.16982 (2025).
    MatchRmsAdamw,
    /// `sqrt(out / in)`: a step changes the output of a layer by about as much whatever its shape. J. Bernstein, *Deriving Muon* (2025).
    SpectralUnclamped,
}

impl MuonScale {
    /// The factor for a weight `(in, out)`.
    pub fn factor(self, inputs: usize, outputs: usize) -> f64 {
        let (inputs, outputs) = (inputs as f64, outputs as f64);
        match self {
            MuonScale::Original => (outputs / inputs).max(1.0).sqrt(),
            MuonScale::MatchRmsAdamw => 0.2 * inputs.max(outputs).sqrt(),
            MuonScale::SpectralUnclamped => (outputs / inputs).sqrt(),
        }
    }
}

impl Default for Muon {
    fn default() -> Self {
        Self {
            momentum: 0.95,
            nesterov: true,
            coefficients: [3.4445, -4.775, 2.0315],
            iterations: 5,
            eps: 1e-7,
            scale: MuonScale::Original,
        }
    }
}

impl Muon {
    /// The same rule with this momentum.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same rule without Nesterov's look ahead.
    pub fn heavy_ball(self) -> Self {
        Self { nesterov: false, ..self }
    }

    /// The same rule with this polynomial, applied so many times.
    pub fn polynomial(self, coefficients: [f64; 3], iterations: u32) -> Self {
        Self { coefficients, iterations, ..self }
    }

    /// The same rule with this factor on the rate.
    pub fn scale(self, scale: MuonScale) -> Self {
        Self { scale, ..self }
    }
}

impl RuleFn for Muon {
    const NAME: &'static str = "muon";
    const RATE: f64 = 1e-3;
    const DECAY: f64 = 0.1;
    const DECAY_STYLE: DecayStyle = DecayStyle::Decoupled;

    fn slots(&self) -> &'static [&'static str] {
        &["momentum_buffer"]
    }

    fn takes_momentum(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), OptimError> {
        require_fraction("momentum", self.momentum)?;
        let [a, b, c] = self.coefficients;
        require((a + b + c).is_finite(), "coefficients", "finite", a + b + c)?;
        require(self.iterations < 100, "iterations", "below 100", f64::from(self.iterations))?;
        require_not_negative("eps", self.eps)
    }

    fn for_others(&self) -> Option<SharedRule> {
        Some(AdamW::default().into())
    }

    fn matrix_scratch(&self, rows: usize, cols: usize) -> Option<usize> {
        Some(scratch_len(rows, cols))
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, _step: &RuleStep, _w: &mut [T], _g: &[T], _state: State<'_, T>) {
        panic!("muon: it updates whole weights, not stretches of values; its companion is for what is no weight");
    }

    fn update_matrix<T: Scalar>(
        &self,
        step: &RuleStep,
        (rows, cols): (usize, usize),
        w: &mut [T],
        g: &mut [T],
        [m, ..]: State<'_, T>,
        scratch: &mut [T],
    ) {
        let (s, momentum) = (step.prepare::<T>(), step.momentum.unwrap_or(self.momentum));
        let (keep, new, ahead) = (T::of(momentum), T::of(1.0 - momentum), self.nesterov);
        for_chunks_mut(Par::Auto, w.len(), (&*w, &mut *g, m), |_, (w, g, m)| {
            math::vectorize(
                #[inline(always)]
                || {
                    for ((w, g), m) in w.iter().zip(g).zip(m) {
                        let gradient = s.gradient(*w, *g);
                        *m = s.faded(keep * *m + new * gradient);
                        *g = if ahead { new * gradient + keep * *m } else { *m };
                    }
                },
            );
        });
        let x = orthogonalize(g, (rows, cols), self.coefficients, self.iterations, self.eps, scratch);
        let rate = T::of(step.rate * self.scale.factor(rows, cols));
        for_chunks_mut(Par::Auto, w.len(), (w, x), |_, (w, x)| {
            math::vectorize(
                #[inline(always)]
                || w.iter_mut().zip(x).for_each(|(w, x)| *w = s.decayed(*w) - rate * *x),
            );
        });
    }
}
