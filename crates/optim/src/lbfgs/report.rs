//! What a step of L-BFGS did.

/// What a step of [`Lbfgs`](super::Lbfgs) did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LbfgsReport {
    /// The loss before the step.
    pub first_loss: f64,
    /// The last loss that was computed at an accepted point; without a line search the last move of a step is not evaluated.
    pub loss: f64,
    /// Largest magnitude in the gradient that belongs to `loss`.
    pub grad_max: f64,
    /// Directions that were followed, or tried.
    pub iterations: u64,
    /// Calls of the closure.
    pub evaluations: u64,
    /// Why the step ended.
    pub stop: Stop,
}

/// Why a step of [`Lbfgs`](super::Lbfgs) ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// No component of the gradient is above its tolerance: a stationary point.
    Gradient,
    /// The last move changed parameters or loss by no more than the tolerance.
    Change,
    /// The direction does not lead down by more than the tolerance.
    Slope,
    /// All iterations are used up.
    Iterations,
    /// All evaluations are used up.
    Evaluations,
    /// Loss or gradient is a NaN or an infinity; the parameters are the last ones where they were not.
    NotFinite,
}
