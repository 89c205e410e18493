//! What the output of a model should have been.

use std::fmt;

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use layerwise_tensor::ndarray::ArrayView2;

/// What the output of a model should have been.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Target<'a, T: Scalar> {
    /// The class of each row, below the width of the output.
    Labels(&'a [u32]),
    /// Values, in the shape of the output unless [`Loss::outputs_per_target`](crate::Loss::outputs_per_target) says otherwise.
    Values(ArrayView2<'a, T>),
    /// Values that stand on the graph already, such as the input of an autoencoder.
    Var(Var),
}

/// The kinds of [`Target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// The class of each row.
    Labels,
    /// Values in the shape of the output.
    Values,
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Labels => "a class for each row",
            Self::Values => "values in the shape of the output",
        })
    }
}

impl<T: Scalar> Target<'_, T> {
    /// Its kind.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Labels(_) => TargetKind::Labels,
            Self::Values(_) | Self::Var(_) => TargetKind::Values,
        }
    }

    /// The values as a variable of `g`.
    ///
    /// # Panics
    /// If these are labels; `loss` names who asked.
    #[track_caller]
    pub fn values(&self, loss: &str, g: &mut Graph<'_, T>) -> Var {
        match self {
            Self::Values(values) => g.input(*values),
            Self::Var(var) => *var,
            Self::Labels(_) => wrong_kind(loss, TargetKind::Values, TargetKind::Labels),
        }
    }

    /// The labels.
    ///
    /// # Panics
    /// If these are values; `loss` names who asked.
    #[track_caller]
    pub fn labels(&self, loss: &str) -> &[u32] {
        match self {
            Self::Labels(labels) => labels,
            _ => wrong_kind(loss, TargetKind::Labels, TargetKind::Values),
        }
    }
}

#[track_caller]
fn wrong_kind(loss: &str, wanted: TargetKind, found: TargetKind) -> ! {
    panic!("loss `{loss}` needs {wanted}, found {found}")
}
