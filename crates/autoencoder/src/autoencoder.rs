//! The model itself.

use std::sync::Arc;

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::{AnyModule, BuildModel, ConfigError, Module};
use layerwise_tensor::{Scalar, Scope};

use crate::config::AutoencoderConfig;
use crate::corruption;
use crate::decoder::Decoder;
use crate::encoder::Encoder;

/// An encoder, a decoder and, in training, a corruption of the input: `y = decode(encode(corrupt(x)))`.
///
/// Its parameters are called as those of two PyTorch `Sequential`s named `encoder` and `decoder`: `encoder.0.weight`, ...
///
/// ```
/// use layerwise_autoencoder::AutoencoderConfig;
/// use layerwise_nn_layers::{BuildModel, Mse};
/// use layerwise_tensor::ndarray::array;
/// use layerwise_train::{Samples, Trainer, predict};
///
/// // Points on a line in three dimensions: one number tells which.
/// let x = array![[-1.0, -2.0, 1.0], [-0.5, -1.0, 0.5], [0.2, 0.4, -0.2], [1.0, 2.0, -1.0]];
/// let (model, mut params) = AutoencoderConfig::bottleneck(3, 1).create::<f64>(0)?;
/// let trainer = Trainer::new(&model, Mse).epochs(500).rate(0.02);
/// let report = trainer.fit(&mut params, &Samples::reconstruct(x.view())?)?;
/// assert!(report.history.losses()[499] < 1e-3);
///
/// let codes = predict(model.encoder(), &params, x.view(), 32);
/// assert_eq!(codes.dim(), (4, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Autoencoder {
    config: AutoencoderConfig,
    encoder: Encoder,
    decoder: Decoder,
    corruption: Option<Arc<dyn AnyModule>>,
}

impl Autoencoder {
    /// Its configuration.
    pub fn config(&self) -> &AutoencoderConfig {
        &self.config
    }

    /// The encoder, a model of its own: `(batch, inputs)` to `(batch, code)`.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The decoder, a model of its own: `(batch, code)` to `(batch, inputs)`.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The code of `x`, `(batch, inputs)` to `(batch, code)`; nothing is corrupted. That of a variational autoencoder is the mean.
    ///
    /// # Panics
    /// If `x` has not the width of the input.
    #[track_caller]
    pub fn encode<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var) -> Var
    where
        Encoder: Module<T>,
    {
        g.enter("encoder");
        let code = self.encoder.forward(g, x);
        g.leave();
        code
    }

    /// What `code` stands for, `(batch, code)` to `(batch, inputs)`.
    ///
    /// # Panics
    /// If `code` has not the width of the code.
    #[track_caller]
    pub fn decode<T: Scalar>(&self, g: &mut Graph<'_, T>, code: Var) -> Var {
        g.enter("decoder");
        let y = self.decoder.forward(g, code);
        g.leave();
        y
    }

    /// `decode(encode(x))`; nothing is corrupted.
    ///
    /// # Panics
    /// If `x` has not the width of the input.
    #[track_caller]
    pub fn reconstruct<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var) -> Var
    where
        Encoder: Module<T>,
    {
        let code = self.encode(g, x);
        self.decode(g, code)
    }
}

impl Autoencoder {
    /// The output for an input that has been corrupted.
    fn through<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var) -> Var
    where
        Encoder: Module<T>,
    {
        let Some(kind) = &self.config.variational else { return self.reconstruct(g, x) };
        g.enter("encoder");
        let (mean, log_variance) = self.encoder.posterior(g, x);
        g.leave();
        if g.wants_penalties() {
            let kl = g.gaussian_kl(mean, log_variance);
            let kl = g.scale(kl, kind.weight(self.decoder.outputs()));
            g.penalize(kl);
        }
        let code = g.reparameterise(mean, log_variance);
        self.decode(g, code)
    }
}

// A boxed module has no type parameter, so the two element types are written out.

impl Module<f32> for Autoencoder {
    fn forward(&self, g: &mut Graph<'_, f32>, x: Var) -> Var {
        let x = self.corruption.as_ref().map_or(x, |c| Module::<f32>::forward(&**c, g, x));
        self.through(g, x)
    }
}

impl Module<f64> for Autoencoder {
    fn forward(&self, g: &mut Graph<'_, f64>, x: Var) -> Var {
        let x = self.corruption.as_ref().map_or(x, |c| Module::<f64>::forward(&**c, g, x));
        self.through(g, x)
    }
}

impl AutoencoderConfig {
    /// Registers the parameters below `scope` and returns the model.
    ///
    /// # Errors
    /// If a width is 0, a probability is outside `[0, 1)`, the corruption or the layer on the code is unknown or wrong, or the penalty on
    /// the Jacobian does not fit the encoder.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<Autoencoder, ConfigError> {
        self.check(scope.path())?;
        let encoder = Encoder::build(self, &mut scope.child("encoder"))?;
        let decoder = Decoder::build(self, &encoder, &mut scope.child("decoder"))?;
        let corruption = match &self.corruption {
            Some(layer) => {
                let scope = &mut scope.child("corruption");
                Some(Arc::from(layer.build_from(scope, self.inputs, corruption::table())?.0))
            }
            None => None,
        };
        Ok(Autoencoder { config: self.clone(), encoder, decoder, corruption })
    }
}

impl BuildModel for AutoencoderConfig {
    const MODEL: &'static str = "autoencoder";
    const DOC: &'static str = "an encoder to a code, a decoder back, and a corruption of the input in training";
    const SAMPLES: &'static [&'static str] = &[
        r#"{"inputs": 5, "code": 2}"#,
        r#"{"inputs": 6, "hidden": [7, 4], "code": 3, "code_activation": "tanh", "norm": "layer"}"#,
        r#"{"inputs": 5, "hidden": [6], "code": 2, "corruption": {"layer": "gaussian_noise", "std": 0.2}}"#,
        r#"{"inputs": 5, "hidden": [6], "code": 2, "tied": true, "contractive": {"weight": 0.1}}"#,
        r#"{"inputs": 5, "hidden": [6], "code": 2, "variational": {"values": {"gaussian": {"std": 0.5}}}}"#,
        r#"{"inputs": 5, "code": 8, "sparsity": {"layer": "k_sparse", "k": 3}}"#,
    ];
    type Model = Autoencoder;

    fn build_model(&self, scope: &mut Scope<'_>) -> Result<Autoencoder, ConfigError> {
        self.build(scope)
    }

    fn inputs(&self) -> usize {
        self.inputs
    }
}
