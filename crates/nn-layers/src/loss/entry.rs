//! What a loss is, and what its file tells about it.

use std::fmt::{self, Debug};

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use layerwise_tensor::ndarray::ArrayView2;
use serde_json::{Map, Value};

use crate::error::ConfigError;

/// A loss: one number for the output of a model and what it should have been.
pub trait Loss<T: Scalar>: Send + Sync {
    /// What the target has to be.
    fn target(&self) -> TargetKind;

    /// Writes the loss of `output` against `target` onto `g`; the result is `(1, 1)`, the mean over the batch.
    ///
    /// # Panics
    /// If `target` is of another kind or shape than `output` asks for.
    #[track_caller]
    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var;

    /// Columns of the output for each column of the target: 1 unless the model puts out several parameters of a distribution.
    fn outputs_per_target(&self) -> usize {
        1
    }

    /// The width of the output, where numbers of the loss (such as a weight for each class) fit one width only.
    fn width(&self) -> Option<usize> {
        None
    }
}

/// A loss for both element types; everything that implements [`Loss`] for `f32` and `f64` and [`Debug`] is one.
pub trait AnyLoss: Loss<f32> + Loss<f64> + Debug {}

impl<L: Loss<f32> + Loss<f64> + Debug + ?Sized> AnyLoss for L {}

impl Loss<f32> for Box<dyn AnyLoss> {
    fn target(&self) -> TargetKind {
        Loss::<f32>::target(&**self)
    }

    fn loss(&self, g: &mut Graph<'_, f32>, output: Var, target: Target<'_, f32>) -> Var {
        Loss::<f32>::loss(&**self, g, output, target)
    }

    fn outputs_per_target(&self) -> usize {
        Loss::<f32>::outputs_per_target(&**self)
    }

    fn width(&self) -> Option<usize> {
        Loss::<f32>::width(&**self)
    }
}

impl Loss<f64> for Box<dyn AnyLoss> {
    fn target(&self) -> TargetKind {
        Loss::<f64>::target(&**self)
    }

    fn loss(&self, g: &mut Graph<'_, f64>, output: Var, target: Target<'_, f64>) -> Var {
        Loss::<f64>::loss(&**self, g, output, target)
    }

    fn outputs_per_target(&self) -> usize {
        Loss::<f64>::outputs_per_target(&**self)
    }

    fn width(&self) -> Option<usize> {
        Loss::<f64>::width(&**self)
    }
}

/// What the output of a model should have been.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Target<'a, T: Scalar> {
    /// The class of each row, below the width of the output.
    Labels(&'a [u32]),
    /// Values, in the shape of the output unless [`Loss::outputs_per_target`] says otherwise.
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
    pub(crate) fn values(&self, loss: &str, g: &mut Graph<'_, T>) -> Var {
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
    pub(crate) fn labels(&self, loss: &str) -> &[u32] {
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

/// A loss that can be named in a configuration.
pub trait NamedLoss: AnyLoss + Sized + 'static {
    /// Its name in configurations.
    const NAME: &'static str;
    /// One line for the documentation, with the formula.
    const DOC: &'static str;
    /// Options on which the laws are tried, as JSON.
    const SAMPLES: &'static [&'static str];
    /// What the target has to be.
    const TARGET: TargetKind;

    /// The loss with these options, which may make it one of another type.
    ///
    /// # Errors
    /// If an option is unknown or a value out of range.
    fn from_options(options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError>;
}

type BuildFn = fn(&Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError>;

/// A line of the table of losses.
pub struct LossEntry {
    /// Its name in configurations.
    pub name: &'static str,
    /// One line for the documentation, with the formula.
    pub doc: &'static str,
    /// Options on which the laws are tried, as JSON.
    pub samples: &'static [&'static str],
    /// What the target has to be.
    pub target: TargetKind,
    build: BuildFn,
}

impl LossEntry {
    /// The line of the loss `L`.
    pub const fn of<L: NamedLoss>() -> Self {
        Self { name: L::NAME, doc: L::DOC, samples: L::SAMPLES, target: L::TARGET, build: L::from_options }
    }

    /// The loss with `options`.
    ///
    /// # Errors
    /// If an option is unknown or a value out of range.
    pub fn build(&self, options: &Map<String, Value>) -> Result<Box<dyn AnyLoss>, ConfigError> {
        (self.build)(options)
    }
}

impl Debug for LossEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LossEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
