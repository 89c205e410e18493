//! Multilayer perceptrons: a configuration, the list of layers it stands for, and the fused model.

mod config;
mod plan;

use std::iter::Peekable;

use layerwise_autograd::{Graph, Var};
use layerwise_tensor::{Constant, ParamId, ParamKind, Scalar, Scope};

use crate::activation::Activation;
use crate::error::ConfigError;
use crate::layer::{BatchNorm, Dropout, LayerNorm, Linear};
use crate::module::{Ending, Module};
use plan::Piece;

pub use config::{MlpConfig, Norm};

/// A multilayer perceptron: linear layers with activations, norms and dropout between them.
///
/// It computes what the `torch.nn.Sequential` of its layers computes, under the same names (every element counts, so a plain network
/// has `0.weight`, `0.bias`, `2.weight`, ..), but a linear layer or a norm runs with the activation and the dropout after it as one operation.
/// [`MlpConfig::layers`] is that list of layers.
///
/// ```
/// use layerwise_autograd::Tape;
/// use layerwise_nn_layers::{Activation, BuildModel, Mlp, Module};
/// use layerwise_tensor::{Mode, Stream, ndarray::arr2};
///
/// let (mlp, params) = Mlp::builder(2).hidden(&[16, 16]).outputs(3).activation(Activation::TANH).create::<f32>(7)?;
/// let mut tape = Tape::new();
/// let mut g = tape.graph(&params, Mode::Eval, Stream::new(0));
/// let x = g.input(arr2(&[[0.5, -0.5], [1.0, 2.0]]).view());
/// let y = mlp.forward(&mut g, x);
/// assert_eq!(g.shape(y), (2, 3));
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mlp {
    config: MlpConfig,
    elements: Vec<Element>,
}

impl Mlp {
    /// The configuration of a network with `inputs` inputs: the start of a chain that ends with [`MlpConfig::build`].
    pub fn builder(inputs: usize) -> MlpConfig {
        MlpConfig::new(inputs)
    }

    /// Its configuration.
    pub fn config(&self) -> &MlpConfig {
        &self.config
    }

    /// Width of the input.
    pub fn inputs(&self) -> usize {
        self.config.inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.config.outputs
    }

    /// The linear layers from input to output.
    pub fn linears(&self) -> Vec<&Linear> {
        fn walk<'a>(elements: &'a [Element], out: &mut Vec<&'a Linear>) {
            for element in elements {
                match &element.step {
                    Step::Linear(linear, ..) => out.push(linear),
                    Step::Residual(branch, _) => walk(branch, out),
                    _ => {}
                }
            }
        }
        let mut out = Vec::new();
        walk(&self.elements, &mut out);
        out
    }

    /// The weights of the linear layers from input to output.
    pub fn weights(&self) -> Vec<ParamId> {
        self.linears().into_iter().map(Linear::weight).collect()
    }

    /// The names of its elements: the scopes under which its values stand on a graph. What is fused is one element,
    /// named after the linear layer or the norm.
    pub fn layer_names(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().map(|e| e.name.as_str())
    }
}

impl MlpConfig {
    /// Registers the parameters below `scope` and returns the network.
    ///
    /// # Errors
    /// If a width is 0, a probability is outside `[0, 1)`, or the activations are not as many as the hidden layers.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<Mlp, ConfigError> {
        let pieces = plan::pieces(self, scope.path())?;
        let (elements, _) = build(&pieces, scope, self.inputs)?;
        Ok(Mlp { config: self.clone(), elements })
    }
}

