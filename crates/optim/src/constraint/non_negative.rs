//! No negative weights.

use layerwise_tensor::Scalar;
use serde::{Deserialize, Serialize};

use super::{ConstraintFn, Units};
use crate::error::OptimError;

/// No weight is below 0: `w = max(w, 0)`. With it an autoencoder learns parts that add up.
///
/// Source: D. D. Lee, H. S. Seung, *Learning the parts of objects by non-negative matrix factorization* (1999), by projection rather than
/// by multiplication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NonNegative {}

impl ConstraintFn for NonNegative {
    const NAME: &'static str = "non_negative";

    fn check(&self) -> Result<(), OptimError> {
        Ok(())
    }

    fn project<T: Scalar>(&self, weight: &mut Units<'_, T>) {
        weight.map(|w| if w < T::zero() { T::zero() } else { w });
    }
}
