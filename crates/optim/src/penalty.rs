//! L1 and L2 as penalties of the loss: a value and a gradient.
//!
//! [`Optimizer`](crate::Optimizer) adds the same gradients inside its pass (`l1`, coupled `weight_decay`), which costs nothing; the
//! penalty written out serves losses that shall show it, and the law that the two agree.

use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Gradients, Params, Scalar};
use serde::{Deserialize, Serialize};

use crate::group::DecayOn;
use crate::rule::sign;

/// A penalty on the size of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Penalty {
    /// `lambda * sum |w|`; gradient `lambda * sign(w)`, with `sign(0) = 0`.
    L1(f64),
    /// `lambda / 2 * sum w^2`; gradient `lambda * w`: a weight decay of `lambda`.
    L2(f64),
}

impl Penalty {
    /// The penalty of the values `w`, summed in `f64`.
    pub fn value<T: Scalar>(&self, w: &[T]) -> f64 {
        match *self {
            Penalty::L1(lambda) => lambda * w.iter().fold(0.0, |sum, v| sum + v.as_f64().abs()),
            Penalty::L2(lambda) => 0.5 * lambda * kernel::sum_of_squares(w, Par::Auto),
        }
    }

    /// Adds the gradient of the penalty at `w` to `dw`.
    ///
    /// # Panics
    /// If the lengths differ.
    #[track_caller]
    pub fn add_gradient<T: Scalar>(&self, w: &[T], dw: &mut [T]) {
        assert_eq!(w.len(), dw.len(), "penalty: {} parameters but {} gradients", w.len(), dw.len());
        match *self {
            Penalty::L1(lambda) => {
                let lambda = T::of(lambda);
                dw.iter_mut().zip(w).for_each(|(d, w)| *d += lambda * sign(*w));
            }
            Penalty::L2(lambda) => {
                let lambda = T::of(lambda);
                dw.iter_mut().zip(w).for_each(|(d, w)| *d += lambda * *w);
            }
        }
    }

    /// The penalty over the parameters of a model.
    pub fn value_of<T: Scalar>(&self, params: &Params<T>, on: DecayOn) -> f64 {
        let layout = params.layout();
        layout.ids().filter(|id| on.includes(layout.spec(*id).kind)).map(|id| self.value(params.get(id))).sum()
    }

    /// Adds the gradient of [`Penalty::value_of`] to those gradients that are written.
    pub fn add_gradient_of<T: Scalar>(&self, params: &Params<T>, grads: &mut Gradients<T>, on: DecayOn) {
        let layout = params.layout();
        for id in layout.ids() {
            if on.includes(layout.spec(id).kind) && grads.is_written(id) {
                self.add_gradient(params.get(id), grads.slot(id).0);
            }
        }
    }
}
