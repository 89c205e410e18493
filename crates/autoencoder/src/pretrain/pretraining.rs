//! Greedy layer-wise pretraining.

use layerwise_nn_layers::layer::BuildLayer;
use layerwise_nn_layers::{BuildModel, ConfigError, LayerConfig, Module, Mse, Norm};
use layerwise_optim::{Adam, OptimizerConfig};
use layerwise_tensor::{Params, Scalar};
use layerwise_train::{FitReport, Samples, Trainer, predict};
use ndarray::ArrayView2;

use super::pretrained::{PretrainReport, Pretrained, copy, copy_linear};
use crate::autoencoder::Autoencoder;
use crate::config::AutoencoderConfig;
use crate::corruption::GaussianNoiseConfig;
use crate::encoder::Encoder;
use crate::error::AutoencoderError;

/// Rows that are encoded at once.
const ENCODED: usize = 256;

/// Trains a deep autoencoder layer after layer, then as a whole.
///
/// Layer `l` of the encoder and the layer of the decoder that undoes it are an autoencoder of one hidden layer with the activations
/// they have in the deep one; its data are the codes of the layers below, uncorrupted. Tied weights and a contractive penalty hold for
/// each layer too, a layer on the code ([`AutoencoderConfig::sparsity`]) for the last one. Every layer begins with the values it has in
/// the deep model, so with no epochs nothing changes. The loss is the mean squared error throughout.
///
/// ```
/// use layerwise_autoencoder::{AutoencoderConfig, pretrain::Pretraining};
/// use layerwise_tensor::ndarray::Array2;
/// use layerwise_train::predict;
///
/// let x = Array2::from_shape_fn((80, 6), |(i, j)| ((i * (j + 1)) as f32 * 0.1).sin());
/// let config = AutoencoderConfig::deep(6, &[8, 4], 2);
/// let pretrained = Pretraining::new(config).noise(0.1).epochs(10).fine_tuning(20).seed(1).fit(x.view())?;
/// assert_eq!(pretrained.report.layers.len(), 3);
/// let codes = predict(pretrained.model.encoder(), &pretrained.params, x.view(), 80);
/// assert_eq!(codes.dim(), (80, 2));
/// # Ok::<(), layerwise_autoencoder::AutoencoderError>(())
/// ```
///
/// Sources: Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle, *Greedy layer-wise training of deep networks* (2007); with noise P. Vincent,
/// H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, *Stacked denoising autoencoders* (2010). G. Hinton and R. Salakhutdinov,
/// *Reducing the dimensionality of data with neural networks* (2006), trained restricted Boltzmann machines instead of autoencoders. All
/// three measured cross-entropy on data within 0 and 1.
#[derive(Clone, Debug)]
pub struct Pretraining {
    config: AutoencoderConfig,
    corruption: Option<LayerConfig>,
    epochs: usize,
    fine_tuning: usize,
    batch: usize,
    seed: u64,
    optimizer: OptimizerConfig,
}

impl Pretraining {
    /// Of this autoencoder. What is not set: no corruption but the configuration's own in fine-tuning, 10 epochs for each layer and 10
    /// for the whole, batches of 32 rows, Adam at its default rate, seed 0.
    pub fn new(config: AutoencoderConfig) -> Self {
        Self {
            config,
            corruption: None,
            epochs: 10,
            fine_tuning: 10,
            batch: 32,
            seed: 0,
            optimizer: OptimizerConfig::new(Adam::default()),
        }
    }

    /// Trains each layer to undo Gaussian noise of this standard deviation in its input.
    pub fn noise(self, std: f64) -> Self {
        self.corruption(&GaussianNoiseConfig::new(std))
    }

    /// Trains each layer to undo this corruption of its input, a layer of the shelf [`crate::corruption`].
    pub fn corruption<C: BuildLayer>(mut self, corruption: &C) -> Self {
        self.corruption = Some(LayerConfig::of(corruption));
        self
    }

    /// How often every row is seen by each layer.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// How often every row is seen by the whole afterwards; 0 leaves the stack as it is, for instance for supervised training.
    pub fn fine_tuning(mut self, epochs: usize) -> Self {
        self.fine_tuning = epochs;
        self
    }

    /// Rows in a batch.
    pub fn batch(mut self, rows: usize) -> Self {
        self.batch = rows;
        self
    }

    /// The seed of first values, shuffling and noise.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Learning rate.
    pub fn rate(mut self, rate: f64) -> Self {
        self.optimizer = self.optimizer.rate(rate);
        self
    }

    /// Everything about the optimizer at once; each layer, and the whole, begins with a new one.
    pub fn optimizer(mut self, config: OptimizerConfig) -> Self {
        self.optimizer = config;
        self
    }

