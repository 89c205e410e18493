//! Accuracy and the confusion matrix.

use std::fmt;

use layerwise_tensor::Scalar;
use ndarray::ArrayView2;

use crate::error::TrainError;

/// The class each row of `outputs` `(rows, classes)` speaks for: the column with the largest value, the first among equals.
///
/// With one column the output is the logit of class 1, so the class is 1 where the value is above 0.
///
/// ```
/// # use layerwise_train::metrics::classify;
/// # use ndarray::array;
/// assert_eq!(classify(array![[0.1f32, 0.7, 0.2], [3.0, -1.0, 0.0]].view())?, [1, 0]);
/// # Ok::<(), layerwise_train::TrainError>(())
/// ```
///
/// # Errors
/// If there is no column, or an output is NaN.
pub fn classify<T: Scalar>(outputs: ArrayView2<'_, T>) -> Result<Vec<u32>, TrainError> {
    if outputs.ncols() == 0 {
        return Err(TrainError::metric("classes", "the outputs have no column; give one column for each class"));
    }
    let mut classes = Vec::with_capacity(outputs.nrows());
    for (i, row) in outputs.outer_iter().enumerate() {
        if row.iter().any(|v| v.is_nan()) {
            return Err(TrainError::metric("classes", format!("the output of row {i} is NaN; the model has diverged")));
        }
        let class = match row.len() {
            1 => usize::from(row[0] > T::zero()),
            _ => (1..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best }),
        };
        classes.push(class as u32);
    }
    Ok(classes)
}

/// Share of the rows whose predicted class is the true one.
///
/// # Errors
/// If there is no row, or the lengths differ.
pub fn accuracy(predicted: &[u32], actual: &[u32]) -> Result<f64, TrainError> {
    same_length("accuracy", predicted.len(), actual.len())?;
    let hits = predicted.iter().zip(actual).filter(|(p, a)| p == a).count();
    Ok(hits as f64 / actual.len() as f64)
}

/// How often class `actual` was taken for class `predicted`.
///
/// ```
/// # use layerwise_train::metrics::ConfusionMatrix;
/// let m = ConfusionMatrix::new(2, &[0, 1, 1, 1], &[0, 0, 1, 1])?;
/// assert_eq!(m.count(0, 1), 1);
/// assert_eq!(m.recall(1), 1.0);
/// assert!((m.precision(1) - 2.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), layerwise_train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>, // (actual, predicted)
}

