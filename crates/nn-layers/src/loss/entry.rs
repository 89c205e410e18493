//! What a loss is, and what its file tells about it.

use std::fmt::{self, Debug};

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;
use serde_json::{Map, Value};

use super::target::{Target, TargetKind};
use super::weights::{Terms, Weighted, Weights};
use crate::error::ConfigError;

/// A loss: one number for the output of a model and what it should have been, the mean of [`Loss::terms`].
///
/// # Example
/// A loss of one's own; weights of rows and masks of values come with it:
/// ```
/// use layerwise_autograd::{Graph, Tape, Var};
/// use layerwise_nn_layers::{Loss, Target, TargetKind, Terms, Weights};
/// use layerwise_tensor::{Layout, Mode, Params, Scalar, Stream, ndarray::array};
///
/// /// `mean((y - t)^4)`.
/// struct Quartic;
///
/// impl<T: Scalar> Loss<T> for Quartic {
///     fn target(&self) -> TargetKind {
///         TargetKind::Values
///     }
///     fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms {
///         let target = target.values("quartic", g);
///         let d = g.sub(output, target);
///         let square = g.square(d);
///         Terms::new(g.square(square))
///     }
/// }
///
/// let params = Params::<f64>::init(Layout::new(), &Stream::new(0));
/// let mut tape = Tape::new();
/// let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
/// let y = g.input(array![[1.0, 2.0], [3.0, 5.0]].view());
/// let target = array![[0.0, f64::NAN], [3.0, 3.0]];
/// let known = array![[1.0, 0.0], [1.0, 1.0]];
/// let weights = Weights::of_values(known.view()).and_rows(&[3.0, 1.0]);
/// let found = Quartic.weighted(&mut g, y, Target::Values(target.view()), &weights);
/// assert_eq!((g.scalar(found.loss), found.weight), ((3.0 * 1.0 + 0.0 + 16.0) / 5.0, 5.0));
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
pub trait Loss<T: Scalar>: Send + Sync {
    /// What the target has to be.
    fn target(&self) -> TargetKind;

    /// Writes what `output` costs against `target` onto `g`, not yet reduced: one term for each value of the target, unless the loss says
    /// otherwise, and what the terms count when their mean is taken.
    ///
    /// # Panics
    /// If `target` is of another kind or shape than `output` asks for.
    #[track_caller]
    fn terms(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Terms;

    /// Writes the loss of `output` against `target` onto `g`; the result is `(1, 1)`, the mean over the batch.
    ///
    /// Losses that have a faster way than the mean of [`Loss::terms`] take it; the two agree up to rounding.
    ///
    /// # Panics
    /// As [`Loss::terms`].
    #[track_caller]
    fn loss(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>) -> Var {
        let terms = self.terms(g, output, target);
        terms.mean(g)
    }

    /// The loss with a weight `w_i` for each row and `m_ij` for each value of the target: `sum w_i m_ij l_ij / sum w_i m_ij n_ij`,
    /// where the terms `l` count `n` (1 in most losses). Where all weights are 0 the loss is 0, and so is its gradient.
    ///
    /// A target of weight 0 is never looked at: it may be NaN. The output at its place must be finite.
    ///
    /// # Other libraries
    /// The sum of the weights divides: doubling all weights changes nothing, and a row of weight 2 is worth two rows. PyTorch's
    /// `weight` of `BCELoss` and Keras' `sample_weight` divide by the number of values instead, so weights there change the size of the
    /// step too; PyTorch's class weights, Keras' masks and scikit-learn's `sample_weight` divide as we do.
    ///
    /// # Panics
    /// As [`Loss::terms`], and if the weights are not as many as rows, or not in the shape of the target.
    #[track_caller]
    fn weighted(&self, g: &mut Graph<'_, T>, output: Var, target: Target<'_, T>, weights: &Weights<'_, T>) -> Weighted {
        if weights.is_none() {
            let weight = g.shape(output).0 as f64;
            return Weighted { loss: self.loss(g, output, target), weight };
        }
        let target = weights.known(g, output, target);
        let terms = self.terms(g, output, target);
        terms.weighted_mean(g, weights, |term| self.term_column(term))
    }

    /// The column of the target whose weight term `term` of a row takes: its own, unless a term covers several columns.
    fn term_column(&self, term: usize) -> usize {
        term
    }

    /// Columns of the output for each column of the target: 1 unless the model puts out several parameters of a distribution.
    fn outputs_per_target(&self) -> usize {
        1
    }

    /// Columns of the output for a target of `targets` columns (for labels: of `targets` classes).
    fn outputs(&self, targets: usize) -> usize {
        targets * self.outputs_per_target()
    }

    /// The width of the target (for labels: the number of classes), where the loss fits one width only, such as that of its weights for
    /// each class.
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

    fn terms(&self, g: &mut Graph<'_, f32>, output: Var, target: Target<'_, f32>) -> Terms {
        Loss::<f32>::terms(&**self, g, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, f32>, output: Var, target: Target<'_, f32>) -> Var {
        Loss::<f32>::loss(&**self, g, output, target)
    }

    fn term_column(&self, term: usize) -> usize {
        Loss::<f32>::term_column(&**self, term)
    }

    fn outputs(&self, targets: usize) -> usize {
        Loss::<f32>::outputs(&**self, targets)
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

    fn terms(&self, g: &mut Graph<'_, f64>, output: Var, target: Target<'_, f64>) -> Terms {
        Loss::<f64>::terms(&**self, g, output, target)
    }

    fn loss(&self, g: &mut Graph<'_, f64>, output: Var, target: Target<'_, f64>) -> Var {
        Loss::<f64>::loss(&**self, g, output, target)
    }

    fn term_column(&self, term: usize) -> usize {
        Loss::<f64>::term_column(&**self, term)
    }

    fn outputs(&self, targets: usize) -> usize {
        Loss::<f64>::outputs(&**self, targets)
    }

    fn outputs_per_target(&self) -> usize {
        Loss::<f64>::outputs_per_target(&**self)
    }

    fn width(&self) -> Option<usize> {
        Loss::<f64>::width(&**self)
    }
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