    /// Pretrains and fine-tunes on the rows of `x`, `(rows, inputs)`.
    ///
    /// # Errors
    /// If the configuration is wrong, has norms, is variational or has outputs of another width, there is no row, or
    /// training diverges.
    ///
    /// # Panics
    /// If `x` has not the width of the input.
    #[track_caller]
    pub fn fit<T: Scalar>(&self, x: ArrayView2<'_, T>) -> Result<Pretrained<T>, AutoencoderError>
    where
        Autoencoder: Module<T>,
        Encoder: Module<T>,
    {
        self.check()?;
        let (model, mut params) = self.config.create::<T>(self.seed)?;
        let depth = model.encoder().linears().len();
        let mut layers = Vec::with_capacity(depth);
        let mut codes = None;
        for place in 0..depth {
            let below = codes.as_ref().map_or(x, |codes: &ndarray::Array2<T>| codes.view());
            let (layer, mut own) = self.layer(&model, place).create::<T>(self.seed)?;
            move_layer(&model, &mut params, place, &layer, &mut own, Direction::Out);
            layers.push(self.train(&layer, &mut own, below, self.epochs)?);
            move_layer(&model, &mut params, place, &layer, &mut own, Direction::Back);
            codes = Some(predict(layer.encoder(), &own, below, ENCODED));
        }
        let fine_tuning = self.train(&model, &mut params, x, self.fine_tuning)?;
        Ok(Pretrained { model, params, report: PretrainReport { layers, fine_tuning } })
    }

    fn check(&self) -> Result<(), ConfigError> {
        let refuse = |what: &str, found: String, remedy: &str| {
            Err(ConfigError::bad_value("", what, "none in pretraining", found, remedy))
        };
        if self.config.norm != Norm::None {
            let remedy = "a layer by itself has no place for a norm: leave it out";
            return refuse("`norm`", format!("{:?}", self.config.norm), remedy);
        }
        if self.config.variational.is_some() {
            return refuse("`variational`", "a distribution".to_owned(), "train a variational autoencoder as a whole");
        }
        if let Some(outputs) = self.config.outputs {
            let remedy = "a layer that is trained by itself reconstructs its input: leave it out";
            return refuse("`outputs`", outputs.to_string(), remedy);
        }
        Ok(())
    }

    /// The layer at `place` of the encoder as an autoencoder of its own.
    fn layer(&self, model: &Autoencoder, place: usize) -> AutoencoderConfig {
        let config = &self.config;
        let linears = model.encoder().linears();
        let last = place + 1 == linears.len();
        let alone = AutoencoderConfig::new(linears[place].inputs(), linears[place].outputs())
            .code_activation(if last { config.code_activation } else { config.activation })
            .output_activation(if place == 0 { config.output_activation } else { config.activation })
            .init(config.init)
            .tied(config.tied);
        AutoencoderConfig {
            contractive: config.contractive,
            sparsity: config.sparsity.clone().filter(|_| last),
            corruption: self.corruption.clone(),
            ..alone
        }
    }

    fn train<T: Scalar>(
        &self,
        model: &Autoencoder,
        params: &mut Params<T>,
        x: ArrayView2<'_, T>,
        epochs: usize,
    ) -> Result<FitReport, AutoencoderError>
    where
        Autoencoder: Module<T>,
    {
        let trainer = Trainer::new(model, Mse).optimizer(self.optimizer.clone());
        let trainer = trainer.epochs(epochs).batch(self.batch).seed(self.seed);
        Ok(trainer.fit(params, &Samples::reconstruct(x)?)?)
    }
}

/// Which way values go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// From the deep model to the layer.
    Out,
    /// From the layer to the deep model.
    Back,
}

/// Copies what belongs to the layer at `place` of the encoder.
fn move_layer<T: Scalar>(
    deep: &Autoencoder,
    params: &mut Params<T>,
    place: usize,
    layer: &Autoencoder,
    own: &mut Params<T>,
    direction: Direction,
) {
    let (deep_linear, own_linear) = (deep.encoder().linears()[place], layer.encoder().linears()[0]);
    match direction {
        Direction::Out => copy_linear(own, own_linear, params, deep_linear),
        Direction::Back => copy_linear(params, deep_linear, own, own_linear),
    }
    let opposite = deep.encoder().linears().len() - 1 - place;
    // Tied decoders have no weights.
    let weights = deep.decoder().weights().get(opposite).copied().zip(layer.decoder().weights().first().copied());
    let biases = deep.decoder().biases().get(opposite).copied().zip(layer.decoder().biases().first().copied());
    for (there, here) in weights.into_iter().chain(biases) {
        match direction {
            Direction::Out => copy(own, here, params, there),
            Direction::Back => copy(params, there, own, here),
        }
    }
}
