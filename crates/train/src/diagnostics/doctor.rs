//! The training doctor: looks on while a model is trained and says by name what went wrong.

use std::fmt;
use std::ops::ControlFlow;

use layerwise_autograd::Tape;
use layerwise_nn_layers::{Loss, Module};
use layerwise_tensor::{Mode, Params, Scalar, Stream};
use ndarray::Axis;

use super::finding::{Code, Finding};
use super::recorder::Recorder;
use super::snapshot::{Snapshot, spread};
use super::{data_rules, init_rules, run_rules};
use crate::batch::Batch;
use crate::callback::{Callback, EpochEnd, FitBegin, StepEnd, Stop};
use crate::data::Samples;
use crate::error::TrainError;
use crate::evaluate::Evaluator;
use crate::history::FitReport;

/// A callback that examines samples and weights before the first step, looks at the layers while training goes on (as [`Recorder`], at
/// its price), and afterwards says by name what is wrong.
///
/// A cause silences its symptoms: of weights that are too large it does not say that their activations saturate, nor of a rate that
/// is too high that nothing was learned. So findings come in five groups, and only the first group that has some is told:
/// samples; weights and batch norm; activations and gradients before the first step; the rate; the outcome. A constant column does no harm and
/// is told beside the others.
///
/// | finding | when |
/// |---|---|
/// | `ConstantColumn` | a feature has one value, not 0, in all rows |
/// | `UnscaledInputs` | the largest root mean square of a feature is above 10 or below 0.01 |
/// | `LabelsConstant` | all rows have one target |
/// | `InitTooSmall`, `InitTooLarge` | the median over the weights of inputs x mean square is below 0.05, above 8 |
/// | `BatchNormTinyBatch` | batch norm in batches of 4 rows or fewer |
/// | `DeadUnits` | more than nine tenths of the outputs of a layer, before the first step or after a fit that learned nothing |
/// | `Saturated` | more than half of the values of a layer, likewise |
/// | `VanishingGradients`, `ExplodingGradients` | before the first step, first and last layer differ by a factor of 1000 |
/// | `RateTooHigh` | one of the first updates is half of the weights, the loss ends at 1.5 times the first one, or blew up |
/// | `RateTooLow` | no update is more than 1e-5 of the weights |
/// | `Diverged` | the loss stopped being a number without growing before |
/// | `NoLearning` | the targets of other rows fit as well, up to 5 %, or no gradient reaches any weight |
/// | `Overfitting` | the last validation loss is 1.3 times the best and twice the training loss, and the best was not put back |
///
/// These bounds are rules of thumb: wide enough that the healthy runs of our tests trigger none, narrow enough that each broken one is
/// called by its name.
///
/// ```
/// use layerwise_nn_layers::{BuildModel, Init, Mlp, SoftmaxCrossEntropy};
/// use layerwise_train::{Samples, Trainer, diagnostics::{Code, TrainingDoctor}};
/// use layerwise_tensor::ndarray::array;
/// let x = array![[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let samples = Samples::labels(x.view(), &[0, 1, 1, 0])?;
/// let (mlp, mut params) = Mlp::builder(2).hidden(&[8]).outputs(2).init(Init::ZEROS).create(1)?;
/// let mut doctor = TrainingDoctor::new(&mlp, &SoftmaxCrossEntropy, &params, &samples);
/// let outcome = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(20).callback(&mut doctor).fit(&mut params, &samples);
/// let findings = doctor.findings(&outcome);
/// assert_eq!(findings[0].code, Code::InitTooSmall);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TrainingDoctor<'a, T: Scalar> {
    model: &'a dyn Module<T>,
    loss: &'a dyn Loss<T>,
    samples: Samples<'a, T>,
    recorder: Recorder<'a, T>,
    data: Vec<Finding>,
    weights: Option<Finding>,
    norm: bool,
    batch: usize,
    losses: Vec<f64>,
    epochs: Vec<(f64, Option<f64>)>,
    ending: Option<Ending>,
}

/// The trained model on some rows.
struct Ending {
    look: Snapshot,
    right: f64,
    others: f64,
}

impl<'a, T: Scalar> TrainingDoctor<'a, T> {
    /// A doctor for `model` under `loss`, who examines `samples` and the first values `params` now.
    pub fn new(
        model: &'a impl Module<T>,
        loss: &'a impl Loss<T>,
        params: &Params<T>,
        samples: &Samples<'a, T>,
    ) -> Self {
        let mut recorder = Recorder::new(model, loss, samples);
        recorder.look(params, 0);
        Self {
            model,
            loss,
            samples: *samples,
            recorder,
            data: data_rules::findings(samples),
            weights: init_rules::weights(params),
            norm: init_rules::has_batch_norm(params.layout()),
            batch: 0,
            losses: Vec::new(),
            epochs: Vec::new(),
            ending: None,
        }
    }

    /// With a look every `k` steps; 100 unless told otherwise.
    pub fn every(mut self, k: u64) -> Self {
        self.recorder = self.recorder.every(k);
        self
    }

