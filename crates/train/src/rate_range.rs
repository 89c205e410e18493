//! Which learning rate: the range test.

use std::ops::ControlFlow;

use layerwise_optim::Exponential;
use layerwise_tensor::{Params, Scalar};
use serde::{Deserialize, Serialize};

use crate::callback::Stop;
use crate::data::Samples;
use crate::error::TrainError;
use crate::trainer::Trainer;

/// From where to where, and how, [`rate_range`] raises the rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RateRange {
    /// The first rate; 1e-6 by default.
    pub lo: f64,
    /// The last rate; 10 by default.
    pub hi: f64,
    /// Steps, each with a rate of its own; 100 by default.
    pub steps: usize,
    /// Share of the smoothed loss that a step leaves as it is; 0.9 by default.
    pub smoothing: f64,
    /// The test ends when the smoothed loss is this many times its smallest value; 4 by default.
    pub blow_up: f64,
}

impl Default for RateRange {
    fn default() -> Self {
        Self { lo: 1e-6, hi: 10.0, steps: 100, smoothing: 0.9, blow_up: 4.0 }
    }
}

impl RateRange {
    /// From `lo` to `hi` in 100 steps.
    pub fn new(lo: f64, hi: f64) -> Self {
        Self { lo, hi, ..Self::default() }
    }

    /// In this many steps.
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// With this share of the smoothed loss kept at each step.
    pub fn smoothing(self, smoothing: f64) -> Self {
        Self { smoothing, ..self }
    }

    /// Ending at this multiple of the smallest smoothed loss.
    pub fn blow_up(self, blow_up: f64) -> Self {
        Self { blow_up, ..self }
    }

    fn check(&self) -> Result<(), TrainError> {
        let problem = match self {
            _ if !(self.lo > 0.0 && self.lo < self.hi && self.hi.is_finite()) => {
                format!("it goes from {} to {}; it must rise, from a rate above 0", self.lo, self.hi)
            }
            _ if self.steps < 3 => format!("{} steps show no slope; choose 100", self.steps),
            _ if !(0.0..1.0).contains(&self.smoothing) => format!("smoothing is {}, it lies in 0..1", self.smoothing),
            _ if self.blow_up.is_nan() || self.blow_up <= 1.0 => {
                format!("blow_up is {}, a multiple above 1; choose 4", self.blow_up)
            }
            _ => return Ok(()),
        };
        Err(TrainError::Setting { name: "rate range", problem })
    }
}

/// The loss by rate, and where to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RateCurve {
    /// The rates, rising.
    pub rates: Vec<f64>,
    /// The loss of the batch before the step with that rate.
    pub losses: Vec<f64>,
    /// The losses, smoothed: an exponential average without the weight of its start.
    pub smoothed: Vec<f64>,
    /// Whether the test ended because the loss blew up.
    pub blew_up: bool,
    /// The rate at which the smoothed loss falls most steeply over the logarithm of the rate, before it is smallest; `None` if it never
    /// falls.
    pub suggestion: Option<f64>,
}

