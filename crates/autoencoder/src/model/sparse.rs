//! A wide code of which few units are active.

use layerwise_nn_layers::{Activation, ActivityConfig, KSparseConfig, KlSparsityConfig};

use super::kind::ModelKind;
use crate::config::AutoencoderConfig;

pub(super) static KIND: ModelKind = ModelKind {
    name: "sparse",
    doc: "as deep, but few units of the code are active: by a penalty on them, on their means, or by keeping the largest",
    samples: &[
        r#"{"inputs": 4, "code": 6, "code_activation": "sigmoid", "sparsity": {"layer": "kl_sparsity", "rho": 0.1, "weight": 0.1}}"#,
        r#"{"inputs": 4, "hidden": [5], "code": 6, "sparsity": {"layer": "activity", "l2": 0.1}}"#,
        r#"{"inputs": 4, "code": 6, "sparsity": {"layer": "k_sparse", "k": 2}}"#,
        r#"{"inputs": 4, "hidden": [5], "code": 6, "tied": true, "sparsity": {"layer": "k_sparse", "k": 2, "alpha": 1.5}}"#,
    ],
};

impl AutoencoderConfig {
    /// As [`AutoencoderConfig::deep`] with a sigmoid on the code, whose units are to be active with the mean `rho` over a batch:
    /// `weight * sum_j KL(rho || mean_j)` is added to the loss.
    ///
    /// A batch should be large enough for means to say something, 100 rows or more at `rho` = 0.05.
    ///
    /// Source: A. Ng, *Sparse autoencoder*, CS294A lecture notes (2011), with means over all rows.
    pub fn kl_sparse(inputs: usize, hidden: &[usize], code: usize, rho: f64, weight: f64) -> Self {
        let layer = KlSparsityConfig::new().rho(rho).weight(weight);
        Self::deep(inputs, hidden, code).code_activation(Activation::SIGMOID).sparsity(&layer)
    }

    /// As [`AutoencoderConfig::deep`] with ReLU on the code, whose sum over the units, averaged over the batch, is added to the loss with
    /// the factor `l1`.
    ///
    /// The penalty alone could be evaded by small codes and large weights of the decoder, so weight decay or
    /// [`AutoencoderConfig::tied`] belongs to it.
    ///
    /// Source: X. Glorot, A. Bordes, Y. Bengio, *Deep sparse rectifier neural networks* (2011).
    pub fn l1_sparse(inputs: usize, hidden: &[usize], code: usize, l1: f64) -> Self {
        let layer = ActivityConfig::new().l1(l1);
        Self::deep(inputs, hidden, code).code_activation(Activation::RELU).sparsity(&layer)
    }

    /// As [`AutoencoderConfig::deep`] with a linear code of which only the `k` largest units of each row are kept, the others are zero;
    /// through those no gradient passes.
    ///
    /// Source: A. Makhzani, B. Frey, *k-sparse autoencoders* (2013), with tied weights and one layer.
    pub fn k_sparse(inputs: usize, hidden: &[usize], code: usize, k: usize) -> Self {
        Self::deep(inputs, hidden, code).sparsity(&KSparseConfig::new(k))
    }
}
