//! Binary cross-entropy whose positives weigh more, or less.

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Scalar, math};

use super::entry::Loss;
use super::target::{Target, TargetKind};
use super::terms::{self, Per, Term};
use super::weights::Terms;
use crate::error::ConfigError;
use crate::options::{self, ArgSpec, Domain};

pub(super) const POS_WEIGHT: ArgSpec = ArgSpec { name: "pos_weight", default: 1.0, domain: Domain::NonNegative };

/// Binary cross-entropy on logits whose positive part has a weight `p`:
/// `L = mean((1 - t) z + (1 + (p - 1) t) ln(1 + e^-z))`, `dL/dz = (1 - t - (1 + (p - 1) t) sigmoid(-z)) / n`; PyTorch's
/// `BCEWithLogitsLoss(pos_weight=p)`, with one weight for all columns. Made by [`super::BceWithLogits::pos_weight`].
///
/// # Shapes
/// Logits and targets, in `[0, 1]`, are `(batch, width)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedBceWithLogits {
    weight: f64,
}

impl WeightedBceWithLogits {
    /// As [`super::BceWithLogits`].
    pub(super) const PLAIN: Self = Self { weight: 1.0 };

    pub(super) fn new(weight: f64) -> Result<Self, ConfigError> {
        Ok(Self { weight: options::number("loss `bce_with_logits`", &POS_WEIGHT, weight)? })
    }

    /// The weight of the positive part.
    pub fn pos_weight(&self) -> f64 {
        self.weight
    }
}

impl<T: Scalar> Loss<T> for WeightedBceWithLogits {
    fn target(&self) -> TargetKind {
        TargetKind::Values
    }

    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
        let target = target.values(Self::OP, g);
        terms::each::<Self, T>(g, [self.weight, 0.0], Per::Value, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let target = target.values(Self::OP, g);
        terms::mean::<Self, T>(g, [self.weight, 0.0], Per::Value, output, target)
    }
}

impl Term for WeightedBceWithLogits {
    const OP: &'static str = "bce_with_logits";

    #[inline(always)]
    fn value<T: Scalar>([p, _]: [T; 2], z: T, t: T) -> T {
        (T::one() - t) * z + (T::one() + (p - T::one()) * t) * math::softplus(-z)
    }

    #[inline(always)]
    fn d_output<T: Scalar>([p, _]: [T; 2], z: T, t: T) -> T {
        T::one() - t - (T::one() + (p - T::one()) * t) * math::sigmoid(-z)
    }

    #[inline(always)]
    fn d_target<T: Scalar>([p, _]: [T; 2], z: T, _: T) -> T {
        (p - T::one()) * math::softplus(-z) - z
    }
}
