//! The half from the code to the output.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::layer::{BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig};
use layerwise_nn_layers::{Activation, ConfigError, Linear, Mlp, Module, Norm};
use layerwise_tensor::{ParamId, ParamKind, Scalar, Scope};

use crate::config::AutoencoderConfig;
use crate::encoder::Encoder;

/// The decoder, a model of its own, `(batch, code)` to `(batch, inputs)`: the mirror image of the encoder.
///
/// Its weights are its own, or the transposes of the encoder's (tied): then its parameters are the biases, and those of norms, under the
/// names that the same decoder with weights of its own would give them.
#[derive(Clone, Debug)]
pub struct Decoder {
    form: Form,
    inputs: usize,
    outputs: usize,
}

#[derive(Clone, Debug)]
enum Form {
    Own(Mlp),
    Tied(Vec<Step>),
}

/// A step of a tied decoder and the name of its place.
#[derive(Clone, Debug)]
struct Step {
    name: String,
    work: Work,
}

#[derive(Clone, Debug)]
enum Work {
    /// `y = x w^T + b` with `w` of the encoder.
    Linear(ParamId, ParamId),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Activation(Activation),
    Dropout(f64),
}

impl Decoder {
    /// Width of the code.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Whether its weights are the transposes of the encoder's.
    pub fn is_tied(&self) -> bool {
        matches!(self.form, Form::Tied(_))
    }

    /// The weights of its linear layers from the code to the output; none of its own where they are tied.
    pub fn weights(&self) -> Vec<ParamId> {
        match &self.form {
            Form::Own(mlp) => mlp.weights(),
            Form::Tied(_) => Vec::new(),
        }
    }

    /// The biases of its linear layers from the code to the output.
    pub fn biases(&self) -> Vec<ParamId> {
        match &self.form {
            Form::Own(mlp) => mlp.linears().into_iter().filter_map(Linear::bias).collect(),
            Form::Tied(steps) => {
                let bias = |step: &Step| match step.work {
                    Work::Linear(_, b) => Some(b),
                    _ => None,
                };
                steps.iter().filter_map(bias).collect()
            }
        }
    }

    pub(crate) fn build(
        config: &AutoencoderConfig,
        encoder: &Encoder,
        scope: &mut Scope<'_>,
    ) -> Result<Self, ConfigError> {
        let form = if config.tied {
            Form::Tied(tied(config, encoder, scope)?)
        } else {
            Form::Own(config.decoder().build(scope)?)
        };
        Ok(Self { form, inputs: config.code, outputs: config.output_width() })
    }
}

/// The steps of [`Form::Own`], name by name, with other weights.
fn tied(config: &AutoencoderConfig, encoder: &Encoder, scope: &mut Scope<'_>) -> Result<Vec<Step>, ConfigError> {
    let linears = encoder.linears();
    let mut steps = Vec::new();
    let mut place = 0;
    let mut put = |work: Work, place: &mut usize| {
        steps.push(Step { name: place.to_string(), work });
        *place += 1;
    };
    for (i, linear) in linears.iter().enumerate().rev() {
        let (inputs, outputs, hidden) = (linear.outputs(), linear.inputs(), i > 0);
        let bias = scope.child(place).param("bias", ParamKind::Bias, 1, outputs, config.init.for_bias(inputs));
        put(Work::Linear(linear.weight(), bias), &mut place);
        if hidden {
            match config.norm {
                Norm::Batch => {
                    let norm = BatchNormConfig::new().build(&mut scope.child(place), outputs)?;
                    put(Work::BatchNorm(norm), &mut place);
                }
                Norm::Layer => {
                    let norm = LayerNormConfig::new().build(&mut scope.child(place), outputs)?;
                    put(Work::LayerNorm(norm), &mut place);
                }
                _ => {}
            }
        }
        let activation = if hidden { config.activation } else { config.output_activation };
        if !activation.is_identity() {
            put(Work::Activation(activation), &mut place);
        }
        if hidden && config.dropout > 0.0 {
            put(Work::Dropout(config.dropout), &mut place);
        }
    }
    Ok(steps)
}

impl<T: Scalar> Module<T> for Decoder {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let steps = match &self.form {
            Form::Own(mlp) => return mlp.forward(g, x),
            Form::Tied(steps) => steps,
        };
        let mut x = x;
        for step in steps {
            g.enter(&step.name);
            x = match &step.work {
                Work::Linear(w, b) => {
                    let (w, b) = (g.param(*w), g.param(*b));
                    g.tied_linear(x, w, Some(b))
                }
                Work::BatchNorm(norm) => norm.forward(g, x),
                Work::LayerNorm(norm) => norm.forward(g, x),
                Work::Activation(activation) => g.activate(x, activation.act()),
                Work::Dropout(p) => g.dropout(x, *p),
            };
            g.leave();
        }
        x
    }
}
