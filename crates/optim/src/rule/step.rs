//! What one update of one parameter needs besides its buffers.
//! (not an entry of the table)

use layerwise_tensor::Scalar;

/// The numbers of one update of one parameter; the same for all its elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleStep {
    /// Learning rate of this step: base rate times schedule times the group's factor.
    pub rate: f64,
    /// Which update of this parameter it is, counted from 1. Steps in which no gradient reached the parameter do not count, as in
    /// PyTorch.
    pub t: u64,
    /// What the gradient is multiplied by: the factor of clipping by a norm.
    pub grad_scale: f64,
    /// Bound of each component of the gradient: clipping by value; infinite without.
    pub grad_limit: f64,
    /// L1 penalty: `l1 * sign(w)` is added to the clipped gradient.
    pub l1: f64,
    /// L2 penalty, or coupled decay: `l2 * w` is added to the clipped gradient.
    pub l2: f64,
    /// Momentum of this step, from a schedule that moves it; `None` for the rule's own.
    pub momentum: Option<f64>,
    /// Decoupled decay: `w` is multiplied by `1 - rate * decay` before the update.
    pub decay: f64,
}

impl RuleStep {
    /// A step without clipping, penalties and decay.
    pub fn new(rate: f64, t: u64) -> Self {
        Self { rate, t, grad_scale: 1.0, grad_limit: f64::INFINITY, l1: 0.0, l2: 0.0, momentum: None, decay: 0.0 }
    }

    /// The numbers of the step in the type of the buffers; made once, in front of the loop.
    #[inline(always)]
    pub fn prepare<T: Scalar>(&self) -> Prepared<T> {
        Prepared {
            rate: T::of(self.rate),
            scale: T::of(self.grad_scale),
            limit: T::of(self.grad_limit),
            l1: T::of(self.l1),
            l2: T::of(self.l2),
            keep: T::of(1.0 - self.rate * self.decay),
            tiny: T::of(64.0) * T::min_positive_value().sqrt(),
        }
    }
}

/// [`RuleStep`] in the type of the buffers.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<T> {
    /// Learning rate of this step.
    pub rate: T,
    scale: T,
    limit: T,
    l1: T,
    l2: T,
    keep: T,
    tiny: T,
}

impl<T: Scalar> Prepared<T> {
    /// The gradient the rule works with: scaled, bounded, with both penalties added.
    ///
    /// `g' = clamp(scale * g) + l2 * w + l1 * sign(w)`, `sign(0) = 0`. A NaN stays one; what is [`faded`](Self::faded) is 0.
    #[inline(always)]
    pub fn gradient(&self, w: T, g: T) -> T {
        let g = self.scale * g;
        let g = if g > self.limit { self.limit } else { g };
        let g = if g < -self.limit { -self.limit } else { g };
        self.faded(g + self.l2 * w + self.l1 * sign(w))
    }

    /// 0 for what is too small to have an effect, else `m`: for gradients and running means of them.
    ///
    /// The bound is `64 sqrt(smallest normal number)`, 7e-18 in `f32` and 1e-152 in `f64`: the square of what is left, times a share
    /// of 1e-3, is still a normal number. Without it the means of a unit that no longer learns (a dead ReLU) decay into subnormal
    /// numbers within some hundred steps and stay there, where many processors multiply far more slowly.
    /// PyTorch does not do this; its step slows down then.
    #[inline(always)]
    pub fn faded(&self, m: T) -> T {
        if m.abs() < self.tiny { T::zero() } else { m }
    }

    /// `v`, but no smaller than the square of the bound of [`faded`](Self::faded) once it is above 0: for running means of squares.
    ///
    /// They are held, not set to 0, since a rule divides by their root.
    #[inline(always)]
    pub fn held(&self, v: T) -> T {
        let least = self.tiny * self.tiny;
        if v < least && v > T::zero() { least } else { v }
    }

    /// The parameter after decoupled decay: `(1 - rate * decay) * w`.
    #[inline(always)]
    pub fn decayed(&self, w: T) -> T {
        self.keep * w
    }
}

/// The subgradient of `|w|` that is 0 at 0.
#[inline(always)]
pub(crate) fn sign<T: Scalar>(w: T) -> T {
    let positive = if w > T::zero() { T::one() } else { T::zero() };
    let negative = if w < T::zero() { T::one() } else { T::zero() };
    positive - negative
}
