//! Logs: every epoch a row, flushed at once; files that grow; errors that do not end a training.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use layerwise_nn_layers::{BuildModel, Mlp, SoftmaxCrossEntropy};
use layerwise_train::metrics::Metric;
use layerwise_train::{Callback, CsvLog, EpochRecord, FitReport, JsonlLog, Samples, TrainError, Trainer};
use ndarray::{Array2, array};

fn fit(epochs: usize, metric: bool, log: impl Callback<f32>) -> Result<FitReport, TrainError> {
    let x: Array2<f32> = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let samples = Samples::labels(x.view(), &[0, 1, 1, 0])?;
    let (mlp, mut params) = Mlp::builder(2).hidden(&[4]).outputs(2).create(1).unwrap();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(epochs).validation(samples).callback(log);
    let trainer = if metric { trainer.metric(Metric::ACCURACY) } else { trainer };
    trainer.fit(&mut params, &samples)
}

/// Counts rows that are flushed, and fails from the `last`-th on.
#[derive(Clone, Default)]
struct Disk {
    written: Arc<Mutex<(Vec<u8>, usize)>>,
    full_after: Option<usize>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock().unwrap();
        if self.full_after.is_some_and(|n| written.1 >= n) {
            return Err(io::Error::other("the disk is full"));
        }
        written.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.written.lock().unwrap().1 += 1;
        Ok(())
    }
}

#[test]
fn csv_holds_the_history_to_the_bit() {
    let mut log = CsvLog::new(Vec::new());
    let report = fit(3, true, &mut log).unwrap();
    let text = String::from_utf8(log.into_inner()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("epoch,steps,loss,validation_loss,accuracy,rate,gradient_norm"));
    for (line, r) in lines.zip(&report.history.epochs) {
        let numbers: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
        let (validation, accuracy) = (r.validation_loss.unwrap(), r.metric("accuracy").unwrap());
        assert_eq!(numbers, [r.epoch as f64, r.steps as f64, r.loss, validation, accuracy, r.rate, r.gradient_norm]);
    }
    assert_eq!(text.lines().count(), 4);
}

#[test]
fn every_row_is_flushed() {
    let disk = Disk::default();
    fit(5, false, CsvLog::new(disk.clone())).unwrap();
    assert_eq!(disk.written.lock().unwrap().1, 6, "a header and five epochs");
    let disk = Disk::default();
    fit(5, false, JsonlLog::new(disk.clone())).unwrap();
    assert_eq!(disk.written.lock().unwrap().1, 5);
}

#[test]
fn files_grow_from_fit_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, jsonl) = (folder.path().join("log.csv"), folder.path().join("log.jsonl"));
    for _ in 0..2 {
        fit(2, false, CsvLog::append(&csv).unwrap()).unwrap();
        fit(2, false, JsonlLog::append(&jsonl).unwrap()).unwrap();
    }
    let text = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(text.lines().filter(|l| l.starts_with("epoch")).count(), 1, "{text}");
    assert_eq!(text.lines().count(), 5);
    let lines = std::fs::read_to_string(&jsonl).unwrap();
    let epochs: Vec<usize> = lines.lines().map(|l| serde_json::from_str::<EpochRecord>(l).unwrap().epoch).collect();
    assert_eq!(epochs, [0, 1, 0, 1]);
    // Columns that do not fit below the header are refused before the first step.
    let error = fit(2, true, CsvLog::append(&csv).unwrap()).unwrap_err().to_string();
    assert!(error.contains("the file begins with `epoch,") && error.contains("another file"), "{error}");
    assert!(CsvLog::append(folder.path()).unwrap_err().to_string().contains(&folder.path().display().to_string()));
}

#[test]
fn a_full_disk_ends_the_log_and_not_the_training() {
    let disk = Disk { full_after: Some(3), ..Disk::default() };
    let mut log = CsvLog::new(disk.clone());
    let report = fit(6, false, &mut log).unwrap();
    assert_eq!(report.history.epochs.len(), 6);
    assert!(log.error().unwrap().to_string().contains("full"));
    let text = String::from_utf8(disk.written.lock().unwrap().0.clone()).unwrap();
    assert_eq!(text.lines().count(), 3, "a header and two epochs");
    // One that cannot even begin is an error, for nothing is lost yet.
    let error = fit(6, false, CsvLog::new(Disk { full_after: Some(0), ..Disk::default() })).unwrap_err();
    assert!(matches!(error, TrainError::Io { .. }), "{error}");
}
