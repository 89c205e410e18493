//! Clipping of gradients, by value and by global norm.
//!
//! [`Optimizer`](crate::Optimizer) clips as part of its pass and leaves the gradients as they are; the two functions here change them.

use layerwise_tensor::{Gradients, Scalar};
use serde::{Deserialize, Serialize};

use crate::error::{OptimError, require};

/// How gradients are bounded before the rule sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clip {
    /// Not at all.
    #[default]
    None,
    /// Each component into `[-c, c]`.
    Value(f64),
    /// All gradients by one factor, [`norm_factor`], so that their common Euclidean norm is at most this; the direction stays.
    GlobalNorm(f64),
}

impl Clip {
    pub(crate) fn check(&self) -> Result<(), OptimError> {
        match *self {
            Clip::None => Ok(()),
            Clip::Value(c) => require(c > 0.0, "clip.value", "above 0", c),
            Clip::GlobalNorm(max) => require(max > 0.0, "clip.global_norm", "above 0", max),
        }
    }
}

/// The factor of clipping by global norm: `min(1, max / (norm + 1e-6))`, as PyTorch's `clip_grad_norm_`.
///
/// Source: R. Pascanu, T. Mikolov, Y. Bengio, *On the difficulty of training recurrent neural networks* (2013); the 1e-6 is PyTorch's.
pub fn norm_factor(norm: f64, max: f64) -> f64 {
    let factor = max / (norm + 1e-6);
    if factor > 1.0 { 1.0 } else { factor }
}

/// Multiplies all written gradients by [`norm_factor`]; returns the norm they had.
///
/// With a norm that is not finite there is no direction to keep: the gradients stay as they are, and the norm returned says so.
pub fn global_norm<T: Scalar>(grads: &mut Gradients<T>, max: f64) -> f64 {
    let norm = grads.norm();
    let factor = norm_factor(norm, max);
    if norm.is_finite() && factor < 1.0 {
        grads.scale(factor);
    }
    norm
}

/// Moves each component of the written gradients into `[-c, c]`; returns the norm they had. A NaN stays one.
pub fn value<T: Scalar>(grads: &mut Gradients<T>, c: f64) -> f64 {
    let norm = grads.norm();
    let limit = T::of(c);
    for id in grads.layout().clone().ids() {
        if grads.is_written(id) {
            for g in grads.slot(id).0 {
                *g = if *g > limit { limit } else { *g };
                *g = if *g < -limit { -limit } else { *g };
            }
        }
    }
    norm
}
