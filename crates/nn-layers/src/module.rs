//! What every layer and model can do.

use std::fmt::Debug;

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::Scalar;

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
}

impl Module<f64> for Box<dyn AnyModule> {
    fn forward(&self, g: &mut Graph<'_, f64>, x: Var) -> Var {
        Module::<f64>::forward(&**self, g, x)
    }
}
