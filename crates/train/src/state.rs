//! What a fit changes as it goes, apart from the parameters.

use layerwise_optim::Optimizer;
use layerwise_tensor::Scalar;

use crate::averages::Averages;
use crate::history::History;

/// What a fit changes as it goes, apart from the parameters: what a checkpoint has to hold.
#[derive(Debug)]
pub(crate) struct State<T: Scalar> {
    pub(crate) optimizer: Optimizer<T>,
    pub(crate) averages: Averages<T>,
    pub(crate) history: History,
    pub(crate) position: Position,
    /// Why the training has ended, once a callback has ended it.
    pub(crate) stopped: Option<String>,
}

/// Where a fit stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Position {
    /// The epoch, counted from 0.
    pub(crate) epoch: usize,
    /// Steps taken in it.
    pub(crate) steps: usize,
    /// What adds up over them.
    pub(crate) sums: Sums,
}

/// What adds up over the steps of an epoch, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) loss: f64,
    /// What the losses were means over: rows, or the weights of what counts.
    pub(crate) weight: f64,
    pub(crate) norm: f64,
    pub(crate) steps: f64,
    pub(crate) rate: f64,
}

impl Sums {
    pub(crate) fn add(&mut self, loss: f64, weight: f64, norm: f64, rate: f64) {
        self.loss += loss * weight;
        self.weight += weight;
        self.norm += norm;
        self.steps += 1.0;
        self.rate = rate;
    }
}
