//! The history as a table that grows while a model is trained.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use layerwise_tensor::Scalar;

use super::log_target::Target;
use super::{Callback, EpochEnd, FitBegin, Stop};
use crate::error::TrainError;
use crate::history::EpochRecord;

/// Writes a row of comma-separated values after each epoch and flushes it: what a plot follows, and what is left when the power goes.
///
/// Columns: `epoch, steps, loss, validation_loss`, the validation metrics by name, `rate, gradient_norm`; a value that is not measured
/// is empty. Numbers are written so that they read back as the same bits.
///
/// An error before the first epoch ends the fit before it began. A later one (a full disk) does not: hours of training are worth more
/// than a log whose numbers the history holds too. It is a warning of `log`, [`CsvLog::error`] keeps it, and nothing more is written.
///
/// ```
/// # use layerwise_nn_layers::{BuildModel, Mlp, Mse};
/// # use layerwise_train::{CsvLog, Samples, Trainer};
/// # use layerwise_tensor::ndarray::array;
/// # let x = array![[0.0f32, 1.0], [1.0, 0.0]];
/// # let (mlp, mut params) = Mlp::builder(2).outputs(2).create(1)?;
/// let mut log = CsvLog::new(Vec::new());
/// Trainer::new(&mlp, Mse).epochs(3).callback(&mut log).fit(&mut params, &Samples::reconstruct(x.view())?)?;
/// let text = String::from_utf8(log.into_inner())?;
/// assert!(text.starts_with("epoch,steps,loss,validation_loss,rate,gradient_norm\n0,1,"));
/// assert_eq!(text.lines().count(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CsvLog<W> {
    target: Target<W>,
    /// The header of a file that had one.
    header: Option<String>,
    metrics: Vec<&'static str>,
}

impl<W: Write> CsvLog<W> {
    /// A table written to `writer`, beginning with its header.
    pub fn new(writer: W) -> Self {
        Self { target: Target::new(writer), header: None, metrics: Vec::new() }
    }

    /// What went wrong while writing, if something did.
    pub fn error(&self) -> Option<&io::Error> {
        self.target.error()
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.target.into_inner()
    }
}

impl CsvLog<File> {
    /// A table in the file at `path`, which is made if there is none; rows of a file that is there stay, and a further fit goes on below
    /// them.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn append(path: impl AsRef<Path>) -> Result<Self, TrainError> {
        let (target, header) = Target::append(path.as_ref())?;
        Ok(Self { target, header, metrics: Vec::new() })
    }
}

impl<T: Scalar, W: Write + Send> Callback<T> for CsvLog<W> {
    fn on_fit_begin(&mut self, fit: &FitBegin<'_>) -> Result<(), TrainError> {
        self.metrics = fit.metrics.to_vec();
        let metrics: String = self.metrics.iter().map(|m| format!("{m},")).collect();
        let header = format!("epoch,steps,loss,validation_loss,{metrics}rate,gradient_norm");
        match &self.header {
            None => self.target.first_row(&header)?,
            Some(found) if *found != header => {
                let problem =
                    format!("the file begins with `{found}`, this fit writes `{header}`; choose another file");
                return Err(TrainError::Setting { name: "csv log", problem });
            }
            Some(_) => {}
        }
        self.header = Some(header);
        Ok(())
    }

    fn on_epoch_end(&mut self, epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        self.target.row(&row(epoch.record, &self.metrics));
        ControlFlow::Continue(())
    }
}

fn row(r: &EpochRecord, metrics: &[&'static str]) -> String {
    let optional = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let metrics: String = metrics.iter().map(|m| optional(r.metric(m)) + ",").collect();
    let validation = optional(r.validation_loss);
    format!("{},{},{},{validation},{metrics}{},{}", r.epoch, r.steps, r.loss, r.rate, r.gradient_norm)
}
