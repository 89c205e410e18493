//! The list of operations: laws elsewhere check that none is left out.

/// One operation: a method of [`Graph`](crate::Graph).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpEntry {
    /// Name of the method.
    pub name: &'static str,
    /// What it computes.
    pub formula: &'static str,
}

/// All operations, in alphabetical order.
pub fn table() -> &'static [OpEntry] {
    TABLE
}

const fn entry(name: &'static str, formula: &'static str) -> OpEntry {
    OpEntry { name, formula }
}

const TABLE: &[OpEntry] = &[
    entry("abs", "y = |x|"),
    entry("activate", "y = f(x), pointwise"),
    entry("activate_derivative", "y = f'(x), pointwise"),
    entry("add", "y = a + b; b as a row, a column or a number"),
    entry("batch_norm", "y = gain (x - mean) / sqrt(var + eps) + bias, mean and variance by column"),
    entry("batch_norm_act_dropout", "y = f(n) m / keep with n of batch_norm"),
    entry("bce_with_logits", "mean of softplus(z) - z t"),
    entry("clamp", "y = min(max(x, lo), hi)"),
    entry("concat", "y = [a, b] by columns"),
    entry("detach", "y = x, without gradient"),
    entry("div", "y = a / b; b as a row, a column or a number"),
    entry("dropout", "y = x m / keep, m Bernoulli(keep)"),
    entry("exp", "y = e^x"),
    entry("gather_cols", "y_i = x_(i, label_i)"),
    entry("gaussian_kl", "mean over rows of sum (e^s + mu^2 - 1 - s) / 2, s = logvar"),
    entry("layer_norm", "y = gain (x - mean) / sqrt(var + eps) + bias, mean and variance by row"),
    entry("layer_norm_act_dropout", "y = f(n) m / keep with n of layer_norm"),
    entry("linear", "y = x w + b"),
    entry("linear_act", "y = f(x w + b)"),
    entry("linear_act_dropout", "y = f(x w + b) m / keep"),
    entry("log", "y = ln x"),
    entry("log_softmax", "y = x - log_sum_exp(x), by row"),
    entry("log_sum_exp", "y_i = ln sum_j e^x_ij"),
    entry("matmul", "y = op(a) op(b)"),
    entry("mean_all", "mean of all elements"),
    entry("mean_over_cols", "mean of each row"),
    entry("mean_over_rows", "mean of each column"),
    entry("mse", "mean of (y - t)^2"),
    entry("mul", "y = a b, by element; b as a row, a column or a number"),
    entry("neg", "y = -x"),
    entry("reparameterise", "z = mu + e^(logvar / 2) n, n standard normal"),
    entry("reshape", "y = x in another shape, row-major"),
    entry("scale", "y = factor x"),
    entry("shift", "y = x + offset"),
    entry("slice_cols", "y = x[.., range]"),
    entry("softmax", "y_ij = e^x_ij / sum_k e^x_ik"),
    entry("softmax_cross_entropy", "mean over rows of log_sum_exp(z_i) - z_(i, label_i)"),
    entry("sqrt", "y = x^(1/2)"),
    entry("square", "y = x^2"),
    entry("sub", "y = a - b; b as a row, a column or a number"),
    entry("sum_all", "sum of all elements"),
    entry("sum_over_cols", "sum of each row"),
    entry("sum_over_rows", "sum of each column"),
    entry("tied_linear", "y = x w^T + b"),
    entry("transpose", "y = x^T"),
];
