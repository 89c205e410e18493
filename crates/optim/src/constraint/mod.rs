//! Constraints: what weights must fulfil after every step.
//!
//! A constraint is one file that holds a struct and a projection ([`ConstraintFn::project`]), and one line in [`table()`]. After the update
//! the optimizer puts the weights (not biases, gains and slopes) of the groups that ask for it back onto the nearest point that fulfils the
//! constraint. Unlike a penalty it costs nothing while it is fulfilled, and holds exactly.

mod max_norm;
mod non_negative;
mod shared;
mod table;
mod unit_norm;

use std::fmt::Debug;

use layerwise_tensor::{Scalar, SliceMut};
use serde::Serialize;

use crate::error::OptimError;

pub use crate::units::Units;
pub use max_norm::MaxNorm;
pub use non_negative::NonNegative;
pub use shared::SharedConstraint;
pub use table::{ConstraintEntry, from_config, table};
pub use unit_norm::UnitNorm;

/// What the author of a constraint writes: numbers that serialize, and a projection that is generic over the element type.
///
/// [`Constraint`] is implemented for every `ConstraintFn`.
pub trait ConstraintFn: Debug + Send + Sync + Serialize + 'static {
    /// The name in configurations.
    const NAME: &'static str;

    /// Whether the numbers are in range.
    fn check(&self) -> Result<(), OptimError>;

    /// Moves the weights to the nearest ones that fulfil the constraint. Units do not depend on each other.
    fn project<T: Scalar>(&self, weight: &mut Units<'_, T>);
}

/// A constraint without its type: what [`Optimizer`](crate::Optimizer) holds.
pub trait Constraint: Debug + Send + Sync {
    /// The name in configurations.
    fn name(&self) -> &'static str;
    /// Whether the numbers are in range.
    fn validate(&self) -> Result<(), OptimError>;
    /// The constraint as an object `{"name": .., numbers}`, from which [`from_config`] builds it again.
    fn config(&self) -> serde_json::Value;
    /// Projects 32-bit weights.
    fn project_f32(&self, weight: &mut Units<'_, f32>);
    /// Projects 64-bit weights.
    fn project_f64(&self, weight: &mut Units<'_, f64>);
}

impl<C: ConstraintFn> Constraint for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn validate(&self) -> Result<(), OptimError> {
        self.check()
    }

    fn config(&self) -> serde_json::Value {
        crate::named::with_name(C::NAME, self)
    }

    fn project_f32(&self, weight: &mut Units<'_, f32>) {
        self.project(weight);
    }

    fn project_f64(&self, weight: &mut Units<'_, f64>) {
        self.project(weight);
    }
}

/// Projects the row-major weights of as many units as `scratch` has places.
///
/// # Panics
/// If the weights are not whole rows of so many.
#[track_caller]
pub fn project<T: Scalar>(constraint: &dyn Constraint, weight: &mut [T], scratch: &mut [f64]) {
    match T::slice_mut(weight) {
        SliceMut::F32(weight) => constraint.project_f32(&mut Units::new(weight, scratch)),
        SliceMut::F64(weight) => constraint.project_f64(&mut Units::new(weight, scratch)),
    }
}
