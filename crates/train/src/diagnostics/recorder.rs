//! Diagnostics while a model is trained: a look every so many steps.

use std::fmt;
use std::ops::ControlFlow;

use layerwise_nn_layers::{Loss, Module};
use layerwise_tensor::{Params, Scalar};

use super::jacobian::jacobian_singular_values;
use super::snapshot::{Probe, Snapshot};
use super::stats::rms;
use crate::callback::{Callback, StepEnd, Stop};
use crate::data::Samples;

/// A callback that looks at the layers after the steps 1, 2, 4, .. and then after every `k`-th one.
///
/// A look is a forward and a backward pass of a few rows of the training samples (32, spread over them) on a tape of its own, in
/// training mode, with random numbers of its own. The trainer needs no hook for it and its bits do not change. The price is known
/// beforehand: in batches of `b` rows it is `rows / (k b)` of the training, 1 % for 32 rows every 100 steps of 32, besides the first few
/// looks; [`Recorder::cost`] counts.
///
/// ```
/// use layerwise_nn_layers::{BuildModel, Mlp, SoftmaxCrossEntropy};
/// use layerwise_train::{Samples, Trainer, diagnostics::Recorder};
/// use layerwise_tensor::ndarray::array;
/// let x = array![[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let samples = Samples::labels(x.view(), &[0, 1, 1, 0])?;
/// let (mlp, mut params) = Mlp::builder(2).hidden(&[8]).outputs(2).create(1)?;
/// let mut recorder = Recorder::new(&mlp, &SoftmaxCrossEntropy, &samples).every(50);
/// Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(100).callback(&mut recorder).fit(&mut params, &samples)?;
/// let last = recorder.snapshots().last().unwrap();
/// assert_eq!(last.layers[0].activation.as_deref(), Some("relu"));
/// assert!(last.layers[0].update_ratio.unwrap() > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recorder<'a, T: Scalar> {
    model: &'a dyn Module<T>,
    samples: Samples<'a, T>,
    probe: Probe<'a, T>,
    every: u64,
    jacobian_rows: usize,
    /// Parameters, and the number of steps before them.
    before: Option<(u64, Params<T>)>,
    snapshots: Vec<Snapshot>,
    jacobians: Vec<(u64, Vec<Vec<f64>>)>,
    cost: ProbeCost,
}

/// What looking cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeCost {
    /// Steps of the training seen.
    pub steps: u64,
    /// Looks taken.
    pub looks: u64,
    /// Rows that went through the model, forwards and backwards, for them.
    pub rows: u64,
    /// Values whose statistics were computed.
    pub elements: u64,
}

impl<'a, T: Scalar> Recorder<'a, T> {
    /// A recorder of `model` under `loss`, looking at 32 rows of `samples` every 100 steps.
    pub fn new(model: &'a impl Module<T>, loss: &'a impl Loss<T>, samples: &Samples<'a, T>) -> Self {
        Self {
            model,
            samples: *samples,
            probe: Probe::new(model, loss, samples, 32),
            every: 100,
            jacobian_rows: 0,
            before: None,
            snapshots: Vec::new(),
            jacobians: Vec::new(),
            cost: ProbeCost::default(),
        }
    }

    /// With a look every `k` steps; 0 leaves only those after 1, 2, 4, ..
    pub fn every(mut self, k: u64) -> Self {
        self.every = k;
        self
    }

    /// With looks at `rows` rows, spread evenly over the samples.
    pub fn rows(mut self, rows: usize) -> Self {
        self.probe.set_rows(rows);
        self
    }

    /// With the singular values of the Jacobian of the first `rows` samples at each look, which costs one more pass of those rows for
    /// each output of the model; none unless told otherwise.
    pub fn jacobian(mut self, rows: usize) -> Self {
        self.jacobian_rows = rows.min(self.samples.len());
        self
    }

    /// What was seen, in order.
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    /// For each look the number of steps before it, and the singular values of each row: see [`Recorder::jacobian`].
    pub fn jacobians(&self) -> &[(u64, Vec<Vec<f64>>)] {
        &self.jacobians
    }

    /// What it cost so far.
    pub fn cost(&self) -> ProbeCost {
        ProbeCost { elements: self.probe.elements, ..self.cost }
    }

    /// A look at these parameters, for instance before the first step.
    pub fn look(&mut self, params: &Params<T>, step: u64) -> &Snapshot {
        self.cost.looks += 1;
        self.cost.rows += self.probe.rows() as u64;
        if self.jacobian_rows > 0 {
            let x = self.samples.inputs();
            let x = x.slice_move(ndarray::s![..self.jacobian_rows, ..]);
            let values = jacobian_singular_values(self.model, params, x);
            self.cost.rows += values.iter().map(|v| v.len() as u64).sum::<u64>();
            self.jacobians.push((step, values));
        }
        let mut snapshot = self.probe.look(params, step);
        if let Some((_, before)) = self.before.as_ref().filter(|(at, _)| at + 1 == step) {
            for layer in &mut snapshot.layers {
                let id = layer.weight.as_ref().and_then(|w| params.layout().find(w));
                layer.update_ratio = id.map(|id| ratio(before.get(id), params.get(id)));
            }
        }
        self.keep(params, step);
        self.snapshots.push(snapshot);
        &self.snapshots[self.snapshots.len() - 1]
    }

    /// Keeps the parameters after `steps` steps if the next step is to be looked at: its update is the difference.
    fn keep(&mut self, params: &Params<T>, steps: u64) {
        if !self.due(steps + 1) {
            return;
        }
        match &mut self.before {
            Some((at, kept)) if kept.layout().same_shape(params.layout()) => {
                *at = steps;
                kept.copy_from(params);
            }
            before => *before = Some((steps, params.clone())),
        }
    }

    /// Whether to look once `steps` steps are taken.
    fn due(&self, steps: u64) -> bool {
        steps.is_power_of_two() && steps <= FIRST_LOOKS || self.every > 0 && steps.is_multiple_of(self.every)
    }
}

/// The last of the early looks, at powers of two.
const FIRST_LOOKS: u64 = 16;

/// `|after - before| / |before|`; infinite where only the divisor is 0.
fn ratio<T: Scalar>(before: &[T], after: &[T]) -> f64 {
    let moved: Vec<f64> = before.iter().zip(after).map(|(b, a)| a.as_f64() - b.as_f64()).collect();
    let (moved, size) = (rms(&moved), rms(before));
    if moved == 0.0 { 0.0 } else { moved / size }
}

impl<T: Scalar> Callback<T> for Recorder<'_, T> {
    fn on_step_end(&mut self, step: &StepEnd<'_, T>) -> ControlFlow<Stop> {
        let taken = step.step + 1;
        self.cost.steps += 1;
        if self.due(taken) {
            self.look(step.params, taken);
        } else {
            self.keep(step.params, taken);
        }
        ControlFlow::Continue(())
    }
}

impl<T: Scalar> fmt::Debug for Recorder<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("every", &self.every).field("cost", &self.cost()).finish_non_exhaustive()
    }
}
