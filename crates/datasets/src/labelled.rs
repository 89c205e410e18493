//! Rows with a class each.

use crate::split::{Split, SplitIndices};
use layerwise_tensor::Scalar;
use ndarray::{Array2, Axis};

/// Rows with a class each: what a classifier learns from.
///
/// `x` is `(rows, features)`, `y[i]` in `0..classes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled<T> {
    /// Features, one row per example.
    pub x: Array2<T>,
    /// The class of each row.
    pub y: Vec<u32>,
    /// Number of classes.
    pub classes: usize,
    /// What it is called in messages and records.
    pub name: String,
}

impl<T: Scalar> Labelled<T> {
    /// Rows and their classes.
    ///
    /// # Panics
    /// When there is not one label per row, or a label is not below `classes`.
    #[track_caller]
    pub fn new(name: impl Into<String>, x: Array2<T>, y: Vec<u32>, classes: usize) -> Self {
        let name = name.into();
        assert!(x.nrows() == y.len(), "labelled `{name}`: {} rows in x, {} labels in y", x.nrows(), y.len());
        if let Some(bad) = y.iter().find(|&&c| c as usize >= classes) {
            panic!("labelled `{name}`: label {bad}, but there are {classes} classes");
        }
        Self { x, y, classes, name }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.x.nrows()
    }

    /// Number of features.
    pub fn cols(&self) -> usize {
        self.x.ncols()
    }

    /// The rows at `indices`, in that order.
    #[track_caller]
    pub fn take(&self, indices: &[usize]) -> Self {
        Self {
            x: self.x.select(Axis(0), indices),
            y: indices.iter().map(|&i| self.y[i]).collect(),
            classes: self.classes,
            name: self.name.clone(),
        }
    }

    /// Both parts of a split.
    #[track_caller]
    pub fn split(&self, indices: &SplitIndices) -> Split<Self> {
        Split { train: self.take(&indices.train), test: self.take(&indices.test) }
    }

    /// The first `n` rows, or all.
    pub fn head(&self, n: usize) -> Self {
        let n = n.min(self.rows());
        self.take(&(0..n).collect::<Vec<_>>())
    }

    /// The same rows in another float type.
    pub fn cast<U: Scalar>(&self) -> Labelled<U> {
        Labelled {
            x: self.x.mapv(|v| U::of(v.as_f64())),
            y: self.y.clone(),
            classes: self.classes,
            name: self.name.clone(),
        }
    }

    /// How many rows each class has.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &c in &self.y {
            counts[c as usize] += 1;
        }
        counts
    }
}
