//! A code that hardly moves with its input.

use super::kind::ModelKind;
use crate::config::AutoencoderConfig;
use crate::contraction::Contraction;

pub(super) static KIND: ModelKind = ModelKind {
    name: "contractive",
    doc: "as deep, with the squared norm of the encoder's Jacobian in the loss",
    samples: &[
        r#"{"inputs": 5, "code": 4, "code_activation": "sigmoid", "contractive": {"weight": 0.3}}"#,
        r#"{"inputs": 4, "code": 3, "contractive": {"weight": 0.1}}"#,
        r#"{"inputs": 5, "hidden": [6, 4], "code": 3, "code_activation": "gelu", "contractive": {"weight": 0.2}}"#,
        r#"{"inputs": 4, "hidden": [5], "code": 2, "activation": "identity", "contractive": {"weight": 0.2}}"#,
        r#"{"inputs": 5, "hidden": [6], "code": 4, "code_activation": "softplus", "tied": true,
            "contractive": {"weight": 0.2, "probes": 3}}"#,
    ],
};

impl AutoencoderConfig {
    /// As [`AutoencoderConfig::deep`], with `weight * mean_b ||J_b||_F^2` in the loss, `J_b` the Jacobian of the code of row `b` by that
    /// row.
    ///
    /// For one layer `y = f(x w + b)` the norm is `sum_j f'(z_j)^2 sum_i w_ij^2`. For more it is exact too, row after row of `J`, at the
    /// cost of about `code` backward passes through the encoder below its last layer; [`Contraction::probes`] estimates it instead
    /// (M. F. Hutchinson, *A stochastic estimator of the trace of the influence matrix*, 1989), without bias and for the cost of one
    /// such pass by probe. Activations whose second derivative is zero (ReLU) are penalised through the weights alone.
    ///
    /// Source: S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio, *Contractive auto-encoders: explicit invariance during feature
    /// extraction* (2011), there with sigmoids, tied weights and sums over the batch where we take the mean; a deep encoder was
    /// stacked from such layers there, here it is penalised as a whole.
    pub fn contractive(inputs: usize, hidden: &[usize], code: usize, weight: f64) -> Self {
        Self::deep(inputs, hidden, code).contraction(Contraction::new(weight))
    }
}