impl ConfusionMatrix {
    /// Counts the pairs of true and predicted classes.
    ///
    /// # Errors
    /// If there is no row, the lengths differ, or a class is not below `classes`.
    pub fn new(classes: usize, predicted: &[u32], actual: &[u32]) -> Result<Self, TrainError> {
        same_length("confusion matrix", predicted.len(), actual.len())?;
        let mut counts = vec![0; classes * classes];
        for (i, (p, a)) in predicted.iter().zip(actual).enumerate() {
            let (p, a) = (*p as usize, *a as usize);
            if p >= classes || a >= classes {
                let message =
                    format!("row {i} has class {}, but only {classes} classes were announced (0 first)", p.max(a));
                return Err(TrainError::metric("confusion matrix", message));
            }
            counts[a * classes + p] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Rows of class `actual` that were taken for class `predicted`.
    ///
    /// # Panics
    /// If a class is not below [`ConfusionMatrix::classes`].
    #[track_caller]
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        let n = self.classes;
        assert!(actual < n && predicted < n, "confusion matrix of {n} classes has no entry ({actual}, {predicted})");
        self.counts[actual * n + predicted]
    }

    /// Share of the rows on the diagonal.
    pub fn accuracy(&self) -> f64 {
        let hits: u64 = (0..self.classes).map(|c| self.count(c, c)).sum();
        hits as f64 / self.counts.iter().sum::<u64>() as f64
    }

    /// Of the rows taken for `class`, the share that are: `TP / (TP + FP)`; 0 where none was.
    ///
    /// # Panics
    /// If the class is not below [`ConfusionMatrix::classes`].
    #[track_caller]
    pub fn precision(&self, class: usize) -> f64 {
        let taken: u64 = (0..self.classes).map(|a| self.count(a, class)).sum();
        ratio(self.count(class, class), taken)
    }

    /// Of the rows of `class`, the share that were found: `TP / (TP + FN)`; 0 where there is none.
    ///
    /// # Panics
    /// If the class is not below [`ConfusionMatrix::classes`].
    #[track_caller]
    pub fn recall(&self, class: usize) -> f64 {
        let there: u64 = (0..self.classes).map(|p| self.count(class, p)).sum();
        ratio(self.count(class, class), there)
    }

    /// Harmonic mean of precision and recall; 0 where both are.
    ///
    /// # Panics
    /// If the class is not below [`ConfusionMatrix::classes`].
    #[track_caller]
    pub fn f1(&self, class: usize) -> f64 {
        let (p, r) = (self.precision(class), self.recall(class));
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }
}

impl fmt::Display for ConfusionMatrix {
    /// A table with one line for each true class.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = self.counts.iter().max().copied().unwrap_or(0).max(self.classes as u64);
        let width = largest.to_string().len() + 1;
        write!(f, "{:>width$} |", "")?;
        for p in 0..self.classes {
            write!(f, "{p:>width$}")?;
        }
        for a in 0..self.classes {
            write!(f, "\n{a:>width$} |")?;
            for p in 0..self.classes {
                write!(f, "{:>width$}", self.count(a, p))?;
            }
        }
        Ok(())
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Refuses empty and unequal lists, which every metric of pairs does.
pub(super) fn same_length(metric: &'static str, left: usize, right: usize) -> Result<(), TrainError> {
    match (left, right) {
        (a, b) if a != b => Err(TrainError::metric(metric, format!("{a} predictions were given for {b} rows"))),
        (0, _) => Err(TrainError::metric(metric, "there is no row, so there is nothing to measure")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn one_column_is_a_logit() {
        assert_eq!(classify(array![[-0.1f64], [0.0], [0.1]].view()).unwrap(), [0, 0, 1]);
    }

    #[test]
    fn the_first_among_equals_wins() {
        assert_eq!(classify(array![[1.0f32, 2.0, 2.0]].view()).unwrap(), [1]);
    }

    #[test]
    fn nan_is_an_error() {
        let message = classify(array![[0.0f32, 1.0], [f32::NAN, 1.0]].view()).unwrap_err().to_string();
        assert!(message.contains("row 1") && message.contains("NaN"), "{message}");
        assert!(classify(Array2::<f32>::zeros((3, 0)).view()).is_err());
    }

    #[test]
    fn accuracy_counts_hits() {
        assert_eq!(accuracy(&[0, 1, 2, 2], &[0, 1, 1, 2]).unwrap(), 0.75);
        assert!(accuracy(&[], &[]).is_err());
        assert!(accuracy(&[1], &[1, 2]).is_err());
    }

    #[test]
    fn confusion_by_hand() {
        let m = ConfusionMatrix::new(3, &[0, 0, 1, 2, 2, 2], &[0, 1, 1, 2, 2, 0]).unwrap();
        assert_eq!([m.count(0, 0), m.count(0, 2), m.count(1, 0), m.count(1, 1), m.count(2, 2)], [1, 1, 1, 1, 2]);
        assert_eq!(m.accuracy(), 4.0 / 6.0);
        assert_eq!((m.precision(0), m.recall(0), m.f1(0)), (0.5, 0.5, 0.5));
        assert_eq!(m.precision(2), 2.0 / 3.0);
        assert_eq!(m.to_string().lines().count(), 4);
        assert!(ConfusionMatrix::new(2, &[2], &[0]).is_err());
    }

    #[test]
    fn a_class_nobody_named_has_precision_zero() {
        let m = ConfusionMatrix::new(2, &[0, 0], &[0, 1]).unwrap();
        assert_eq!((m.precision(1), m.recall(1), m.f1(1)), (0.0, 0.0, 0.0));
    }
}
