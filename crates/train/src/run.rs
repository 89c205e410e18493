//! The loop, once.

use std::ops::ControlFlow;

use layerwise_autograd::Tape;
use layerwise_datasets::Batches;
use layerwise_optim::StepReport;
use layerwise_tensor::{Accum, Gradients, Mode, Params, Scalar};
use ndarray::Array2;

use crate::averages::Averages;
use crate::batch::Batch;
use crate::callback::{Callback, EpochEnd, FitBegin, StepEnd, Stop};
use crate::checkpoint::{Keeper, Setup};
use crate::data::Samples;
use crate::divergence;
use crate::error::TrainError;
use crate::evaluate::Evaluator;
use crate::history::{EpochRecord, FitReport, History, StopReason};
use crate::state::{Position, State};
use crate::streams::Streams;
use crate::trainer::Trainer;

type Callbacks<'c, T> = [Box<dyn Callback<T> + 'c>];

/// Memory of the loop, kept from step to step.
struct Work<T: Scalar> {
    streams: Streams,
    tape: Tape<T>,
    memory: Batch<T>,
    grads: Gradients<T>,
    validator: Evaluator<T>,
}

impl<T: Scalar> Trainer<'_, T> {
    /// [`Trainer::fit`] on the threads at hand.
    pub(crate) fn fit_here(
        mut self,
        params: &mut Params<T>,
        samples: &Samples<'_, T>,
    ) -> Result<FitReport, TrainError> {
        if self.fast_dev_run {
            log::info!("fast_dev_run: one step, the first batch of the validation samples, no checkpoint");
            self.epochs = self.epochs.min(1);
            self.checkpoint = None;
            self.validation = self.validation.map(|v| v.first(self.batch));
        }
        let optimizer = self.optimizer.build(params);
        let optimizer = optimizer.map_err(|e| TrainError::Setting { name: "optimizer", problem: e.to_string() })?;
        let mut state = State {
            optimizer,
            averages: Averages::new(self.averaging, params),
            history: History::default(),
            position: Position::default(),
            stopped: None,
        };
        let mut work = Work {
            streams: Streams::new(self.seed),
            tape: Tape::new(),
            memory: Batch::new(),
            grads: Gradients::new(params),
            validator: Evaluator::new(self.batch.max(256)),
        };
        let mut callbacks = std::mem::take(&mut self.callbacks);
        let mut keeper = self.keeper(params, samples)?;
        let found = keeper.as_mut().map_or(Ok(None), Keeper::find)?;
        let names: Vec<&'static str> = self.metrics.iter().map(|m| m.name).collect();
        let begin = FitBegin {
            epochs: self.epochs,
            steps_per_epoch: self.steps_per_epoch(samples.len()) as u64,
            steps_done: found.as_ref().map_or(0, |f| f.steps()),
            validation: self.validation.is_some(),
            metrics: &names,
        };
        for callback in &mut callbacks {
            callback.on_fit_begin(&begin)?;
        }
        if let Some(found) = found {
            let before = params.clone();
            let restored = found.restore(params, &mut state, &mut callbacks, begin.steps_per_epoch as usize);
            let restored = restored.and_then(|()| {
                let probe = self.probe(params, samples, &mut work);
                self.same_model(found.file(), found.probe(), probe)
            });
            if let Err(error) = restored {
                params.copy_from(&before);
                return Err(error);
            }
            log::info!("going on from {}, step {}", found.file(), found.steps());
            self.gather(&mut state, samples, &work);
            keeper.iter_mut().for_each(|k| k.resumed_at(&state));
        } else {
            self.keep(&mut keeper, params, samples, &state, &callbacks, &mut work)?;
        }
        let stop = self.epochs_of(params, samples, &mut state, &mut callbacks, &mut keeper, &mut work)?;
        let steps = state.optimizer.steps();
        if state.averages.average().is_some() {
            let evaluated = state.averages.evaluated(params).clone();
            params.copy_from(&evaluated);
        }
        let mut report = FitReport { history: state.history, steps, stop, best: None };
        for callback in &mut callbacks {
            callback.on_fit_end(params, &mut report);
        }
        Ok(report)
    }

    fn epochs_of(
        &self,
        params: &mut Params<T>,
        samples: &Samples<'_, T>,
        state: &mut State<T>,
        callbacks: &mut Callbacks<'_, T>,
        keeper: &mut Option<Keeper>,
        work: &mut Work<T>,
    ) -> Result<StopReason, TrainError> {
        let mut batches = self.batches(samples.len(), work.streams);
        let per_epoch = self.steps_per_epoch(samples.len());
        while state.position.epoch < self.epochs && state.stopped.is_none() {
            let epoch = state.position.epoch;
            for order in batches.epoch(epoch as u64).take(per_epoch).skip(state.position.steps) {
                let step = state.optimizer.steps();
                let (loss, weight, done) = self.step(params, samples, order, state, work)?;
                state.averages.after_step(params);
                state.position.steps += 1;
                state.position.sums.add(loss, weight, done.grad_norm, done.rate);
                let end = StepEnd {
                    epoch,
                    step,
                    loss,
                    gradient_norm: done.grad_norm,
                    rate: done.rate,
                    params,
                    grads: &work.grads,
                };
                if let Some(stop) = first_stop(callbacks, |c| c.on_step_end(&end)) {
                    let record = self.record(state, params, &mut work.validator)?;
                    if stop.pause {
                        // The record is of a part of an epoch that will go on: the checkpoint must not know it.
                        self.keep(keeper, params, samples, state, callbacks, work)?;
                        state.history.epochs.push(record);
                    } else {
                        state.history.epochs.push(record);
                        state.stopped = Some(stop.reason.clone());
                        self.keep(keeper, params, samples, state, callbacks, work)?;
                    }
                    return Ok(StopReason::Callback { reason: stop.reason });
                }
                if keeper.as_ref().is_some_and(|k| k.is_due_after_step(step + 1)) {
                    self.keep(keeper, params, samples, state, callbacks, work)?;
                }
            }
            state.averages.after_epoch(epoch, params);
            self.gather(state, samples, work);
            let record = self.record(state, params, &mut work.validator)?;
            state.optimizer.observe(record.validation_loss.unwrap_or(record.loss));
            let end = EpochEnd {
                record: &record,
                params: state.averages.evaluated(params),
                average: state.averages.average(),
            };
            let stop = first_stop(callbacks, |c| c.on_epoch_end(&end));
            state.history.epochs.push(record);
            state.position = Position { epoch: epoch + 1, ..Position::default() };
            if let Some(stop) = stop {
                state.stopped = (!stop.pause).then(|| stop.reason.clone());
                self.keep(keeper, params, samples, state, callbacks, work)?;
                return Ok(StopReason::Callback { reason: stop.reason });
            }
            if keeper.as_ref().is_some_and(|k| k.is_due_after_epoch(epoch + 1)) {
                self.keep(keeper, params, samples, state, callbacks, work)?;
            }
        }
        self.keep(keeper, params, samples, state, callbacks, work)?;
        Ok(match state.stopped.clone() {
            Some(reason) => StopReason::Callback { reason },
            None if self.fast_dev_run => StopReason::FastDevRun,
            None => StopReason::Finished,
        })
    }

    /// One step on the rows `order`, in as many passes as [`Trainer::accumulate`] asks for; returns the mean loss before it, what that is a
    /// mean over, and what the optimizer did.
    fn step(
        &self,
        params: &mut Params<T>,
        samples: &Samples<'_, T>,
        order: &[usize],
        state: &mut State<T>,
        work: &mut Work<T>,
    ) -> Result<(f64, f64, StepReport), TrainError> {
        let (step, epoch) = (state.optimizer.steps(), state.position.epoch);
        let diverged = |origin| TrainError::Diverged { step, epoch, origin, remedy: divergence::REMEDY };
        let single = order.len() <= self.batch;
        let (mut sum, mut weight, mut accum) = (0.0, 0.0, Accum::Replace);
        for (i, rows) in order.chunks(self.batch).enumerate() {
            let stream = work.streams.step.at(step);
            let stream = if i == 0 { stream } else { stream.child("accumulate").at(i as u64) };
            let mut g = work.tape.graph(params, Mode::Train, stream);
            let (x, target, weights) = work.memory.gather(&mut g, samples, rows);
            let y = self.model.forward(&mut g, x);
            let batch = self.loss.weighted(&mut g, y, target, &weights);
            let loss = g.total(batch.loss);
            let value = g.scalar(loss);
            if !value.is_finite() {
                return Err(diverged(divergence::of_loss(&g, samples, rows)));
            }
            // Several batches add up to a sum, which is divided when its weight is known.
            let share = if single { 1.0 } else { batch.weight };
            sum += value * share;
            weight += batch.weight;
            let seed = [T::of(share)];
            if self.detect_anomaly {
                if let Some(origin) = divergence::of_values(&g) {
                    return Err(diverged(origin));
                }
                let checked = g.backward_from_checked(loss, &seed, &mut work.grads, accum);
                checked.map_err(|broken| diverged(divergence::of_backward(&broken)))?;
            } else {
                g.backward_from(loss, &seed, &mut work.grads, accum);
            }
            accum = Accum::Add;
        }
        if !single && weight > 0.0 {
            sum /= weight;
            work.grads.scale(1.0 / weight);
        }
        let done = state.optimizer.step(params, &mut work.grads);
        if !done.applied {
            return Err(diverged(divergence::of_gradient(&work.grads)));
        }
        Ok((sum, weight, done))
    }

    fn record(
        &self,
        state: &State<T>,
        params: &Params<T>,
        validator: &mut Evaluator<T>,
    ) -> Result<EpochRecord, TrainError> {
        let (mut validation_loss, mut metrics) = (None, Vec::new());
        if let Some(samples) = &self.validation {
            let mut outputs = Array2::zeros((0, 0));
            let wanted = (!self.metrics.is_empty()).then_some(&mut outputs);
            let measure = Some((&*self.loss, samples));
            let params = state.averages.evaluated(params);
            validation_loss = Some(validator.run(self.model, params, samples.inputs(), measure, wanted));
            for metric in &self.metrics {
                match metric.of(outputs.view(), samples) {
                    Ok(value) => metrics.push((metric.name.to_owned(), value)),
                    Err(e) if self.fast_dev_run => log::warn!("fast_dev_run: {e}"),
                    Err(e) => return Err(e),
                }
            }
        }
        let (epoch, sums, steps) = (state.position.epoch, state.position.sums, state.optimizer.steps());
        let (loss, gradient_norm) = (sums.loss / sums.weight, sums.norm / sums.steps);
        Ok(EpochRecord { epoch, steps, loss, validation_loss, metrics, rate: sums.rate, gradient_norm })
    }

    fn batches(&self, rows: usize, streams: Streams) -> Batches {
        let batches = match self.overfit_batches {
            Some(_) => Batches::in_order(self.rows_used(rows), self.rows_per_step()),
            None => Batches::new(rows, self.rows_per_step(), streams.shuffle),
        };
        batches.drop_last(self.drop_last)
    }

    /// Statistics for the equal average, from batches in the order of the rows.
    fn gather(&self, state: &mut State<T>, samples: &Samples<'_, T>, work: &Work<T>) {
        let mut rows = self.rows_used(samples.len());
        if self.fast_dev_run {
            rows = rows.min(self.batch);
        }
        let batches = Batches::in_order(rows, self.batch).drop_last(self.drop_last);
        state.averages.gather(self.model, samples, batches, work.streams.step.child("swa"));
    }
}

