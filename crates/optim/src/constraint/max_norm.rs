//! A largest norm of the incoming weights of each unit.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{ConstraintFn, Units};
use crate::error::{OptimError, require};

/// The incoming weights of each unit have a Euclidean norm of at most `max`; longer ones are shortened, their direction stays.
///
/// `w_j *= min(1, max / |w_j|)`, `w_j` a column of the weight `(in, out)`. The default of 2 is Keras's. Where we differ from Keras: no 1e-7
/// in the denominator, so that a norm within the bound is not touched.
///
/// Sources: N. Srebro, A. Shraibman, *Rank, trace-norm and max-norm* (2005); with dropout: G. E. Hinton et al., *Improving neural networks
/// by preventing co-adaptation of feature detectors*, arXiv 1207.0580 (2012).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MaxNorm {
    /// The largest norm.
    pub max: f64,
}

impl Default for MaxNorm {
    fn default() -> Self {
        Self { max: 2.0 }
    }
}

impl MaxNorm {
    /// Norms of at most `max`.
    pub fn new(max: f64) -> Self {
        Self { max }
    }
}

impl ConstraintFn for MaxNorm {
    const NAME: &'static str = "max_norm";

    fn check(&self) -> Result<(), OptimError> {
        require(self.max > 0.0 && self.max.is_finite(), "max", "finite and above 0", self.max)
    }

    fn project<T: Scalar>(&self, weight: &mut Units<'_, T>) {
        weight.rescale(|norm| if norm > self.max { self.max / norm } else { 1.0 });
    }
}