/// Trains a copy of `params` with `trainer` while the rate rises exponentially, and records the loss: too small a rate leaves it where it
/// is, too large a one throws it up, and the good ones lie where it falls.
///
/// Batch, rule, clipping, seed and threads are the trainer's; its rate, schedule and number of epochs are replaced, and it reads and
/// writes no checkpoint. `params` stay as they are. The suggestion is the steepest descent of the smoothed loss over the logarithm of the rate; it is a place to begin with, and
/// for rules with momentum, which answer late, often some times too large.
///
/// L. N. Smith, "Cyclical learning rates for training neural networks" (2017), raises the rate linearly; exponentially as by S. Gugger
/// ("How do you find a good learning rate", 2018).
///
/// ```
/// use layerwise_nn_layers::{BuildModel, Mlp, SoftmaxCrossEntropy};
/// use layerwise_datasets::synthetic;
/// use layerwise_tensor::Stream;
/// use layerwise_train::{RateRange, Samples, Trainer, rate_range};
/// let moons = synthetic::moons::<f32>(400, 0.1, &Stream::new(1));
/// let samples = Samples::labels(moons.x.view(), &moons.y)?;
/// let (mlp, params) = Mlp::builder(2).hidden(&[32]).outputs(2).create(1)?;
/// let curve = rate_range(Trainer::new(&mlp, SoftmaxCrossEntropy), &params, &samples, RateRange::default())?;
/// let rate = curve.suggestion.unwrap();
/// assert!(rate > 1e-4 && rate < 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If a setting cannot work, of the range or of the trainer. That training diverges is no error here: it is what ends the test.
///
/// # Panics
/// As [`Trainer::fit`].
#[track_caller]
pub fn rate_range<T: Scalar>(
    mut trainer: Trainer<'_, T>,
    params: &Params<T>,
    samples: &Samples<'_, T>,
    range: RateRange,
) -> Result<RateCurve, TrainError> {
    range.check()?;
    // A trial must neither go on from the checkpoint of a training nor write over it.
    trainer.checkpoint = None;
    let gamma = (range.hi / range.lo).powf(1.0 / (range.steps - 1) as f64);
    let mut curve =
        RateCurve { rates: Vec::new(), losses: Vec::new(), smoothed: Vec::new(), blew_up: false, suggestion: None };
    // What a callback borrows must live as long as the model the trainer borrows; a channel owns what it carries.
    let (sender, seen) = std::sync::mpsc::channel();
    let (mut average, mut least, mut taken) = (0.0, f64::INFINITY, 0);
    // An epoch has a step at least, so that these are epochs enough.
    let trainer = trainer.rate(range.lo).schedule(Exponential::new(gamma)).epochs(range.steps).on_step(move |step| {
        taken += 1;
        average = range.smoothing * average + (1.0 - range.smoothing) * step.loss;
        let smoothed = average / (1.0 - range.smoothing.powi(taken));
        least = least.min(smoothed);
        let blew_up = smoothed > least + (range.blow_up - 1.0) * least.abs();
        // The receiver outlives the fit.
        let sent = sender.send((step.rate, step.loss, smoothed, blew_up));
        if blew_up || taken as usize == range.steps || sent.is_err() {
            return ControlFlow::Break(Stop::new("the rates are tried"));
        }
        ControlFlow::Continue(())
    });
    let outcome = trainer.fit(&mut params.clone(), samples);
    for (rate, loss, smoothed, blew_up) in seen.try_iter() {
        curve.rates.push(rate);
        curve.losses.push(loss);
        curve.smoothed.push(smoothed);
        curve.blew_up |= blew_up;
    }
    match outcome {
        Ok(_) => {}
        Err(TrainError::Diverged { .. }) => curve.blew_up = true,
        Err(error) => return Err(error),
    }
    curve.suggestion = steepest(&curve, range.smoothing);
    Ok(curve)
}

/// Where the smoothed loss falls most steeply over the logarithm of the rate, in which steps are equally far apart: by differences over the
/// memory `m = 1 / (1 - smoothing)` of the average, from where that is filled to where the smoothed loss is smallest. Falls after that
/// are the oscillations of rates that are too large.
fn steepest(curve: &RateCurve, smoothing: f64) -> Option<f64> {
    let memory = 1.0 / (1.0 - smoothing);
    let half = (memory / 2.0).ceil() as usize;
    let last = curve.smoothed.len().checked_sub(1)?;
    let filled = (memory.ceil() as usize - 1).min(last);
    let least = (filled..=last).min_by(|a, b| curve.smoothed[*a].total_cmp(&curve.smoothed[*b]))?;
    let slope = |i: usize| {
        let (from, to) = (i.saturating_sub(half), (i + half).min(last));
        (curve.smoothed[to] - curve.smoothed[from]) / (to - from).max(1) as f64
    };
    let best = (filled..=least).min_by(|a, b| slope(*a).total_cmp(&slope(*b)))?;
    (slope(best) < 0.0).then(|| curve.rates[best])
}
