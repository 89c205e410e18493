//! What pretraining gives.

use layerwise_nn_layers::{BuildModel, ConfigError, Linear, Mlp, Norm};
use layerwise_tensor::{ParamId, Params, Scalar};
use layerwise_train::FitReport;
use serde::{Deserialize, Serialize};

use crate::autoencoder::Autoencoder;

/// A deep autoencoder whose layers were trained one by one, then together.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pretrained<T: Scalar> {
    /// The model.
    pub model: Autoencoder,
    /// Its parameters.
    pub params: Params<T>,
    /// What happened.
    pub report: PretrainReport,
}

/// The fits of a pretraining.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PretrainReport {
    /// The fit of each layer, from the input to the code.
    pub layers: Vec<FitReport>,
    /// The fit of the whole that followed.
    pub fine_tuning: FitReport,
}

impl<T: Scalar> Pretrained<T> {
    /// The encoder with a new output layer of this many units on top, for supervised training: a network whose hidden layers are those
    /// of the encoder and its code, with their weights. What is new is drawn from `seed`; what was asked of the code is left behind.
    ///
    /// ```
    /// use layerwise_autoencoder::{AutoencoderConfig, pretrain::Pretraining};
    /// use layerwise_nn_layers::SoftmaxCrossEntropy;
    /// use layerwise_tensor::ndarray::Array2;
    /// use layerwise_train::{Samples, Trainer};
    ///
    /// let x = Array2::from_shape_fn((60, 6), |(i, j)| ((i * (j + 1)) as f64 * 0.3).sin());
    /// let labels: Vec<u32> = x.rows().into_iter().map(|row| u32::from(row[0] > 0.0)).collect();
    /// let pretrained = Pretraining::new(AutoencoderConfig::deep(6, &[8], 4)).epochs(5).fit(x.view())?;
    /// let (classifier, mut params) = pretrained.with_output(2, 1)?;
    /// let trainer = Trainer::new(&classifier, SoftmaxCrossEntropy).epochs(3);
    /// trainer.fit(&mut params, &Samples::labels(x.view(), &labels)?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If `outputs` is 0, or the encoder has norms, which the code has not.
    pub fn with_output(&self, outputs: usize, seed: u64) -> Result<(Mlp, Params<T>), ConfigError> {
        let config = self.model.config();
        if config.norm != Norm::None {
            let found = format!("{:?}", config.norm);
            return Err(ConfigError::bad_value("", "`norm`", "none under a new output", found, "leave the norm out"));
        }
        let mut hidden = config.hidden.clone();
        let mut activations = vec![config.activation; hidden.len()];
        hidden.push(config.code);
        activations.push(config.code_activation);
        let network = Mlp::builder(config.inputs)
            .hidden(&hidden)
            .outputs(outputs)
            .activations(&activations)
            .dropout(config.dropout)
            .init(config.init);
        let (mlp, mut params) = network.create::<T>(seed)?;
        for (to, from) in mlp.linears().into_iter().zip(self.model.encoder().linears()) {
            copy_linear(&mut params, to, &self.params, from);
        }
        Ok((mlp, params))
    }
}

/// Weight and bias of `from` into those of `to`.
pub(super) fn copy_linear<T: Scalar>(params: &mut Params<T>, to: &Linear, source: &Params<T>, from: &Linear) {
    copy(params, to.weight(), source, from.weight());
    if let (Some(to), Some(from)) = (to.bias(), from.bias()) {
        copy(params, to, source, from);
    }
}

pub(super) fn copy<T: Scalar>(params: &mut Params<T>, to: ParamId, source: &Params<T>, from: ParamId) {
    params.get_mut(to).copy_from_slice(source.get(from));
}
