//! The equal average of a model's parameters.

use layerwise_tensor::{Params, Scalar};

use crate::blend::{blend, require_layout};

/// Stochastic weight averaging: the mean of the parameters at all updates, `mean += (w - mean) / n` at the `n`-th.
///
/// Update it once an epoch or more seldom, late in a training at a constant or cyclic rate ([`WarmRestarts`](crate::WarmRestarts)); before
/// the first update it holds the parameters it was made with. Averages are taken of what is trained; buffers are those of the last update,
/// as in PyTorch's `AveragedModel`: the running statistics of a batch norm do not fit averaged weights until they are gathered anew, by
/// forward passes in training mode (`graph.finish`, then [`Gradients::apply_updates`](layerwise_tensor::Gradients::apply_updates)).
///
/// Source: P. Izmailov et al., *Averaging weights leads to wider optima and better generalization*, arXiv 1803.05407 (2018).
#[derive(Clone, Debug)]
pub struct Swa<T: Scalar> {
    mean: Params<T>,
    updates: u64,
}

impl<T: Scalar> Swa<T> {
    /// An average of nothing yet.
    pub fn new(params: &Params<T>) -> Self {
        Self { mean: params.clone(), updates: 0 }
    }

    /// Takes the parameters into the average.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn update(&mut self, params: &Params<T>) {
        require_layout("swa", self.mean.layout(), params.layout());
        self.updates += 1;
        blend(self.mean.trainable_mut(), params.trainable(), 1.0 / self.updates as f64);
        self.mean.buffers_mut().copy_from_slice(params.buffers());
    }

    /// The averages.
    pub fn params(&self) -> &Params<T> {
        &self.mean
    }

    /// Exchanges the averages and `params`, buffers included. Exchange them again before the next update.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn swap(&mut self, params: &mut Params<T>) {
        require_layout("swa", self.mean.layout(), params.layout());
        self.mean.trainable_mut().swap_with_slice(params.trainable_mut());
        self.mean.buffers_mut().swap_with_slice(params.buffers_mut());
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Goes on from averages and their number of updates that were saved.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn resume(&mut self, mean: &Params<T>, updates: u64) {
        require_layout("swa", self.mean.layout(), mean.layout());
        self.mean.copy_from(mean);
        self.updates = updates;
    }
}
