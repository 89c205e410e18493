//! A bar on a terminal, plain lines in the log elsewhere.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use layerwise_tensor::{Params, Scalar};

use super::{Callback, EpochEnd, FitBegin, StepEnd, Stop};
use crate::error::TrainError;
use crate::history::{EpochRecord, FitReport};

/// Shows how a fit goes: a bar on standard error if that is a terminal, else one line for each epoch at level `info` of `log`.
///
/// The clock is this callback's own: the loop has none, and no number of a fit depends on time.
#[derive(Debug)]
pub struct Progress {
    label: String,
    started: Instant,
    epochs: usize,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A display under this label.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), started: Instant::now(), epochs: 0, bar: None }
    }
}

impl<T: Scalar> Callback<T> for Progress {
    fn on_fit_begin(&mut self, fit: &FitBegin<'_>) -> Result<(), TrainError> {
        (self.started, self.epochs) = (Instant::now(), fit.epochs);
        self.bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(fit.epochs as u64 * fit.steps_per_epoch);
            let template = "{prefix} {wide_bar} {pos}/{len} steps, {eta} left  {msg}";
            // A template that does not parse is no reason to stop training: indicatif's own style is as good.
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(self.label.clone());
            bar.set_position(fit.steps_done);
            bar
        });
        Ok(())
    }

    fn on_step_end(&mut self, _step: &StepEnd<'_, T>) -> ControlFlow<Stop> {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        ControlFlow::Continue(())
    }

    fn on_epoch_end(&mut self, epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        match &self.bar {
            Some(bar) => bar.set_message(numbers(epoch.record)),
            None => log::info!("{}", line(&self.label, epoch.record, self.epochs, self.started.elapsed())),
        }
        ControlFlow::Continue(())
    }

    fn on_fit_end(&mut self, _params: &mut Params<T>, _report: &mut FitReport) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}

fn line(label: &str, record: &EpochRecord, epochs: usize, elapsed: Duration) -> String {
    format!("{label}: epoch {}/{epochs}, {}, {:.1} s", record.epoch + 1, numbers(record), elapsed.as_secs_f64())
}

fn numbers(record: &EpochRecord) -> String {
    let mut text = format!("loss {:.4}", record.loss);
    if let Some(loss) = record.validation_loss {
        text += &format!(", validation loss {loss:.4}");
    }
    for (name, value) in &record.metrics {
        text += &format!(", {name} {value:.4}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_line() {
        let record = EpochRecord {
            epoch: 2,
            steps: 30,
            loss: 0.25,
            validation_loss: Some(0.5),
            metrics: vec![("accuracy".into(), 0.875)],
            rate: 0.1,
            gradient_norm: 1.0,
        };
        let text = line("mnist", &record, 10, Duration::from_millis(1500));
        assert_eq!(text, "mnist: epoch 3/10, loss 0.2500, validation loss 0.5000, accuracy 0.8750, 1.5 s");
    }
}
