//! What a model is trained on: features and targets, borrowed.

use layerwise_nn_layers::TargetKind;
use layerwise_tensor::Scalar;
use ndarray::{ArrayView2, s};

use crate::error::TrainError;

/// What the outputs of a model should be.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a, T> {
    /// A class for each row, counted from 0.
    Labels(&'a [u32]),
    /// Values `(rows, outputs)`.
    Values(ArrayView2<'a, T>),
    /// The inputs themselves: an autoencoder.
    Inputs,
}

impl<T> Targets<'_, T> {
    /// What a loss makes of them.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Labels(_) => TargetKind::Labels,
            Self::Values(_) | Self::Inputs => TargetKind::Values,
        }
    }
}

/// Features `(rows, features)` and their targets, borrowed from where they lie.
///
/// ```
/// # use layerwise_train::Samples;
/// # use ndarray::array;
/// let x = array![[0.0f32, 1.0], [1.0, 0.0]];
/// let samples = Samples::labels(x.view(), &[0, 1])?;
/// assert_eq!(samples.len(), 2);
/// # Ok::<(), layerwise_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a, T> {
    inputs: ArrayView2<'a, T>,
    targets: Targets<'a, T>,
    weights: Option<&'a [T]>,
    mask: Option<ArrayView2<'a, T>>,
}

impl<'a, T: Scalar> Samples<'a, T> {
    /// Rows with a class each.
    ///
    /// # Errors
    /// If the numbers of rows differ, or there is no row or no feature.
    pub fn labels(inputs: ArrayView2<'a, T>, labels: &'a [u32]) -> Result<Self, TrainError> {
        check(inputs.dim(), labels.len(), "labels")?;
        Ok(Self::new(inputs, Targets::Labels(labels)))
    }

    /// Rows with values each: `(rows, outputs)`.
    ///
    /// # Errors
    /// If the numbers of rows differ, or there is no row, no feature or no output.
    pub fn values(inputs: ArrayView2<'a, T>, values: ArrayView2<'a, T>) -> Result<Self, TrainError> {
        check(inputs.dim(), values.nrows(), "rows of values")?;
        if values.ncols() == 0 {
            return Err(TrainError::Samples("rows of 0 values; at least one is needed to learn".into()));
        }
        Ok(Self::new(inputs, Targets::Values(values)))
    }

    /// Rows that are their own target: what an autoencoder learns from.
    ///
    /// # Errors
    /// If there is no row or no feature.
    pub fn reconstruct(inputs: ArrayView2<'a, T>) -> Result<Self, TrainError> {
        check(inputs.dim(), inputs.nrows(), "rows")?;
        Ok(Self::new(inputs, Targets::Inputs))
    }

    /// The same with a weight for each row: in the training loss, and in the loss on validation samples, a row of weight 2 is worth two
    /// rows, and one of weight 0 none (see [`Loss::weighted`](layerwise_nn_layers::Loss::weighted) for where other libraries differ).
    ///
    /// The rows are drawn as often as before. Metrics do not look at weights.
    ///
    /// # Errors
    /// If there is not one weight for each row, one is not finite and at least 0, or all are 0.
    pub fn weights(self, weights: &'a [T]) -> Result<Self, TrainError> {
        if weights.len() != self.len() {
            return Err(TrainError::Samples(format!(
                "{} weights for {} rows; each row needs exactly one",
                weights.len(),
                self.len()
            )));
        }
        check_weights(weights.iter(), "a weight")?;
        Ok(Self { weights: Some(weights), ..self })
    }

    /// The same with a weight for each value of the targets, `(rows, targets)`: a mask of 0 and 1 says which of them are known. The loss
    /// is the mean over the known ones.
    ///
    /// A target that is not known may be NaN; features may not, for a network needs a number: fill them in. Metrics do not look at masks.
    ///
    /// # Errors
    /// If the mask has another shape than the targets, the targets are labels, one of its values is not finite and at least 0, or all
    /// are 0.
    pub fn mask(self, mask: ArrayView2<'a, T>) -> Result<Self, TrainError> {
        let targets = match self.targets {
            Targets::Labels(_) => {
                let problem = "a mask for labels; give weights of rows instead, 0 for the rows without a label";
                return Err(TrainError::Samples(problem.into()));
            }
            Targets::Values(values) => values.dim(),
            Targets::Inputs => self.inputs.dim(),
        };
        if mask.dim() != targets {
            return Err(TrainError::Samples(format!(
                "a mask of shape {:?} for targets of shape {targets:?}; each target needs exactly one weight",
                mask.dim()
            )));
        }
        check_weights(mask.iter(), "a value of the mask")?;
        Ok(Self { mask: Some(mask), ..self })
    }

