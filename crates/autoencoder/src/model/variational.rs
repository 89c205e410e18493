//! A code that is a distribution.

use super::kind::ModelKind;
use crate::config::AutoencoderConfig;
use crate::variational::Variational;

pub(super) static KIND: ModelKind = ModelKind {
    name: "variational",
    doc: "as deep, but the code is a normal distribution for each row, held near the standard one: rows can be drawn, and have a likelihood",
    samples: &[
        r#"{"inputs": 5, "code": 2, "variational": {}}"#,
        r#"{"inputs": 4, "hidden": [6], "code": 3, "variational": {"beta": 0.5, "values": {"gaussian": {"std": 0.4}}}}"#,
        r#"{"inputs": 6, "hidden": [5], "code": 2, "norm": "layer", "variational": {"values": "bernoulli"}}"#,
        r#"{"inputs": 4, "hidden": [6], "code": 2, "dropout": 0.1, "variational": {},
            "corruption": {"layer": "gaussian_noise", "std": 0.2}}"#,
    ],
};

impl AutoencoderConfig {
    /// As [`AutoencoderConfig::deep`], with a code that is a distribution; train it with [`Variational::loss`].
    ///
    /// The last layer of the encoder has `2 code` outputs: means, then log-variances. [`crate::Autoencoder::encode`] gives the means.
    ///
    /// ```
    /// use layerwise_autoencoder::{AutoencoderConfig, Variational};
    /// use layerwise_nn_layers::BuildModel;
    /// use layerwise_tensor::{Stream, ndarray::Array2};
    /// use layerwise_train::{Samples, Trainer};
    ///
    /// let mut x = Array2::<f64>::zeros((60, 3));
    /// Stream::new(1).normal(0, x.as_slice_mut().ok_or("not in one piece")?);
    /// let kind = Variational::gaussian(0.5);
    /// let (model, mut params) = AutoencoderConfig::variational(3, &[8], 2, kind).create::<f64>(0)?;
    /// Trainer::new(&model, kind.loss()).epochs(5).fit(&mut params, &Samples::reconstruct(x.view())?)?;
    ///
    /// let bound = model.elbo(&params, x.view(), 4, &Stream::new(2));
    /// let likelihood = model.log_likelihood(&params, x.view(), 20, &Stream::new(3));
    /// assert!(bound.mean() < likelihood.mean());
    /// assert_eq!(model.sample(&params, 7, &Stream::new(4)).dim(), (7, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: D. Kingma, M. Welling, *Auto-encoding variational Bayes* (2014).
    pub fn variational(inputs: usize, hidden: &[usize], code: usize, kind: Variational) -> Self {
        Self { variational: Some(kind), ..Self::deep(inputs, hidden, code) }
    }
}
