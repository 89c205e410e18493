//! Incoming weights of norm one.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{ConstraintFn, Units};
use crate::error::OptimError;

/// The incoming weights of each unit have the Euclidean norm 1: `w_j /= |w_j|`, `w_j` a column of the weight `(in, out)`.
///
/// Incoming weights that are all 0 have no direction and stay. Where we differ from Keras: no 1e-7 in the denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitNorm {}

impl ConstraintFn for UnitNorm {
    const NAME: &'static str = "unit_norm";

    fn check(&self) -> Result<(), OptimError> {
        Ok(())
    }

    fn project<T: Scalar>(&self, weight: &mut Units<'_, T>) {
        weight.rescale(|norm| if norm > 0.0 { 1.0 / norm } else { 1.0 });
    }
}