    fn new(inputs: ArrayView2<'a, T>, targets: Targets<'a, T>) -> Self {
        Self { inputs, targets, weights: None, mask: None }
    }

    /// Number of rows; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.inputs.nrows()
    }

    /// The features, `(rows, features)`.
    pub fn inputs(&self) -> ArrayView2<'a, T> {
        self.inputs
    }

    /// The first `rows` of them, or all if they are fewer.
    pub(crate) fn first(&self, rows: usize) -> Self {
        let rows = rows.min(self.len());
        let targets = match self.targets {
            Targets::Labels(labels) => Targets::Labels(&labels[..rows]),
            Targets::Values(values) => Targets::Values(values.slice_move(s![..rows, ..])),
            Targets::Inputs => Targets::Inputs,
        };
        let weights = self.weights.map(|weights| &weights[..rows]);
        let mask = self.mask.map(|mask| mask.slice_move(s![..rows, ..]));
        Self { inputs: self.inputs.slice_move(s![..rows, ..]), targets, weights, mask }
    }

    /// The targets.
    pub fn targets(&self) -> Targets<'a, T> {
        self.targets
    }

    /// The weights of the rows, if there are any.
    pub fn row_weights(&self) -> Option<&'a [T]> {
        self.weights
    }

    /// The weights of the targets, `(rows, targets)`, if there are any.
    pub fn target_mask(&self) -> Option<ArrayView2<'a, T>> {
        self.mask
    }

    /// Whether the target in this place counts at all.
    pub(crate) fn counts(&self, row: usize, col: usize) -> bool {
        let of_row = self.weights.is_none_or(|weights| weights[row] != T::zero());
        of_row && self.mask.as_ref().is_none_or(|mask| mask[[row, col]] != T::zero())
    }
}

fn check_weights<'w, T: Scalar>(
    mut weights: impl Iterator<Item = &'w T> + Clone,
    what: &str,
) -> Result<(), TrainError> {
    if let Some(w) = weights.clone().find(|w| !w.is_finite() || **w < T::zero()) {
        return Err(TrainError::Samples(format!("{what} is {w}; weights are finite and at least 0")));
    }
    if weights.all(|w| *w == T::zero()) {
        return Err(TrainError::Samples("all weights are 0, so there is nothing to learn from".into()));
    }
    Ok(())
}

fn check((inputs, features): (usize, usize), targets: usize, what: &str) -> Result<(), TrainError> {
    if inputs == 0 || features == 0 {
        return Err(TrainError::Samples(format!(
            "{inputs} rows of {features} features; at least one of each is needed to learn from"
        )));
    }
    if inputs != targets {
        return Err(TrainError::Samples(format!(
            "{inputs} rows of features but {targets} {what}; each row of features needs exactly one target"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn rows_must_agree() {
        let x = Array2::<f32>::zeros((3, 2));
        let message = Samples::labels(x.view(), &[0, 1]).unwrap_err().to_string();
        assert!(message.contains("3 rows") && message.contains("2 labels"), "{message}");
        assert!(Samples::values(x.view(), x.view()).is_ok());
        assert!(Samples::values(x.view(), Array2::zeros((3, 0)).view()).is_err());
        assert!(Samples::reconstruct(Array2::<f32>::zeros((0, 2)).view()).is_err());
    }

    #[test]
    fn weights_and_masks_must_fit() {
        let x = Array2::<f32>::zeros((3, 2));
        let samples = Samples::reconstruct(x.view()).unwrap();
        let refusal = |found: Result<Samples<'_, f32>, TrainError>| found.unwrap_err().to_string();
        assert!(refusal(samples.weights(&[1.0, 2.0])).contains("2 weights for 3 rows"));
        assert!(refusal(samples.weights(&[1.0, f32::NAN, 2.0])).contains("a weight is NaN"));
        assert!(refusal(samples.weights(&[0.0; 3])).contains("all weights are 0"));
        let (narrow, negative) = (Array2::ones((3, 1)), Array2::from_elem((3, 2), -1.0));
        assert!(refusal(samples.mask(narrow.view())).contains("shape (3, 1)"));
        assert!(refusal(samples.mask(negative.view())).contains("is -1"));
        let labels = Samples::labels(x.view(), &[0, 1, 1]).unwrap();
        assert!(refusal(labels.mask(x.view())).contains("weights of rows"));
        let (weights, mask) = ([0.0, 1.0, 2.0], ndarray::array![[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]);
        let samples = samples.weights(&weights).unwrap().mask(mask.view()).unwrap();
        assert!(!samples.counts(0, 0) && samples.counts(1, 0) && !samples.counts(1, 1));
    }
}
