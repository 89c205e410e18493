//! Stopping when the validation no longer improves, with the best parameters put back.

use std::ops::ControlFlow;

use layerwise_tensor::{Params, Scalar};

use super::{Callback, CallbackState, EpochEnd, FitBegin, Stop};
use crate::error::TrainError;
use crate::history::{Best, EpochRecord, FitReport};
use crate::metrics::Metric;

/// The number early stopping watches.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Monitor {
    /// Mean loss on the validation samples; smaller is better.
    ValidationLoss,
    /// A metric on the validation samples, in the direction its table entry declares.
    Metric(Metric),
    /// Mean loss of the epoch on the training samples; smaller is better.
    TrainingLoss,
}

impl Monitor {
    fn name(self) -> &'static str {
        match self {
            Monitor::ValidationLoss => "validation loss",
            Monitor::TrainingLoss => "training loss",
            Monitor::Metric(m) => m.name,
        }
    }

    fn value(self, record: &EpochRecord) -> Option<f64> {
        match self {
            Monitor::ValidationLoss => record.validation_loss,
            Monitor::TrainingLoss => Some(record.loss),
            Monitor::Metric(m) => record.metric(m.name),
        }
    }

    /// Whether `value` is better than `best` by more than `min_delta`. NaN is never better, and any number is better than NaN.
    fn improves(self, value: f64, best: f64, min_delta: f64) -> bool {
        match self {
            _ if best.is_nan() => !value.is_nan(),
            Monitor::Metric(m) if m.larger_is_better => value - best > min_delta,
            _ => best - value > min_delta,
        }
    }
}

/// Ends the fit after `patience` epochs without improvement and puts the parameters of the best epoch back.
///
/// An epoch improves when it is better than the best so far by more than `min_delta` (PyTorch Lightning and Keras agree on this).
/// The best parameters are copied into memory of its own, once allocated; at the end of the fit, also of one that another
/// callback ended, they are put back unless [`EarlyStopping::restore_best`] says otherwise; a fit that fails leaves the last ones. Running statistics of batch norm belong to them.
///
/// ```
/// # use layerwise_train::{EarlyStopping, Monitor, metrics::Metric};
/// let stop: EarlyStopping<f32> = EarlyStopping::new(5).min_delta(1e-4).monitor(Monitor::Metric(Metric::ACCURACY));
/// ```
#[derive(Debug)]
pub struct EarlyStopping<T: Scalar> {
    monitor: Monitor,
    patience: usize,
    min_delta: f64,
    restore_best: bool,
    waited: usize,
    best: Option<(usize, f64)>,
    best_params: Option<Params<T>>,
}

impl<T: Scalar> EarlyStopping<T> {
    /// Watches the validation loss; stops after `patience` epochs in a row without improvement.
    pub fn new(patience: usize) -> Self {
        Self {
            monitor: Monitor::ValidationLoss,
            patience,
            min_delta: 0.0,
            restore_best: true,
            waited: 0,
            best: None,
            best_params: None,
        }
    }

    /// Watches something else.
    pub fn monitor(mut self, monitor: Monitor) -> Self {
        self.monitor = monitor;
        self
    }

    /// An improvement of at most this much does not count; 0 unless told otherwise.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Whether the parameters of the best epoch are put back; yes unless told otherwise.
    pub fn restore_best(mut self, restore: bool) -> Self {
        self.restore_best = restore;
        self
    }

    /// What a checkpoint must agree on.
    fn settings(&self) -> String {
        let Self { monitor, patience, min_delta, restore_best, .. } = self;
        format!("{}, patience {patience}, min_delta {min_delta:?}, restore_best {restore_best}", monitor.name())
    }
}