    /// What was seen and what it cost.
    pub fn recorder(&self) -> &Recorder<'a, T> {
        &self.recorder
    }

    /// What is wrong with the fit that ended so, most important first; nothing where all is well.
    pub fn findings(&self, outcome: &Result<FitReport, TrainError>) -> Vec<Finding> {
        let mut found = self.data.clone();
        let groups: [&dyn Fn() -> Vec<Finding>; 4] =
            [&|| self.of_start(), &|| self.of_first_look(), &|| self.of_rate(outcome), &|| self.of_outcome(outcome)];
        for group in groups {
            if found.iter().any(|f| f.code != Code::ConstantColumn) {
                break;
            }
            found.extend(group());
        }
        found
    }

    fn of_start(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.weights.clone().into_iter().collect();
        if self.norm && (1..=TINY_BATCH).contains(&self.batch) {
            found.push(Finding::new(Code::BatchNormTinyBatch, "", &[("rows of a batch", self.batch as f64)]));
        }
        found
    }

    fn of_first_look(&self) -> Vec<Finding> {
        let Some(look) = self.recorder.snapshots().first() else { return Vec::new() };
        let found = init_rules::activations(look);
        if found.is_empty() { init_rules::gradients(look).into_iter().collect() } else { found }
    }

    fn of_rate(&self, outcome: &Result<FitReport, TrainError>) -> Vec<Finding> {
        let diverged = matches!(outcome, Err(TrainError::Diverged { .. }));
        let looks = self.recorder.snapshots();
        let high = run_rules::rate_too_high(looks, &self.losses, diverged);
        high.or_else(|| run_rules::rate_too_low(looks)).into_iter().collect()
    }

    fn of_outcome(&self, outcome: &Result<FitReport, TrainError>) -> Vec<Finding> {
        match outcome {
            Err(TrainError::Diverged { step, origin, .. }) => {
                vec![Finding::new(Code::Diverged, origin, &[("step", *step as f64)])]
            }
            Err(_) => Vec::new(),
            Ok(report) => {
                if let Some(end) = &self.ending {
                    let nothing = run_rules::unreached(&end.look);
                    if let Some(nothing) = nothing.or_else(|| run_rules::no_learning(end.right, end.others)) {
                        // What explains it, if something does.
                        let found = init_rules::activations(&end.look);
                        return if found.is_empty() { vec![nothing] } else { found };
                    }
                }
                let validation: Vec<f64> = self.epochs.iter().filter_map(|e| e.1).collect();
                let restored = report.best.as_ref().is_some_and(|b| b.restored);
                let train = self.epochs.last().map_or(0.0, |e| e.0);
                let found = if restored { None } else { run_rules::overfitting(train, &validation) };
                found.into_iter().collect()
            }
        }
    }

    /// The loss of the model on some training rows, against their targets and, in the mean over some permutations, against those of other rows.
    fn told_apart(&self, params: &Params<T>) -> (f64, f64) {
        let rows = spread(self.samples.len(), JUDGED_ROWS);
        let x = self.samples.inputs().select(Axis(0), &rows);
        let outputs = Evaluator::new(JUDGED_ROWS).predict(self.model, params, x.view());
        let (mut tape, mut memory) = (Tape::new(), Batch::new());
        let mut loss_against = |order: &[usize]| {
            let mut g = tape.graph(params, Mode::Eval, Stream::new(0));
            let (_, target, weights) = memory.gather(&mut g, &self.samples, order);
            let y = g.input(outputs.view());
            let loss = self.loss.weighted(&mut g, y, target, &weights).loss;
            g.scalar(loss)
        };
        let right = loss_against(&rows);
        let stream = Stream::new(0).child("targets of other rows");
        let others = (0..PERMUTATIONS).map(|i| {
            let permutation = stream.at(i).permutation(rows.len());
            loss_against(&(0..rows.len()).map(|i| rows[permutation.get(i)]).collect::<Vec<_>>())
        });
        (right, others.sum::<f64>() / PERMUTATIONS as f64)
    }
}

/// Batches up to this size give batch norm no statistics worth the name.
const TINY_BATCH: usize = 4;
/// Rows by which the trained model is judged.
const JUDGED_ROWS: usize = 256;
/// How often their targets are exchanged.
const PERMUTATIONS: u64 = 8;

impl<T: Scalar> Callback<T> for TrainingDoctor<'_, T> {
    fn on_fit_begin(&mut self, fit: &FitBegin<'_>) -> Result<(), TrainError> {
        self.batch = self.samples.len().div_ceil(fit.steps_per_epoch.max(1) as usize);
        self.losses.clear();
        self.epochs.clear();
        self.ending = None;
        Ok(())
    }

    fn on_step_end(&mut self, step: &StepEnd<'_, T>) -> ControlFlow<Stop> {
        self.losses.push(step.loss);
        self.recorder.on_step_end(step)
    }

    fn on_epoch_end(&mut self, epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        self.epochs.push((epoch.record.loss, epoch.record.validation_loss));
        ControlFlow::Continue(())
    }

    fn on_fit_end(&mut self, params: &mut Params<T>, report: &mut FitReport) {
        let look = self.recorder.look(params, report.steps).clone();
        let (right, others) = self.told_apart(params);
        self.ending = Some(Ending { look, right, others });
    }
}

impl<T: Scalar> fmt::Debug for TrainingDoctor<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrainingDoctor").field("recorder", &self.recorder).finish_non_exhaustive()
    }
}
