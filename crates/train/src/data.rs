//! What a model is trained on: features and targets, borrowed.

use layerwise_nn_layers::TargetKind;
use layerwise_tensor::Scalar;
use ndarray::ArrayView2;

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
}

impl<'a, T: Scalar> Samples<'a, T> {
    /// Rows with a class each.
    ///
    /// # Errors
    /// If the numbers of rows differ, or there is no row or no feature.
    pub fn labels(inputs: ArrayView2<'a, T>, labels: &'a [u32]) -> Result<Self, TrainError> {
        check(inputs.dim(), labels.len(), "labels")?;
        Ok(Self { inputs, targets: Targets::Labels(labels) })
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
        Ok(Self { inputs, targets: Targets::Values(values) })
    }

    /// Rows that are their own target: what an autoencoder learns from.
    ///
    /// # Errors
    /// If there is no row or no feature.
    pub fn reconstruct(inputs: ArrayView2<'a, T>) -> Result<Self, TrainError> {
        check(inputs.dim(), inputs.nrows(), "rows")?;
        Ok(Self { inputs, targets: Targets::Inputs })
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

    /// The targets.
    pub fn targets(&self) -> Targets<'a, T> {
        self.targets
    }
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
}
