//! What a fit is told: the builder of the loop.

use std::ops::ControlFlow;

use layerwise_nn_layers::{Loss, Module};
use layerwise_optim::{Adam, Clip, OptimizerConfig, SharedRule, SharedSchedule};
use layerwise_tensor::{Params, Scalar};

use crate::averages::Averaging;
use crate::callback::{Callback, EpochEnd, OnEpoch, OnStep, StepEnd, Stop};
use crate::checkpoint::Checkpoint;
use crate::data::Samples;
use crate::error::TrainError;
use crate::history::FitReport;
use crate::metrics::Metric;
use crate::threads::Threads;

/// Trains a model: shuffled batches, forward, backward, step, and callbacks that look on.
///
/// What is not set: 10 epochs, batches of 32 rows, Adam at its default rate, seed 0, all cores. The same seed gives the same bits at
/// any number of threads, and the bits of the loop by hand on the front page of this crate.
pub struct Trainer<'a, T: Scalar> {
    pub(crate) model: &'a dyn Module<T>,
    pub(crate) loss: Box<dyn Loss<T> + 'a>,
    pub(crate) optimizer: OptimizerConfig,
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) drop_last: bool,
    pub(crate) validation: Option<Samples<'a, T>>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) callbacks: Vec<Box<dyn Callback<T> + 'a>>,
    pub(crate) accumulate: usize,
    pub(crate) averaging: Averaging,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) fast_dev_run: bool,
    pub(crate) overfit_batches: Option<usize>,
    pub(crate) detect_anomaly: bool,
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
            accumulate: 1,
            averaging: Averaging::default(),
            checkpoint: None,
            fast_dev_run: false,
            overfit_batches: None,
            detect_anomaly: false,
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

    /// How many batches make one step; 1 unless told otherwise. The step is that of one batch of `batches * rows` rows, at the memory of
    /// one of `rows`: gradients are means over all that counts in the step, also where the last batch is smaller or rows have weights.
    ///
    /// The step equals that of the large batch up to rounding where rows do not see one another: batch norm takes its statistics from each
    /// small batch, one after another, and dropout draws a mask for each. Two means are taken otherwise: class weights that divide the loss
    /// of a batch divide that of each small one, and penalties of modules weigh as the losses of their batches do.
    pub fn accumulate(mut self, batches: usize) -> Self {
        self.accumulate = batches;
        self
    }

    /// Keeps an exponential moving average of the parameters, updated after each step: see [`Ema`](layerwise_optim::Ema).
    ///
    /// Validation, metrics and early stopping look at the averages, and the fit returns them, unless
    /// [`Trainer::evaluate_average`] says otherwise.
    ///
    /// ```
    /// # use layerwise_nn_layers::{BuildModel, Mlp, Mse};
    /// # use layerwise_train::{Samples, Trainer};
    /// # use layerwise_tensor::ndarray::array;
    /// # let x = array![[0.0f32, 1.0], [1.0, 0.0], [0.5, 0.5]];
    /// # let (mlp, mut params) = Mlp::builder(2).outputs(2).create::<f32>(1)?;
    /// # let samples = Samples::reconstruct(x.view())?;
    /// let trained = Trainer::new(&mlp, Mse).ema(0.999).fit(&mut params, &samples)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ema(mut self, decay: f64) -> Self {
        self.averaging.ema = Some(decay);
        self
    }

    /// Keeps the equal average of the parameters after each epoch, from epoch `from` (counted from 0) on: see [`Swa`](layerwise_optim::Swa).
    ///
    /// Before that, everything looks at the trained parameters; from then on at the averages, as with [`Trainer::ema`]. Running statistics
    /// of batch norm are gathered anew for them, by at least 100 forward passes over the training batches after each epoch.
    pub fn swa(mut self, from: usize) -> Self {
        self.averaging.swa = Some(from);
        self
    }

    /// Draws the parameters back to slow ones after every `every` steps: see [`Lookahead`](layerwise_optim::Lookahead).
    pub fn lookahead(mut self, every: u64, alpha: f64) -> Self {
        self.averaging.lookahead = Some((every, alpha));
        self
    }

    /// Whether averages of the parameters, where some are kept, are what is validated and returned; yes unless told otherwise. If not,
    /// callbacks find them in [`EpochEnd::average`].
    pub fn evaluate_average(mut self, evaluate: bool) -> Self {
        self.averaging.evaluate = evaluate;
        self
    }

    /// Writes down where the fit stands, so that it can go on from there after whatever cuts it off: see [`Checkpoint`].
    pub fn checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// Whether the fit is only tried out: one step and the first batch of the validation samples, to find mistakes before hours are spent.
    ///
    /// No checkpoint is read or written. The log and [`StopReason::FastDevRun`](crate::StopReason::FastDevRun) say what it was. A metric
    /// that so few rows do not define is left out.
    pub fn fast_dev_run(mut self, only_try: bool) -> Self {
        self.fast_dev_run = only_try;
        self
    }

    /// Trains on the first `batches` batches alone, in the order of the rows: a model that cannot learn even these by heart has a mistake.
    ///
    /// With [`Trainer::accumulate`] these are as many steps.
    pub fn overfit_batches(mut self, batches: usize) -> Self {
        self.overfit_batches = Some(batches);
        self
    }

    /// Whether every value is looked at after the forward pass, and every gradient as soon as it is written, so that a divergence is
    /// found where it begins, also where the loss hides it; no unless told otherwise.
    ///
    /// The error names the operation and the path of the layer. It costs about one more pass over the memory of a step.
    pub fn detect_anomaly(mut self, detect: bool) -> Self {
        self.detect_anomaly = detect;
        self
    }

    /// The seed of shuffling, dropout and noise: see [`Streams`](crate::Streams).
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
    /// If a setting cannot work, a metric cannot be computed, a checkpoint cannot be read or written, or training diverges; the parameters
    /// are those of the last step then.
    ///
    /// # Panics
    /// If the samples do not fit the model or the loss, or `params` are of another model.
    #[track_caller]
    pub fn fit(self, params: &mut Params<T>, samples: &Samples<'_, T>) -> Result<FitReport, TrainError> {
        self.check(samples)?;
        Threads::new(self.threads)?.run(|| self.fit_here(params, samples))
    }
}