impl<T: Scalar> Callback<T> for EarlyStopping<T> {
    fn on_fit_begin(&mut self, fit: &FitBegin<'_>) -> Result<(), TrainError> {
        let problem = match self.monitor {
            _ if self.min_delta.is_nan() || self.min_delta < 0.0 => {
                Some(format!("min_delta is {}, it must not be negative", self.min_delta))
            }
            Monitor::ValidationLoss if !fit.validation => Some(
                "it watches the validation loss, but there are no validation samples; pass them to the trainer".into(),
            ),
            Monitor::Metric(m) if !fit.metrics.contains(&m.name) => {
                Some(format!("it watches `{}`, which is not measured; add it to the trainer by `metric`", m.name))
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(TrainError::Setting { name: "early stopping", problem });
        }
        (self.waited, self.best) = (0, None);
        Ok(())
    }

    fn on_epoch_end(&mut self, epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        let Some(value) = self.monitor.value(epoch.record) else { return ControlFlow::Continue(()) };
        let better = self.best.is_none_or(|(_, best)| self.monitor.improves(value, best, self.min_delta));
        if better {
            self.best = Some((epoch.record.epoch, value));
            self.waited = 0;
            if self.restore_best {
                match &mut self.best_params {
                    Some(kept) if kept.layout().same_shape(epoch.params.layout()) => kept.copy_from(epoch.params),
                    kept => *kept = Some(epoch.params.clone()),
                }
            }
            return ControlFlow::Continue(());
        }
        self.waited += 1;
        if self.waited < self.patience {
            return ControlFlow::Continue(());
        }
        let reason = format!("{} has not improved for {} epochs", self.monitor.name(), self.waited);
        ControlFlow::Break(Stop::new(reason))
    }

    fn on_fit_end(&mut self, params: &mut Params<T>, report: &mut FitReport) {
        let Some((epoch, value)) = self.best else { return };
        if self.restore_best
            && let Some(kept) = &self.best_params
        {
            params.copy_from(kept);
        }
        report.best = Some(Best { epoch, monitor: self.monitor.name().into(), value, restored: self.restore_best });
    }

    fn save_state(&self, state: &mut CallbackState<T>) {
        state.put("early stopping", &self.settings());
        state.put("waited", &self.waited);
        state.put("best epoch", &self.best.map(|(epoch, _)| epoch));
        state.put_number("best value", self.best.map_or(0.0, |(_, value)| value));
        if let (Some(_), Some(kept)) = (self.best, &self.best_params) {
            state.put_params("best", kept);
        }
    }

    fn load_state(&mut self, state: &CallbackState<T>) -> Result<(), TrainError> {
        let (found, own) = (state.get::<String>("early stopping")?, self.settings());
        if found != own {
            return Err(state.wrong(format!("early stopping was set to {found}, here it is set to {own}")));
        }
        self.waited = state.get("waited")?;
        if self.waited > self.patience.max(1) {
            return Err(state.wrong(format!("early stopping waited {} of {} epochs", self.waited, self.patience)));
        }
        let epoch: Option<usize> = state.get("best epoch")?;
        self.best = epoch.map(|epoch| Ok::<_, TrainError>((epoch, state.number("best value")?))).transpose()?;
        self.best_params = state.params("best").cloned();
        if self.best.is_some() && self.restore_best && self.best_params.is_none() {
            return Err(state.wrong("the parameters of the best epoch are missing"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use layerwise_tensor::{Constant, Layout, ParamKind, Stream};

    use super::*;
    use crate::history::{History, StopReason};

    /// Feeds validation losses; parameters hold the number of the epoch. Returns the epoch it stopped in and what is put back.
    fn follow(mut stop: EarlyStopping<f64>, losses: &[f64]) -> (Option<usize>, f64, Option<Best>) {
        let mut layout = Layout::new();
        let id = layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(-1.0));
        let mut params = Params::init(layout, &Stream::new(0));
        let begin = FitBegin {
            epochs: losses.len(),
            steps_per_epoch: 1,
            steps_done: 0,
            validation: true,
            metrics: &["accuracy"],
        };
        stop.on_fit_begin(&begin).unwrap();
        let mut stopped = None;
        for (epoch, loss) in losses.iter().enumerate() {
            params.get_mut(id)[0] = epoch as f64;
            let record = EpochRecord {
                epoch,
                steps: epoch as u64,
                loss: 0.0,
                validation_loss: Some(*loss),
                metrics: vec![("accuracy".into(), *loss)],
                rate: 0.0,
                gradient_norm: 0.0,
            };
            if stop.on_epoch_end(&EpochEnd { record: &record, params: &params, average: None }).is_break() {
                stopped = Some(epoch);
                break;
            }
        }
        let history = History::default();
        let mut report = FitReport { history, steps: 0, stop: StopReason::Finished, best: None };
        stop.on_fit_end(&mut params, &mut report);
        (stopped, params.get(id)[0], report.best)
    }

    #[test]
    fn waits_patiently_and_restores() {
        let (stopped, kept, best) = follow(EarlyStopping::new(2), &[3.0, 1.0, 2.0, 0.5, 0.6, 0.5, 0.1]);
        assert_eq!((stopped, kept), (Some(5), 3.0));
        let best = best.unwrap();
        assert_eq!((best.epoch, best.value, best.restored), (3, 0.5, true));
    }

    #[test]
    fn small_improvements_do_not_count() {
        let (stopped, kept, _) = follow(EarlyStopping::new(2).min_delta(0.1), &[1.0, 0.95, 0.91, 0.5]);
        assert_eq!((stopped, kept), (Some(2), 0.0));
    }

    #[test]
    fn without_restoring_the_last_stay() {
        let (stopped, kept, best) = follow(EarlyStopping::new(1).restore_best(false), &[1.0, 2.0, 0.0]);
        assert_eq!((stopped, kept, best.unwrap().restored), (Some(1), 1.0, false));
    }

    #[test]
    fn larger_may_be_better() {
        let monitor = Monitor::Metric(Metric::ACCURACY);
        let (stopped, kept, best) = follow(EarlyStopping::new(2).monitor(monitor), &[0.5, 0.7, 0.6, 0.7]);
        assert_eq!((stopped, kept, best.unwrap().value), (Some(3), 1.0, 0.7));
    }

    #[test]
    fn a_first_epoch_without_a_number_is_beaten_by_any_other() {
        let (stopped, kept, best) = follow(EarlyStopping::new(2), &[f64::NAN, f64::NAN, 5.0, f64::NAN, 4.0, 6.0]);
        assert_eq!((stopped, kept, best.unwrap().value), (None, 4.0, 4.0));
    }

    #[test]
    fn restores_also_when_all_epochs_ran() {
        let (stopped, kept, _) = follow(EarlyStopping::new(10), &[1.0, 0.1, 0.9]);
        assert_eq!((stopped, kept), (None, 1.0));
    }

    #[test]
    fn refuses_what_nobody_measures() {
        let nothing = FitBegin { epochs: 1, steps_per_epoch: 1, steps_done: 0, validation: false, metrics: &[] };
        let mut stop = EarlyStopping::<f32>::new(1);
        let message = stop.on_fit_begin(&nothing).unwrap_err().to_string();
        assert!(message.contains("no validation samples"), "{message}");
        let mut stop = EarlyStopping::<f32>::new(1).monitor(Monitor::Metric(Metric::ROC_AUC));
        assert!(stop.on_fit_begin(&nothing).unwrap_err().to_string().contains("roc_auc"));
        let mut stop = EarlyStopping::<f32>::new(1).monitor(Monitor::TrainingLoss);
        assert!(stop.on_fit_begin(&nothing).is_ok());
    }
}
