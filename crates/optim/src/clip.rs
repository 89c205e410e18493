//! Clipping of gradients, by value, by global norm, by the norm of each parameter and by the norms of the weights.
//!
//! [`Optimizer`](crate::Optimizer) clips as part of its pass and leaves the gradients as they are; the functions here change them.

use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Gradients, Params, Scalar};
use serde::{Deserialize, Serialize};

use crate::error::{OptimError, require};
use crate::units;

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
    /// The gradient of each parameter by a factor of its own, [`norm_factor`], so that its Euclidean norm is at most this.
    ParameterNorm(f64),
    /// The gradient of each unit by a factor of its own, [`unit_factor`], so that its norm is at most `ratio` times that of the unit's
    /// incoming weights (of the whole parameter where it is no weight).
    Adaptive {
        /// The largest ratio; the paper's 0.01 for batches of 4096, more for smaller ones.
        ratio: f64,
        /// What a smaller norm of weights counts as, so that units that start at zero can leave it: 1e-3 unless given.
        #[serde(default = "thousandth")]
        floor: f64,
    },
}

fn thousandth() -> f64 {
    1e-3
}

impl Clip {
    pub(crate) fn check(&self) -> Result<(), OptimError> {
        match *self {
            Clip::None => Ok(()),
            Clip::Value(c) => require(c > 0.0, "clip.value", "above 0", c),
            Clip::GlobalNorm(max) => require(max > 0.0, "clip.global_norm", "above 0", max),
            Clip::ParameterNorm(max) => require(max > 0.0, "clip.parameter_norm", "above 0", max),
            Clip::Adaptive { ratio, floor } => {
                require(ratio > 0.0, "clip.adaptive.ratio", "above 0", ratio)?;
                require(floor > 0.0 && floor.is_finite(), "clip.adaptive.floor", "finite and above 0", floor)
            }
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

/// Multiplies the written gradients of each parameter by [`norm_factor`] of their own norm; returns the norm all had.
///
/// As in [`global_norm`], nothing changes if that is not finite.
pub fn parameter_norm<T: Scalar>(grads: &mut Gradients<T>, max: f64) -> f64 {
    let norm = grads.norm();
    for id in grads.layout().clone().ids() {
        if grads.is_written(id) && norm.is_finite() {
            let g = grads.slot(id).0;
            let factor = T::of(norm_factor(length(g), max));
            g.iter_mut().for_each(|g| *g *= factor);
        }
    }
    norm
}

/// The Euclidean norm of `g`.
pub(crate) fn length<T: Scalar>(g: &[T]) -> f64 {
    kernel::sum_of_squares(g, Par::Auto).sqrt()
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

/// The factor of adaptive clipping for one unit: `min(1, ratio * max(|w|, floor) / |g|)`, with the Euclidean norms of its incoming weights
/// and of their gradients.
///
/// Source: A. Brock, S. De, S. L. Smith, K. Simonyan, *High-performance large-scale image recognition without normalization*, arXiv
/// 2102.06171 (2021), equation 3. They leave the last layer unclipped; here every layer is clipped.
pub fn unit_factor(weights: f64, gradients: f64, ratio: f64, floor: f64) -> f64 {
    let max = ratio * weights.max(floor);
    if gradients > max { max / gradients } else { 1.0 }
}

/// Multiplies the written gradients of each unit by [`unit_factor`]; returns the norm all had.
///
/// # Panics
/// If `params` and `grads` belong to different models.
#[track_caller]
pub fn adaptive<T: Scalar>(params: &Params<T>, grads: &mut Gradients<T>, ratio: f64, floor: f64) -> f64 {
    let norm = grads.norm();
    let layout = grads.layout().clone();
    assert!(layout.same_shape(params.layout()), "clip::adaptive: parameters and gradients belong to different models");
    for id in layout.ids().filter(|id| !layout.spec(*id).is_buffer()) {
        if grads.is_written(id) && norm.is_finite() {
            let units = units::count(layout.spec(id));
            let (mut norms, mut factors) = (vec![0.0; 2 * units], vec![T::one(); units]);
            let g = grads.slot(id).0;
            unit_factors(params.get(id), g, (ratio, floor), &mut norms, &mut factors);
            for row in g.chunks_exact_mut(units.max(1)) {
                row.iter_mut().zip(&factors).for_each(|(g, f)| *g *= *f);
            }
        }
    }
    norm
}

/// Fills `factors`, one for each unit, by means of twice as many `norms`; says whether one is below 1.
pub(crate) fn unit_factors<T: Scalar>(
    w: &[T],
    g: &[T],
    (ratio, floor): (f64, f64),
    norms: &mut [f64],
    factors: &mut [T],
) -> bool {
    let (of_weights, of_gradients) = norms[..2 * factors.len()].split_at_mut(factors.len());
    units::sums_of_squares(w, of_weights);
    units::sums_of_squares(g, of_gradients);
    let mut clipped = false;
    for ((w, g), f) in of_weights.iter().zip(of_gradients).zip(factors) {
        let factor = unit_factor(w.sqrt(), g.sqrt(), ratio, floor);
        clipped |= factor < 1.0;
        *f = T::of(factor);
    }
    clipped
}