/// What follows from the settings.
impl<T: Scalar> Trainer<'_, T> {
    /// Rows in a step.
    pub(crate) fn rows_per_step(&self) -> usize {
        self.batch.saturating_mul(self.accumulate)
    }

    /// Rows of `rows` that are trained on.
    pub(crate) fn rows_used(&self, rows: usize) -> usize {
        self.overfit_batches.map_or(rows, |n| rows.min(n.saturating_mul(self.rows_per_step())))
    }

    pub(crate) fn steps_per_epoch(&self, rows: usize) -> usize {
        let (rows, step) = (self.rows_used(rows), self.rows_per_step());
        let steps = if self.drop_last { rows / step } else { rows.div_ceil(step) };
        if self.fast_dev_run { steps.min(1) } else { steps }
    }

    /// Refuses what cannot work before anything is changed.
    fn check(&self, samples: &Samples<'_, T>) -> Result<(), TrainError> {
        let refuse = |name, problem| Err(TrainError::Setting { name, problem });
        if self.batch == 0 {
            return refuse("batch", "a batch has at least one row, found 0".into());
        }
        if self.accumulate == 0 {
            return refuse("accumulate", "a step has at least one batch, found 0".into());
        }
        if self.overfit_batches == Some(0) {
            return refuse("overfit_batches", "there is nothing to learn from 0 batches; choose at least 1".into());
        }
        self.averaging.check(self.epochs)?;
        if self.steps_per_epoch(samples.len()) == 0 {
            let problem = format!(
                "{} rows do not fill one batch of {} and smaller ones are left out; choose smaller batches or keep the last one",
                samples.len(),
                self.rows_per_step()
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
