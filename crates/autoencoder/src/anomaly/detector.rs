//! The detector before it has seen data.

use layerwise_datasets::Table;
use layerwise_nn_layers::layer::BuildLayer;
use layerwise_nn_layers::{Activation, AnyLoss, BuildModel, ConfigError, LayerConfig, Loss, Module};
use layerwise_optim::{Adam, OptimizerConfig};
use layerwise_tensor::{DType, Params, Scalar};
use layerwise_train::{FitReport, Samples, Trainer};
use ndarray::{Array2, s};
use serde::{Deserialize, Serialize};

use super::fitted::{FittedDetector, Net, Parts};
use super::gaps::{DEFAULT_HIDDEN_SHARE, Gaps, Hiding};
use super::preparation::{Categories, Preparation, Prepared};
use super::rows::Rows;
use super::score::Score;
use crate::autoencoder::Autoencoder;
use crate::config::AutoencoderConfig;
use crate::contraction::Contraction;
use crate::corruption::GaussianNoiseConfig;
use crate::error::AutoencoderError;

/// Fewer rows say nothing about the spread of errors.
pub(super) const FEWEST_ROWS: usize = 10;

/// Steps of training unless a number of epochs is set; but every row is seen at least 20 and at most 1000 times.
pub const DEFAULT_STEPS: usize = 6000;

/// A detector of anomalies, before it has seen data: an autoencoder that learns normal rows and fails on others.
///
/// Categories become one column for each level, every column is standardised, and an [`Autoencoder`] is trained to reproduce the rows.
/// What is not set: one hidden layer of twice the features, a code of half the features (rounded up), tanh, a linear code, batches of 32
/// rows for about 6000 steps ([`DEFAULT_STEPS`]), Adam at rate 1e-3, single precision, seed 0.
///
/// ```
/// use layerwise_autoencoder::{AutoencoderDetector, Threshold};
/// use layerwise_datasets::synthetic::radiotherapy;
/// use layerwise_tensor::Stream;
///
/// let plans = radiotherapy(200, 0, 2.5, &Stream::new(0)).table()?;
/// let detector = AutoencoderDetector::builder().hidden(&[20]).code(8).epochs(5).seed(1).fit(&plans)?;
/// let alarms = detector.predict(&plans, &Threshold::mean_plus_std(3.0))?;
/// assert_eq!(alarms.len(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoencoderDetector {
    hidden: Option<Vec<usize>>,
    code: Option<usize>,
    activation: Activation,
    code_activation: Activation,
    noise: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    corruption: Option<LayerConfig>,
    tied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sparsity: Option<LayerConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contractive: Option<Contraction>,
    dropout: f64,
    epochs: Option<usize>,
    batch: usize,
    seed: u64,
    optimizer: OptimizerConfig,
    dtype: DType,
    score: Score,
    gaps: Gaps,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_share: Option<f64>,
    categories: Categories,
}

impl Default for AutoencoderDetector {
    fn default() -> Self {
        Self {
            hidden: None,
            code: None,
            activation: Activation::TANH,
            code_activation: Activation::IDENTITY,
            noise: 0.0,
            corruption: None,
            tied: false,
            sparsity: None,
            contractive: None,
            dropout: 0.0,
            epochs: None,
            batch: 32,
            seed: 0,
            optimizer: OptimizerConfig::new(Adam::default()),
            dtype: DType::F32,
            score: Score::MeanSquared,
            gaps: Gaps::Refuse,
            hidden_share: None,
            categories: Categories::Squared,
        }
    }
}

impl AutoencoderDetector {
    /// A detector with all defaults; the methods change them, [`AutoencoderDetector::fit`] ends the chain.
    pub fn builder() -> Self {
        Self::default()
    }

    /// Widths of the encoder's hidden layers; the decoder mirrors them.
    pub fn hidden(mut self, widths: &[usize]) -> Self {
        self.hidden = Some(widths.to_vec());
        self
    }

    /// Width of the code.
    pub fn code(mut self, width: usize) -> Self {
        self.code = Some(width);
        self
    }

    /// Activation of the hidden layers.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Activation of the code.
    pub fn code_activation(mut self, activation: Activation) -> Self {
        self.code_activation = activation;
        self
    }

