//! What may look on while a model is trained, and stop it.

mod csv_log;
mod early_stopping;
mod jsonl_log;
mod log_target;
#[cfg(feature = "progress")]
mod progress;
mod rate_log;
mod state;

pub use csv_log::CsvLog;
pub use early_stopping::{EarlyStopping, Monitor};
pub use jsonl_log::JsonlLog;
#[cfg(feature = "progress")]
pub use progress::Progress;
pub use rate_log::RateLog;
pub use state::CallbackState;

use std::ops::ControlFlow;

use layerwise_tensor::{Gradients, Params, Scalar};

use crate::error::TrainError;
use crate::history::{EpochRecord, FitReport};

/// Why a callback ends a fit: a sentence for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The sentence.
    pub reason: String,
    /// Whether the training is only interrupted: see [`Stop::pause`].
    pub pause: bool,
}

impl Stop {
    /// A stop for this reason. The training has ended: a fit that goes on from its checkpoint gives the same report at once.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), pause: false }
    }

    /// A stop for now, such as by a limit of time: a fit that goes on from the checkpoint goes on with the next step, as if nothing had
    /// been.
    pub fn pause(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), pause: true }
    }
}

/// What is known before the first step.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FitBegin<'a> {
    /// Epochs that are planned.
    pub epochs: usize,
    /// Steps in each epoch.
    pub steps_per_epoch: u64,
    /// Steps that were taken before, where the fit goes on from a checkpoint.
    pub steps_done: u64,
    /// Whether there are validation samples.
    pub validation: bool,
    /// Names of the validation metrics.
    pub metrics: &'a [&'static str],
}

/// One step that was taken.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepEnd<'a, T: Scalar> {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// The step, counted from 0 over all epochs.
    pub step: u64,
    /// Loss of its batch, before the update.
    pub loss: f64,
    /// Norm of the gradient, before clipping.
    pub gradient_norm: f64,
    /// Learning rate.
    pub rate: f64,
    /// The parameters, after the update.
    pub params: &'a Params<T>,
    /// The gradients the update used, before clipping and penalties.
    pub grads: &'a Gradients<T>,
}

/// One epoch that was trained and, if there are samples for it, validated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochEnd<'a, T: Scalar> {
    /// Its numbers.
    pub record: &'a EpochRecord,
    /// The parameters that were validated: the averages where the trainer evaluates averages, else those that are trained.
    pub params: &'a Params<T>,
    /// The averages of the parameters, where the trainer keeps some and has taken the first.
    pub average: Option<&'a Params<T>>,
}

/// Looks on while a model is trained; every method does nothing unless it is written.
///
/// Returning [`ControlFlow::Break`] ends the fit after the current step or epoch; the parameters stay as they are then.
///
/// ```
/// # use layerwise_train::{Callback, EpochEnd, Stop};
/// # use layerwise_tensor::Scalar;
/// # use std::ops::ControlFlow;
/// struct GoodEnough(f64);
///
/// impl<T: Scalar> Callback<T> for GoodEnough {
///     fn on_epoch_end(&mut self, e: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
///         if e.record.loss < self.0 { ControlFlow::Break(Stop::new("good enough")) } else { ControlFlow::Continue(()) }
///     }
/// }
/// ```
pub trait Callback<T: Scalar>: Send {
    /// Before the first step.
    ///
    /// # Errors
    /// If the callback cannot work with this fit, such as early stopping on a metric nobody measures.
    fn on_fit_begin(&mut self, _fit: &FitBegin<'_>) -> Result<(), TrainError> {
        Ok(())
    }

    /// After each step.
    fn on_step_end(&mut self, _step: &StepEnd<'_, T>) -> ControlFlow<Stop> {
        ControlFlow::Continue(())
    }

    /// After each epoch.
    fn on_epoch_end(&mut self, _epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        ControlFlow::Continue(())
    }

    /// After the last epoch; may change the parameters (to put the best ones back) and add to the report.
    fn on_fit_end(&mut self, _params: &mut Params<T>, _report: &mut FitReport) {}

    /// When a checkpoint is written: puts into `state` what [`Callback::load_state`] needs to go on as if nothing had been.
    ///
    /// A callback that keeps a state puts something in from the beginning, a number if there is nothing else yet: by that a resumed fit
    /// tells which callbacks the file is about.
    fn save_state(&self, _state: &mut CallbackState<T>) {}

    /// When a fit goes on from a checkpoint, after [`Callback::on_fit_begin`]. Callbacks that keep a state are matched in their order.
    ///
    /// # Errors
    /// If the state does not fit.
    fn load_state(&mut self, _state: &CallbackState<T>) -> Result<(), TrainError> {
        Ok(())
    }
}

impl<T: Scalar, C: Callback<T> + ?Sized> Callback<T> for &mut C {
    fn on_fit_begin(&mut self, fit: &FitBegin<'_>) -> Result<(), TrainError> {
        (**self).on_fit_begin(fit)
    }
    fn on_step_end(&mut self, step: &StepEnd<'_, T>) -> ControlFlow<Stop> {
        (**self).on_step_end(step)
    }
    fn on_epoch_end(&mut self, epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        (**self).on_epoch_end(epoch)
    }
    fn on_fit_end(&mut self, params: &mut Params<T>, report: &mut FitReport) {
        (**self).on_fit_end(params, report);
    }
    fn save_state(&self, state: &mut CallbackState<T>) {
        (**self).save_state(state);
    }
    fn load_state(&mut self, state: &CallbackState<T>) -> Result<(), TrainError> {
        (**self).load_state(state)
    }
}

/// A function as a callback at the end of each epoch.
pub(crate) struct OnEpoch<F>(pub(crate) F);

impl<T: Scalar, F: FnMut(&EpochEnd<'_, T>) -> ControlFlow<Stop> + Send> Callback<T> for OnEpoch<F> {
    fn on_epoch_end(&mut self, epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        (self.0)(epoch)
    }
}

/// A function as a callback at the end of each step.
pub(crate) struct OnStep<F>(pub(crate) F);

impl<T: Scalar, F: FnMut(&StepEnd<'_, T>) -> ControlFlow<Stop> + Send> Callback<T> for OnStep<F> {
    fn on_step_end(&mut self, step: &StepEnd<'_, T>) -> ControlFlow<Stop> {
        (self.0)(step)
    }
}