/// Checkpoints.
impl<T: Scalar> Trainer<'_, T> {
    /// What writes checkpoints, with all that a later fit must agree on.
    fn keeper(&self, params: &Params<T>, samples: &Samples<'_, T>) -> Result<Option<Keeper>, TrainError> {
        let Some(config) = &self.checkpoint else { return Ok(None) };
        let mut setup = Setup::default();
        setup.put_params(params)?;
        setup.put("optimizer", &self.optimizer)?;
        setup.put("seed", self.seed)?;
        setup.put("batch", self.batch)?;
        setup.put("accumulate", self.accumulate)?;
        setup.put("drop_last", self.drop_last)?;
        setup.put("overfit_batches", self.overfit_batches)?;
        setup.put("ema", self.averaging.ema)?;
        setup.put("swa", self.averaging.swa)?;
        setup.put("lookahead", self.averaging.lookahead)?;
        setup.put("evaluate_average", self.averaging.evaluate)?;
        setup.put("metrics", self.metrics.iter().map(|m| m.name).collect::<Vec<_>>())?;
        setup.put_samples("data", samples)?;
        if let Some(validation) = &self.validation {
            setup.put_samples("validation", validation)?;
        }
        Ok(Some(Keeper::new(config.clone(), setup)))
    }

    /// Writes a checkpoint, if the fit has any.
    fn keep(
        &self,
        keeper: &mut Option<Keeper>,
        params: &Params<T>,
        samples: &Samples<'_, T>,
        state: &State<T>,
        callbacks: &Callbacks<'_, T>,
        work: &mut Work<T>,
    ) -> Result<(), TrainError> {
        let Some(keeper) = keeper else { return Ok(()) };
        let probe = self.probe(params, samples, work);
        keeper.write(params, state, callbacks, probe)
    }

    /// The loss of the first batch in training mode. It tells models and losses apart whose parameters look alike, by their activation or
    /// dropout.
    fn probe(&self, params: &Params<T>, samples: &Samples<'_, T>, work: &mut Work<T>) -> f64 {
        let rows: Vec<usize> = (0..samples.len().min(self.batch)).collect();
        let mut g = work.tape.graph(params, Mode::Train, work.streams.step.child("probe"));
        let (x, target, weights) = work.memory.gather(&mut g, samples, &rows);
        let y = self.model.forward(&mut g, x);
        let batch = self.loss.weighted(&mut g, y, target, &weights);
        let loss = g.total(batch.loss);
        g.scalar(loss)
    }

    /// Refuses a model or loss that computes something else than that of the checkpoint. Another build rounds otherwise, by far less than
    /// half the digits.
    fn same_model(&self, file: &str, expected: f64, found: f64) -> Result<(), TrainError> {
        if expected.to_bits() == found.to_bits() {
            return Ok(());
        }
        let apart = (expected - found).abs() / expected.abs().max(found.abs());
        if apart <= T::epsilon().as_f64().sqrt() {
            log::warn!(
                "checkpoint {file}: it was written by another build, whose losses round otherwise ({expected:?} there, {found:?} here): the \
                 training goes on, but not to the same bits"
            );
            return Ok(());
        }
        let differences = format!(
            "its parameters are alike, but their loss on the first rows is {expected:?} in the file and {found:?} here: the model \
             (activation, dropout, ...) or the loss is another"
        );
        Err(TrainError::OtherTraining { file: file.into(), differences })
    }
}

/// Asks every callback, also after one of them wants to stop, and returns the first wish; an end counts more than a pause.
fn first_stop<'c, T: Scalar>(
    callbacks: &mut Callbacks<'c, T>,
    mut ask: impl FnMut(&mut (dyn Callback<T> + 'c)) -> ControlFlow<Stop>,
) -> Option<Stop> {
    let mut first: Option<Stop> = None;
    for callback in callbacks {
        if let ControlFlow::Break(stop) = ask(&mut **callback) {
            match &first {
                Some(earlier) if stop.pause || !earlier.pause => (),
                _ => first = Some(stop),
            }
        }
    }
    first
}
