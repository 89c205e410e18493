//! The history as lines of JSON that grow while a model is trained.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use layerwise_tensor::Scalar;

use super::log_target::Target;
use super::{Callback, EpochEnd, Stop};
use crate::error::TrainError;

/// Writes each [`EpochRecord`](crate::EpochRecord) as a line of JSON after its epoch and flushes it.
///
/// Errors are treated as by [`CsvLog`](super::CsvLog): training goes on, `log` has a warning, [`JsonlLog::error`] keeps it.
/// JSON has no NaN: a number that is none becomes `null`.
///
/// ```
/// # use layerwise_nn_layers::{BuildModel, Mlp, Mse};
/// # use layerwise_train::{EpochRecord, JsonlLog, Samples, Trainer};
/// # use layerwise_tensor::ndarray::array;
/// # let x = array![[0.0f32, 1.0], [1.0, 0.0]];
/// # let (mlp, mut params) = Mlp::builder(2).outputs(2).create(1)?;
/// let mut log = JsonlLog::new(Vec::new());
/// let report =
///     Trainer::new(&mlp, Mse).epochs(3).callback(&mut log).fit(&mut params, &Samples::reconstruct(x.view())?)?;
/// let text = String::from_utf8(log.into_inner())?;
/// let read: Vec<EpochRecord> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
/// assert_eq!(read, report.history.epochs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JsonlLog<W> {
    target: Target<W>,
}

impl<W: Write> JsonlLog<W> {
    /// Lines written to `writer`.
    pub fn new(writer: W) -> Self {
        Self { target: Target::new(writer) }
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

impl JsonlLog<File> {
    /// Lines at the end of the file at `path`, which is made if there is none.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn append(path: impl AsRef<Path>) -> Result<Self, TrainError> {
        Ok(Self { target: Target::append(path.as_ref())?.0 })
    }
}

impl<T: Scalar, W: Write + Send> Callback<T> for JsonlLog<W> {
    fn on_epoch_end(&mut self, epoch: &EpochEnd<'_, T>) -> ControlFlow<Stop> {
        match serde_json::to_string(epoch.record) {
            Ok(row) => self.target.row(&row),
            Err(error) => log::warn!("epoch {} has no JSON: {error}", epoch.record.epoch),
        }
        ControlFlow::Continue(())
    }
}
