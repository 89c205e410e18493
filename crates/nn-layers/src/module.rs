//! What every layer and model can do.

use std::fmt::Debug;

use layerwise_autograd::{Act, Graph, Var};
use layerwise_tensor::Scalar;

use crate::activation::Activation;

/// A part of a network: writes its operations onto a graph.
///
/// A module holds ids of parameters and sizes, never numbers, so one and the same module runs in `f32` and in `f64`.
///
/// # Example
/// A module of one's own, with a weight of its own:
/// ```
/// use layerwise_autograd::{Graph, Tape, Var};
/// use layerwise_nn_layers::{Activation, Linear, LinearConfig, Module};
/// use layerwise_tensor::{Layout, Mode, Params, Scalar, Stream, ndarray};
///
/// /// `y = x + relu(x w + b)`.
/// struct Skip(Linear);
///
/// impl<T: Scalar> Module<T> for Skip {
///     fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
///         let y = self.0.forward_act(g, x, Activation::RELU);
///         g.add(x, y)
///     }
/// }
///
/// let mut layout = Layout::new();
/// let skip = Skip(LinearConfig::new(3).build(&mut layout.scope().child("skip"), 3)?);
/// let params = Params::<f32>::init(layout, &Stream::new(0));
/// let mut tape = Tape::new();
/// let mut g = tape.graph(&params, Mode::Eval, Stream::new(0));
/// let x = g.input(ndarray::arr2(&[[1.0, 2.0, 3.0]]).view());
/// let y = skip.forward(&mut g, x);
/// assert_eq!(g.shape(y), (1, 3));
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
pub trait Module<T: Scalar>: Send + Sync {
    /// Writes the forward pass for `x` onto `g` and returns the output.
    ///
    /// # Shapes
    /// `x` is `(batch, inputs)`; the result is `(batch, outputs)`.
    ///
    /// # Panics
    /// If `x` has another width than the module was built for.
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var;

    /// What this module is, if it is an activation or a dropout and nothing else: the module in front of it may then do its work, by
    /// [`Module::forward_ending`].
    fn ending(&self) -> Option<Ending> {
        None
    }

    /// As [`Module::forward`] followed by `ending`, in one pass over the result and to the same bits; `None`, and nothing on the graph,
    /// where the module cannot.
    fn forward_ending(&self, _g: &mut Graph<'_, T>, _x: Var, _ending: Ending) -> Option<Var> {
        None
    }
}

/// An activation and after it a dropout, value by value: what can run at the end of another operation.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// The activation; the identity for none.
    pub activation: Activation,
    /// The share of values dropped in training; 0 for none.
    pub dropout: f64,
}

impl Ending {
    /// Nothing.
    pub const NONE: Self = Self { activation: Activation::IDENTITY, dropout: 0.0 };

    /// Whether there is nothing to do.
    pub fn is_none(&self) -> bool {
        self.activation.is_identity() && self.dropout == 0.0
    }

    /// The activation for a graph, unless it is the identity.
    pub fn act(&self) -> Option<Act> {
        (!self.activation.is_identity()).then(|| self.activation.act())
    }

    /// `self` with `next` after it, where that is still an activation with a dropout after it.
    pub fn then(self, next: Self) -> Option<Self> {
        match (self.is_none(), self.dropout == 0.0 && next.activation.is_identity()) {
            (true, _) => Some(next),
            (false, true) => Some(Self { dropout: next.dropout, ..self }),
            (false, false) => None,
        }
    }
}

/// A module for both element types, which containers hold as `Box<dyn AnyModule>` without a type parameter of their own.
///
/// Everything that implements [`Module`] for `f32` and `f64` and [`Debug`] is one; nothing needs to be written.
pub trait AnyModule: Module<f32> + Module<f64> + Debug {}

impl<M: Module<f32> + Module<f64> + Debug + ?Sized> AnyModule for M {}

impl Module<f32> for Box<dyn AnyModule> {
    fn forward(&self, g: &mut Graph<'_, f32>, x: Var) -> Var {
        Module::<f32>::forward(&**self, g, x)
    }

    fn ending(&self) -> Option<Ending> {
        Module::<f32>::ending(&**self)
    }

    fn forward_ending(&self, g: &mut Graph<'_, f32>, x: Var, ending: Ending) -> Option<Var> {
        Module::<f32>::forward_ending(&**self, g, x, ending)
    }
}

impl Module<f64> for Box<dyn AnyModule> {
    fn forward(&self, g: &mut Graph<'_, f64>, x: Var) -> Var {
        Module::<f64>::forward(&**self, g, x)
    }

    fn ending(&self) -> Option<Ending> {
        Module::<f64>::ending(&**self)
    }

    fn forward_ending(&self, g: &mut Graph<'_, f64>, x: Var, ending: Ending) -> Option<Var> {
        Module::<f64>::forward_ending(&**self, g, x, ending)
    }
}
