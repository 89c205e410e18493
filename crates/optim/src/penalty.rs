//! L1, L2 and both as penalties of the loss: a value and a gradient.
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
    /// `l1 * sum |w| + l2 / 2 * sum w^2`, the elastic net: both gradients.
    ///
    /// Source: H. Zou, T. Hastie, *Regularization and variable selection via the elastic net* (2005).
    Elastic {
        /// Weight of the sum of magnitudes.
        l1: f64,
        /// Weight of half the sum of squares.
        l2: f64,
    },
}

/// How the optimizer's L1 penalty acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum L1Style {
    /// Its gradient `l1 * sign(w)` is added to that of the loss, through the rule: it pulls towards zero, but seldom onto it.
    #[default]
    Subgradient,
    /// After the rule, `w = sign(w) * max(|w| - rate * l1, 0)`: weights become zero and stay it while the loss pulls less than `l1`.
    ///
    /// With plain gradient descent these are the steps of ISTA, whose fixed point is the lasso's; an adaptive rule scales the gradient but
    /// not this threshold, as decoupled decay does with L2, and reaches another point.
    ///
    /// Source: I. Daubechies, M. Defrise, C. De Mol, *An iterative thresholding algorithm for linear inverse problems* (2004).
    Proximal,
}

impl Penalty {
    /// The penalty of the values `w`, summed in `f64`.
    pub fn value<T: Scalar>(&self, w: &[T]) -> f64 {
        match *self {
            Penalty::L1(lambda) => lambda * w.iter().fold(0.0, |sum, v| sum + v.as_f64().abs()),
            Penalty::L2(lambda) => 0.5 * lambda * kernel::sum_of_squares(w, Par::Auto),
            Penalty::Elastic { l1, l2 } => Penalty::L1(l1).value(w) + Penalty::L2(l2).value(w),
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
            Penalty::Elastic { l1, l2 } => {
                Penalty::L2(l2).add_gradient(w, dw);
                Penalty::L1(l1).add_gradient(w, dw);
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