    /// Trains on standardised rows with Gaussian noise of this standard deviation: a denoising autoencoder.
    pub fn noise(mut self, std: f64) -> Self {
        self.noise = std;
        self
    }

    /// Trains on rows corrupted so, a layer of the shelf [`crate::corruption`], instead of by [`AutoencoderDetector::noise`]: masked
    /// values and values swapped between rows teach the relations between columns.
    ///
    /// ```
    /// use layerwise_autoencoder::{AutoencoderDetector, SwapConfig};
    ///
    /// let detector = AutoencoderDetector::builder().corruption(&SwapConfig::new(0.1));
    /// let json = r#"{"corruption": {"layer": "swap", "share": 0.1}}"#;
    /// let named: AutoencoderDetector = serde_json::from_str(json)?;
    /// assert_eq!(detector.network(7), named.network(7));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn corruption<C: BuildLayer>(mut self, corruption: &C) -> Self {
        self.corruption = Some(LayerConfig::of(corruption));
        self
    }

    /// Shares the encoder's weights with the decoder.
    pub fn tied(mut self, tied: bool) -> Self {
        self.tied = tied;
        self
    }

    /// Puts this layer on the code, such as one that makes it sparse; the code may then be wide.
    pub fn sparsity<C: BuildLayer>(mut self, layer: &C) -> Self {
        self.sparsity = Some(LayerConfig::of(layer));
        self
    }

    /// Adds the squared norm of the encoder's Jacobian, with this weight, to the loss: a contractive autoencoder. Not with dropout.
    pub fn contractive(mut self, weight: f64) -> Self {
        self.contractive = Some(Contraction::new(weight));
        self
    }

    /// Dropout after each hidden layer.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// How often every row is seen; by default as often as makes [`DEFAULT_STEPS`] steps.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = Some(epochs);
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

    /// Weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.optimizer = self.optimizer.weight_decay(weight_decay);
        self
    }

    /// Everything about the optimizer at once.
    pub fn optimizer(mut self, config: OptimizerConfig) -> Self {
        self.optimizer = config;
        self
    }

    /// Element type of the network; `f64` costs about twice the time.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// How errors make a score.
    pub fn score_by(mut self, score: Score) -> Self {
        self.score = score;
        self
    }

    /// What becomes of missing values, in training and in use; by default they are refused.
    ///
    /// Where they may be missing, a share of the values is hidden from the network in every step of training besides
    /// ([`AutoencoderDetector::hide`]), so that it learns to do without.
    pub fn gaps(mut self, gaps: Gaps) -> Self {
        self.gaps = gaps;
        self
    }

    /// The probability with which a value is hidden from the network in training, while it still has to be put out; by default
    /// [`DEFAULT_HIDDEN_SHARE`] where values may be missing.
    pub fn hide(mut self, share: f64) -> Self {
        self.hidden_share = Some(share);
        self
    }

    /// What the error of a category is.
    pub fn categories(mut self, categories: Categories) -> Self {
        self.categories = categories;
        self
    }

    /// Learns what normal rows look like: from a [`Table`], or from an array `(rows, features)` without names.
    ///
    /// # Errors
    /// If a value is infinite, or missing where gaps are refused, a row has no value at all, there are fewer than ten rows, every column is
    /// constant, a setting is wrong, or training diverges.
    pub fn fit<'a>(&self, rows: impl Into<Rows<'a>>) -> Result<FittedDetector, AutoencoderError> {
        let table = rows.into().to_fit(self.gaps)?;
        self.fit_table(&table)
    }

    /// The configuration of the network for this many features: columns, one for each level of a category.
    pub fn network(&self, columns: usize) -> AutoencoderConfig {
        let hidden = self.hidden.clone().unwrap_or_else(|| vec![2 * columns]);
        let code = self.code.unwrap_or_else(|| columns.div_ceil(2));
        let inputs = if self.gaps == Gaps::MeanAndMask { 2 * columns } else { columns };
        let config = AutoencoderConfig::deep(inputs, &hidden, code)
            .outputs(columns)
            .activation(self.activation)
            .code_activation(self.code_activation)
            .tied(self.tied)
            .dropout(self.dropout);
        let noise = (self.noise != 0.0).then(|| LayerConfig::of(&GaussianNoiseConfig::new(self.noise)));
        AutoencoderConfig {
            sparsity: self.sparsity.clone(),
            contractive: self.contractive,
            corruption: self.corruption.clone().or(noise),
            ..config
        }
    }

    /// How often this many rows are seen.
    pub fn epochs_for(&self, rows: usize) -> usize {
        let steps = rows.div_ceil(self.batch.max(1)).max(1);
        self.epochs.unwrap_or_else(|| (DEFAULT_STEPS / steps).clamp(20, 1000))
    }

    pub(super) fn gaps_allowed(&self) -> Gaps {
        self.gaps
    }

    pub(super) fn seed_used(&self) -> u64 {
        self.seed
    }

    fn fit_table(&self, table: &Table) -> Result<FittedDetector, AutoencoderError> {
        if self.noise != 0.0 && self.corruption.is_some() {
            let remedy = "give the Gaussian noise as the corruption, or leave one of the two out";
            let error = ConfigError::bad_value("", "`noise`", "0 where there is a `corruption`", self.noise, remedy);
            return Err(error.into());
        }
        if self.gaps == Gaps::MeanAndMask && (self.noise != 0.0 || self.corruption.is_some()) {
            let remedy =
                "it would blur the inputs that say where gaps are; leave noise and corruption out, or take `mean`";
            let expected = "`refuse` or `mean` where the input is corrupted in training";
            return Err(ConfigError::bad_value("", "`gaps`", expected, "mean_and_mask", remedy).into());
        }
        if table.rows() < FEWEST_ROWS {
            return Err(AutoencoderError::TooFewRows { found: table.rows(), needed: FEWEST_ROWS });
        }
        let preparation = Preparation::fit(table, self.gaps, self.categories)?;
        let rows = preparation.apply(table)?;
        let features = preparation.encoding.width();
        if rows.inputs.slice(s![.., ..features]).iter().all(|v| v.abs() < 1e-9) {
            return Err(AutoencoderError::Constant { columns: table.cols(), rows: table.rows() });
        }
        let config = self.network(features);
        let (model, net, report) = match self.dtype {
            DType::F32 => self.train::<f32>(&config, &preparation, &rows, Net::F32)?,
            DType::F64 => self.train::<f64>(&config, &preparation, &rows, Net::F64)?,
        };
        Ok(FittedDetector::new(Parts { score: self.score, preparation, model, net, report, training_rows: rows }))
    }

    fn train<T: Scalar>(
        &self,
        config: &AutoencoderConfig,
        preparation: &Preparation,
        rows: &Prepared,
        wrap: fn(Params<T>) -> Net,
    ) -> Result<(Autoencoder, Net, FitReport), AutoencoderError>
    where
        Autoencoder: Module<T>,
        Box<dyn AnyLoss>: Loss<T>,
    {
        let (model, mut params) = config.create::<T>(self.seed)?;
        let numbers = |x: &Array2<f64>| x.mapv(T::of);
        let (inputs, targets) = (numbers(&rows.inputs), numbers(&rows.targets));
        let known = rows.known.as_ref().map(numbers);
        let samples = Samples::values(inputs.view(), targets.view())?;
        let samples = known.as_ref().map_or(Ok(samples), |known| samples.mask(known.view()))?;
        let (share, widths) = (self.share()?, preparation.widths());
        let hiding = Hiding { model: &model, share, widths: &widths };
        let report = Trainer::new(&hiding, preparation.loss()?)
            .optimizer(self.optimizer.clone())
            .epochs(self.epochs_for(inputs.nrows()))
            .batch(self.batch)
            .seed(self.seed)
            .fit(&mut params, &samples)?;
        Ok((model, wrap(params), report))
    }

    /// The share of values that is hidden in training.
    fn share(&self) -> Result<f64, ConfigError> {
        let usual = if self.gaps == Gaps::Refuse { 0.0 } else { DEFAULT_HIDDEN_SHARE };
        let share = self.hidden_share.unwrap_or(usual);
        if (0.0..1.0).contains(&share) {
            return Ok(share);
        }
        Err(ConfigError::bad_value("", "`hidden_share`", "in [0, 1)", share, "0.15 is a good beginning"))
    }
}
