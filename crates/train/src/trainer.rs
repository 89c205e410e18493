//! The loop, once.

use std::ops::ControlFlow;

use layerwise_autograd::Tape;
use layerwise_datasets::Batches;
use layerwise_nn_layers::{Loss, Module};
use layerwise_optim::{Adam, Clip, Optimizer, OptimizerConfig, SharedRule, SharedSchedule};
use layerwise_tensor::{Accum, Gradients, Mode, Params, Scalar};
use ndarray::Array2;

use crate::batch::Batch;
use crate::callback::{Callback, EpochEnd, FitBegin, OnEpoch, OnStep, StepEnd, Stop};
use crate::data::Samples;
use crate::divergence;
use crate::error::TrainError;
use crate::evaluate::Evaluator;
use crate::history::{EpochRecord, FitReport, History, StopReason};
use crate::metrics::Metric;
use crate::streams::Streams;
use crate::threads::Threads;

/// Trains a model: shuffled batches, forward, backward, step, and callbacks that look on.
///
/// What is not set: 10 epochs, batches of 32 rows, Adam at its default rate, seed 0, all cores. The same seed gives the same bits at
/// any number of threads, and the bits of the loop by hand on the front page of this crate.
pub struct Trainer<'a, T: Scalar> {
    model: &'a dyn Module<T>,
    loss: Box<dyn Loss<T> + 'a>,
    optimizer: OptimizerConfig,
    epochs: usize,
    batch: usize,
    seed: u64,
    threads: usize,
    drop_last: bool,
    validation: Option<Samples<'a, T>>,
    metrics: Vec<Metric>,
    callbacks: Vec<Box<dyn Callback<T> + 'a>>,
}

impl<'a, T: Scalar> Trainer<'a, T> {
    /// A trainer of `model` under `loss`.
    pub fn new(model: &'a impl Module<T>, loss: impl Loss<T> + 'a) -> Self {
        Self {
            model,
            loss: Box::new(loss),
            optimizer: OptimizerConfig::new(Adam::default()),
            epochs: 10,
            batch: 32,
            seed: 0,
            threads: 0,
            drop_last: false,
            validation: None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
        }
    }

    /// How often every row is seen.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Rows in a batch.
    pub fn batch(mut self, rows: usize) -> Self {
        self.batch = rows;
        self
    }

    /// The seed of shuffling, dropout and noise: see [`Streams`].
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many threads work, callbacks included: `n`, or with 0 those of the rayon pool that [`Trainer::fit`] is called in and, outside
    /// any pool, one for each core. The bits of the result do not depend on it.
    ///
    /// The threads belong to the fit and end with it; rayon's global pool is never used. One thread is the caller's own.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Whether the last batch of an epoch is left out when it is smaller than the others.
    pub fn drop_last(mut self, drop: bool) -> Self {
        self.drop_last = drop;
        self
    }

    /// Everything about the optimizer at once. A plateau in it watches the loss of each epoch: on the validation samples if there are
    /// some, else on the training samples.
    pub fn optimizer(mut self, config: OptimizerConfig) -> Self {
        self.optimizer = config;
        self
    }

    /// The rule by which a gradient changes a parameter; rate, schedule and the rest stay.
    pub fn rule(mut self, rule: impl Into<SharedRule>) -> Self {
        self.optimizer.rule = rule.into();
        self
    }

    /// The learning rate.
    pub fn rate(mut self, rate: f64) -> Self {
        self.optimizer = self.optimizer.rate(rate);
        self
    }

    /// How the rate changes from step to step.
    pub fn schedule(mut self, schedule: impl Into<SharedSchedule>) -> Self {
        self.optimizer = self.optimizer.schedule(schedule);
        self
    }

    /// How gradients are bounded.
    pub fn clip(mut self, clip: Clip) -> Self {
        self.optimizer = self.optimizer.clip(clip);
        self
    }

