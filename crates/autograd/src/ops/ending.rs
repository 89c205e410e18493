//! What an operation ends with on each row of its result: an activation, a dropout.

use layerwise_tensor::Scalar;
use layerwise_tensor::kernel::{self, Par, Tile};

use super::dropout::Mask;
use super::elementwise::update;
use crate::act::{Act, Needs};

/// `y = f(u) m / keep` on a value `u` that is never stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ending {
    pub(crate) act: Option<Act>,
    pub(crate) mask: Option<Mask>,
}

impl Ending {
    pub(crate) fn is_none(&self) -> bool {
        self.act.is_none() && self.mask.is_none()
    }

    /// Whether the factor of the backward pass, `f' m / keep`, is kept; an activation whose derivative follows from `y` needs none.
    fn keeps_factor(&self) -> bool {
        self.mask.is_some() || self.act.is_some_and(|a| a.needs() == Needs::Input)
    }

    /// Values to keep of a result of length `len`.
    pub(crate) fn saves(&self, wants_grad: bool, len: usize) -> usize {
        if wants_grad && self.keeps_factor() { len } else { 0 }
    }

    /// The forward pass, as an epilogue.
    pub(crate) fn apply<T: Scalar>(&self, t: Tile<'_, T>) {
        match (self.act, self.mask) {
            (act, Some(mask)) => mask.apply_after(act, t.first_row * t.cols, t.y, t.saved),
            (Some(act), None) if t.saved.is_empty() => act.forward(t.y),
            (Some(act), None) => act.both(t.y, t.saved),
            (None, None) => (),
        }
    }

    /// `dy = dy f' m / keep` in place.
    pub(crate) fn backward<T: Scalar>(&self, par: Par, cols: usize, y: &[T], factor: &[T], dy: &mut [T]) {
        if self.keeps_factor() {
            update(par, cols, dy, factor, |dy, factor| dy * factor);
        } else if let Some(act) = self.act {
            kernel::for_tiles(cols, dy, par, |row, dy| {
                act.backward(&y[row * cols..row * cols + dy.len()], dy);
            });
        }
    }

    /// As [`crate::Op::slopes`].
    pub(crate) fn slopes<T: Scalar>(&self, y: &[T], factor: &[T], out: &mut [T]) -> bool {
        match self.act {
            Some(_) if self.keeps_factor() && factor.len() == out.len() => out.copy_from_slice(factor),
            Some(act) if !self.keeps_factor() => act.backward(y, out),
            _ => return false,
        }
        true
    }
}