impl Mlp {
    /// As [`Module::forward`], but returns the values after each hidden layer, from input to output, instead of the output: with its norm,
    /// activation, dropout and way around, as far as it has them. The output layer is not run.
    ///
    /// # Shapes
    /// `x` is `(batch, inputs)`; value `l` is `(batch, hidden[l])`.
    ///
    /// ```
    /// use layerwise_autograd::Tape;
    /// use layerwise_nn_layers::{BuildModel, Mlp};
    /// use layerwise_tensor::{Mode, Stream, ndarray::Array2};
    ///
    /// let (mlp, params) = Mlp::builder(3).hidden(&[8, 5]).outputs(2).create::<f32>(1)?;
    /// let mut tape = Tape::new();
    /// let mut g = tape.graph(&params, Mode::Eval, Stream::new(0));
    /// let x = g.input(Array2::ones((4, 3)).view());
    /// let hidden = mlp.forward_hidden(&mut g, x);
    /// assert_eq!(hidden.iter().map(|h| g.shape(*h)).collect::<Vec<_>>(), [(4, 8), (4, 5)]);
    /// # Ok::<(), layerwise_nn_layers::ConfigError>(())
    /// ```
    ///
    /// # Panics
    /// If `x` has another width than the network was built for.
    pub fn forward_hidden<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var) -> Vec<Var> {
        let mut hidden = Vec::with_capacity(self.config.hidden.len());
        let (mut x, mut begun) = (x, false);
        for element in &self.elements {
            // What comes before a layer's beginning is the end of the one below.
            if matches!(element.step, Step::Linear(..) | Step::Residual(..)) && std::mem::replace(&mut begun, true) {
                hidden.push(x);
                if hidden.len() == self.config.hidden.len() {
                    break;
                }
            }
            x = forward(std::slice::from_ref(element), g, x);
        }
        hidden
    }
}

impl<T: Scalar> Module<T> for Mlp {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        forward(&self.elements, g, x)
    }
}

/// A step of the network and the name of its place.
#[derive(Clone, Debug)]
struct Element {
    name: String,
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    Linear(Linear, Ending),
    BatchNorm(BatchNorm, Ending),
    LayerNorm(LayerNorm, Ending),
    Activation(Activation),
    Dropout(Dropout),
    Residual(Vec<Element>, Option<ParamId>),
}

fn build(pieces: &[Piece], scope: &mut Scope<'_>, inputs: usize) -> Result<(Vec<Element>, usize), ConfigError> {
    let mut elements = Vec::with_capacity(pieces.len());
    let mut width = inputs;
    let mut places = pieces.iter().enumerate().peekable();
    while let Some((i, piece)) = places.next() {
        let scope = &mut scope.child(i);
        let step = match piece {
            Piece::Linear(config) => {
                let linear = config.build(scope, width)?;
                width = linear.outputs();
                Step::Linear(linear, ending(&mut places))
            }
            Piece::BatchNorm(config) => Step::BatchNorm(config.build(scope, width)?, ending(&mut places)),
            Piece::LayerNorm(config) => Step::LayerNorm(config.build(scope, width)?, ending(&mut places)),
            Piece::Activation(act) => Step::Activation(*act),
            Piece::Dropout(config) => Step::Dropout(config.build(scope)?),
            Piece::Residual(branch, scale) => {
                let branch = build(branch, scope, width)?.0;
                Step::Residual(branch, scale.map(|s| scope.param("scale", ParamKind::Scale, 1, 1, Constant(s))))
            }
        };
        elements.push(Element { name: i.to_string(), step });
    }
    Ok((elements, width))
}

/// The activation and the dropout that follow, which run with what is in front of them; their places in the list still count for the
/// names.
fn ending<'a>(places: &mut Peekable<impl Iterator<Item = (usize, &'a Piece)>>) -> Ending {
    let mut ending = Ending::NONE;
    if let Some((_, Piece::Activation(act))) = places.next_if(|(_, next)| matches!(next, Piece::Activation(_))) {
        ending.activation = *act;
    }
    if let Some((_, Piece::Dropout(config))) = places.next_if(|(_, next)| matches!(next, Piece::Dropout(_))) {
        ending.dropout = config.p;
    }
    ending
}

fn forward<T: Scalar>(elements: &[Element], g: &mut Graph<'_, T>, x: Var) -> Var {
    let mut x = x;
    for element in elements {
        g.enter(&element.name);
        x = match &element.step {
            Step::Linear(linear, ending) => linear.forward_act_dropout(g, x, ending.activation, ending.dropout),
            Step::BatchNorm(norm, ending) => norm.forward_with(g, x, *ending),
            Step::LayerNorm(norm, ending) => norm.forward_with(g, x, *ending),
            Step::Activation(act) => g.activate(x, act.act()),
            Step::Dropout(dropout) => dropout.forward(g, x),
            Step::Residual(branch, scale) => {
                let mut y = forward(branch, g, x);
                if let Some(scale) = scale {
                    let scale = g.param(*scale);
                    y = g.mul(y, scale);
                }
                g.add(x, y)
            }
        };
        g.leave();
    }
    x
}