    /// Weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.optimizer = self.optimizer.weight_decay(weight_decay);
        self
    }

    /// Samples on which loss and metrics are measured after each epoch.
    pub fn validation(mut self, samples: Samples<'a, T>) -> Self {
        self.validation = Some(samples);
        self
    }

    /// One more metric to measure on the validation samples.
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metrics.push(metric);
        self
    }

    /// One more callback; pass `&mut callback` to look at it afterwards.
    pub fn callback(mut self, callback: impl Callback<T> + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// A function called at the end of each epoch.
    pub fn on_epoch(self, f: impl FnMut(&EpochEnd<'_, T>) -> ControlFlow<Stop> + Send + 'a) -> Self {
        self.callback(OnEpoch(f))
    }

    /// A function called at the end of each step.
    pub fn on_step(self, f: impl FnMut(&StepEnd<'_, T>) -> ControlFlow<Stop> + Send + 'a) -> Self {
        self.callback(OnStep(f))
    }

    /// Trains `params` on `samples`.
    ///
    /// # Errors
    /// If a setting cannot work, a metric cannot be computed, or training diverges; then the parameters are those before the step.
    ///
    /// # Panics
    /// If the samples do not fit the model or the loss, or `params` are of another model.
    #[track_caller]
    pub fn fit(self, params: &mut Params<T>, samples: &Samples<'_, T>) -> Result<FitReport, TrainError> {
        self.check(samples)?;
        Threads::new(self.threads)?.run(|| self.fit_here(params, samples))
    }
}

/// The loop.
impl<T: Scalar> Trainer<'_, T> {
    /// [`Trainer::fit`] on the threads at hand.
    fn fit_here(mut self, params: &mut Params<T>, samples: &Samples<'_, T>) -> Result<FitReport, TrainError> {
        let optimizer = self.optimizer.build(params);
        let mut optimizer = optimizer.map_err(|e| TrainError::Setting { name: "optimizer", problem: e.to_string() })?;
        let mut callbacks = std::mem::take(&mut self.callbacks);
        let names: Vec<&'static str> = self.metrics.iter().map(|m| m.name).collect();
        let begin = FitBegin {
            epochs: self.epochs,
            steps_per_epoch: self.steps_per_epoch(samples.len()) as u64,
            validation: self.validation.is_some(),
            metrics: &names,
        };
        for callback in &mut callbacks {
            callback.on_fit_begin(&begin)?;
        }
        let trained = self.epochs_of(params, samples, &mut optimizer, &mut callbacks);
        let mut report = FitReport { steps: optimizer.steps(), ..trained? };
        for callback in &mut callbacks {
            callback.on_fit_end(params, &mut report);
        }
        Ok(report)
    }

    fn epochs_of(
        &self,
        params: &mut Params<T>,
        samples: &Samples<'_, T>,
        optimizer: &mut Optimizer<T>,
        callbacks: &mut [Box<dyn Callback<T> + '_>],
    ) -> Result<FitReport, TrainError> {
        let streams = Streams::new(self.seed);
        let mut batches = Batches::new(samples.len(), self.batch, streams.shuffle).drop_last(self.drop_last);
        let mut grads = Gradients::new(params);
        let (mut tape, mut memory) = (Tape::new(), Batch::new());
        let mut validator = Evaluator::new(self.batch.max(256));
        let mut history = History::default();
        for epoch in 0..self.epochs {
            let mut sums = Sums::default();
            for order in batches.epoch(epoch as u64) {
                let step = optimizer.steps();
                let mut g = tape.graph(params, Mode::Train, streams.step.at(step));
                let (x, target, weights) = memory.gather(&mut g, samples, order);
                let y = self.model.forward(&mut g, x);
                let batch = self.loss.weighted(&mut g, y, target, &weights);
                let loss = g.total(batch.loss);
                let diverged = |origin| TrainError::Diverged { step, epoch, origin, remedy: divergence::REMEDY };
                if !g.scalar(loss).is_finite() {
                    return Err(diverged(divergence::of_loss(&g, samples, order)));
                }
                let loss = g.backward(loss, &mut grads, Accum::Replace);
                let done = optimizer.step(params, &mut grads);
                if !done.applied {
                    return Err(diverged(divergence::of_gradient(&grads)));
                }
                sums.add(loss, batch.weight, done.grad_norm, done.rate);
                let end = StepEnd {
                    epoch,
                    step,
                    loss,
                    gradient_norm: done.grad_norm,
                    rate: done.rate,
                    params,
                    grads: &grads,
                };
                if let Some(stop) = first_stop(callbacks, |c| c.on_step_end(&end)) {
                    history.epochs.push(self.record(epoch, optimizer, &sums, params, &mut validator)?);
                    return Ok(report(history, stop));
                }
            }
            let record = self.record(epoch, optimizer, &sums, params, &mut validator)?;
            optimizer.observe(record.validation_loss.unwrap_or(record.loss));
            let stop = first_stop(callbacks, |c| c.on_epoch_end(&EpochEnd { record: &record, params }));
            history.epochs.push(record);
            if let Some(stop) = stop {
                return Ok(report(history, stop));
            }
        }
        Ok(FitReport { history, steps: 0, stop: StopReason::Finished, best: None })
    }

    fn record(
        &self,
        epoch: usize,
        optimizer: &Optimizer<T>,
        sums: &Sums,
        params: &Params<T>,
        validator: &mut Evaluator<T>,
    ) -> Result<EpochRecord, TrainError> {
        let (mut validation_loss, mut metrics) = (None, Vec::new());
        if let Some(samples) = &self.validation {
            let mut outputs = Array2::zeros((0, 0));
            let wanted = (!self.metrics.is_empty()).then_some(&mut outputs);
            let measure = Some((&*self.loss, samples));
            validation_loss = Some(validator.run(self.model, params, samples.inputs(), measure, wanted));
            for metric in &self.metrics {
                metrics.push((metric.name.to_owned(), metric.of(outputs.view(), samples)?));
            }
        }
        let (loss, gradient_norm) = (sums.loss / sums.weight, sums.norm / sums.steps);
        let steps = optimizer.steps();
        Ok(EpochRecord { epoch, steps, loss, validation_loss, metrics, rate: sums.rate, gradient_norm })
    }

    fn steps_per_epoch(&self, rows: usize) -> usize {
        if self.drop_last { rows / self.batch } else { rows.div_ceil(self.batch) }
    }

    /// Refuses what cannot work before anything is changed.
    fn check(&self, samples: &Samples<'_, T>) -> Result<(), TrainError> {
        let refuse = |name, problem| Err(TrainError::Setting { name, problem });
        if self.batch == 0 {
            return refuse("batch", "a batch has at least one row, found 0".into());
        }
        if self.steps_per_epoch(samples.len()) == 0 {
            let problem = format!(
                "{} rows do not fill one batch of {} and smaller ones are left out; choose smaller batches or keep the last one",
                samples.len(),
                self.batch
            );
            return refuse("drop_last", problem);
        }
        if !self.metrics.is_empty() && self.validation.is_none() {
            return refuse(
                "metric",
                "metrics are measured on validation samples, but there are none; pass them".into(),
            );
        }
        let wanted = self.loss.target();
        let validation = self.validation.iter().map(|v| v.targets().kind());
        for found in validation.chain([samples.targets().kind()]) {
            if wanted != found {
                return refuse("loss", format!("it needs {wanted}, but the samples hold {found}; choose another loss"));
            }
        }
        Ok(())
    }
}

/// What adds up over the steps of an epoch, in order.
#[derive(Default)]
struct Sums {
    loss: f64,
    weight: f64,
    norm: f64,
    steps: f64,
    rate: f64,
}

impl Sums {
    fn add(&mut self, loss: f64, weight: f64, norm: f64, rate: f64) {
        self.loss += loss * weight;
        self.weight += weight;
        self.norm += norm;
        self.steps += 1.0;
        self.rate = rate;
    }
}

/// Asks every callback, also after one of them wants to stop, and returns the first wish.
fn first_stop<'c, T: Scalar>(
    callbacks: &mut [Box<dyn Callback<T> + 'c>],
    mut ask: impl FnMut(&mut (dyn Callback<T> + 'c)) -> ControlFlow<Stop>,
) -> Option<Stop> {
    let mut first = None;
    for callback in callbacks {
        if let ControlFlow::Break(stop) = ask(&mut **callback) {
            first.get_or_insert(stop);
        }
    }
    first
}

fn report(history: History, stop: Stop) -> FitReport {
    FitReport { history, steps: 0, stop: StopReason::Callback { reason: stop.reason }, best: None }
}
