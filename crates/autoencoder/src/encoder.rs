//! The half from the input to the code.

use std::sync::Arc;

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::{AnyModule, ConfigError, Linear, Mlp, Module, layer};
use layerwise_tensor::{Scalar, Scope};

use crate::config::AutoencoderConfig;
use crate::contraction::Contracted;

/// The encoder, a model of its own: linear layers with activations, `(batch, inputs)` to `(batch, code)`, and what the configuration
/// asks of the code.
///
/// The code of a variational autoencoder is the mean of its distribution; [`Encoder::posterior`] gives both.
///
/// Where penalties are wanted ([`Graph::wants_penalties`]) it adds those of sparse and of contractive autoencoders to the loss.
#[derive(Clone, Debug)]
pub struct Encoder {
    mlp: Mlp,
    code: usize,
    variational: bool,
    contracted: Option<Contracted>,
    sparsity: Option<Arc<dyn AnyModule>>,
}

impl Encoder {
    /// Its layers; what is asked of the code is not among them.
    pub fn mlp(&self) -> &Mlp {
        &self.mlp
    }

    /// Width of the input.
    pub fn inputs(&self) -> usize {
        self.mlp.inputs()
    }

    /// Width of the code.
    pub fn outputs(&self) -> usize {
        self.code
    }

    /// Mean and log-variance of the code, each `(batch, code)`, of a variational autoencoder.
    ///
    /// # Panics
    /// If the encoder is not that of one, or `x` has not the width of the input.
    #[track_caller]
    pub fn posterior<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var) -> (Var, Var) {
        assert!(self.variational, "the encoder is not variational: its code is no distribution");
        let both = self.mlp.forward(g, x);
        (g.slice_cols(both, 0..self.code), g.slice_cols(both, self.code..2 * self.code))
    }

    /// Its linear layers from the input to the code.
    pub fn linears(&self) -> Vec<&Linear> {
        self.mlp.linears()
    }

    pub(crate) fn build(config: &AutoencoderConfig, scope: &mut Scope<'_>) -> Result<Self, ConfigError> {
        let mlp = config.encoder().build(scope)?;
        let contracted = config.contractive.map(|contraction| {
            let hidden = config.hidden.iter().map(|_| config.activation);
            let activations: Vec<_> = hidden.chain([config.code_activation]).collect();
            Contracted::new(&mlp, &activations, contraction)
        });
        let sparsity = match &config.sparsity {
            Some(layer) => Some(keeping_width(layer, &mut scope.child("sparsity"), config.code)?),
            None => None,
        };
        let (code, variational) = (config.code, config.variational.is_some());
        Ok(Self { mlp, code, variational, contracted, sparsity })
    }

    fn dense<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if self.variational {
            return self.posterior(g, x).0;
        }
        match &self.contracted {
            Some(contracted) if g.wants_penalties() => contracted.forward(g, x),
            _ => self.mlp.forward(g, x),
        }
    }
}

/// The layer on the code, which must keep its width.
fn keeping_width(
    config: &layerwise_nn_layers::LayerConfig,
    scope: &mut Scope<'_>,
    code: usize,
) -> Result<Arc<dyn AnyModule>, ConfigError> {
    let (layer, outputs) = config.build_from(scope, code, layer::table())?;
    if outputs == code {
        return Ok(Arc::from(layer));
    }
    let what = format!("the outputs of `sparsity`, layer `{}`", config.name());
    let remedy = "use a layer that keeps the width of the code, such as `kl_sparsity` or `k_sparse`";
    Err(ConfigError::bad_value(scope.path(), what, format!("{code}, the width of the code"), outputs, remedy))
}

// A boxed module has no type parameter, so the two element types are written out.

impl Module<f32> for Encoder {
    fn forward(&self, g: &mut Graph<'_, f32>, x: Var) -> Var {
        let code = self.dense(g, x);
        self.sparsity.as_ref().map_or(code, |layer| Module::<f32>::forward(&**layer, g, code))
    }
}

impl Module<f64> for Encoder {
    fn forward(&self, g: &mut Graph<'_, f64>, x: Var) -> Var {
        let code = self.dense(g, x);
        self.sparsity.as_ref().map_or(code, |layer| Module::<f64>::forward(&**layer, g, code))
    }
}
