//! Layer normalisation.

use layerwise_tensor::{Scalar, kernel};

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = gain (x - mean) / sqrt(var + eps) + bias`, mean and (biased) variance of each row (Ba et al., 2016).
    ///
    /// `gain` and `bias` are rows `(1, c)`. Gradient: with `n` the normalised `x` and `d = dy gain`,
    /// `dx = (d - mean(d) - n mean(d n)) / sqrt(var + eps)`, `dgain = sum over rows of dy n`, `dbias = sum over rows of dy`.
    ///
    /// # Panics
    /// If gain or bias are no rows with the columns of `x`.
    #[track_caller]
    pub fn layer_norm(&mut self, x: Var, gain: Option<Var>, bias: Option<Var>, eps: f64) -> Var {
        let (rows, cols) = self.shape(x);
        self.check_affine("layer_norm", x, gain, bias);
        self.push(LayerNorm { x, gain, bias, eps }, rows, cols)
    }

    #[track_caller]
    pub(crate) fn check_affine(&self, op: &str, x: Var, gain: Option<Var>, bias: Option<Var>) {
        let cols = self.shape(x).1;
        for v in gain.iter().chain(&bias) {
            self.require(self.shape(*v) == (1, cols), op, &[x, *v], "gain or bias is no row with the columns of x");
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct LayerNorm {
    x: Var,
    gain: Option<Var>,
    bias: Option<Var>,
    eps: f64,
}

impl<T: Scalar> Op<T> for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x]).and(self.gain).and(self.bias)
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let v = f.values;
        let (gain, bias) = (self.gain.map(|g| v.get(g)), self.bias.map(|b| v.get(b)));
        let [normalized, rstd, _] = f.saved.sized([f.y.len(), f.rows, 0]);
        kernel::layer_norm_forward(f.rows, f.cols, self.eps, v.get(self.x), gain, bias, f.y, normalized, rstd, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (rows, cols, par, dy) = (b.rows, b.cols, b.par, &*b.dy);
        let gain = self.gain.map(|g| b.values.get(g));
        let [normalized, rstd, _] = b.saved.get();
        // One call for each gradient: gain and bias may be one variable, and two places cannot be borrowed at once.
        if let Some(dx) = b.grads.get(self.x) {
            kernel::layer_norm_backward(rows, cols, normalized, rstd, gain, dy, Some(dx), None, None, par);
        }
        if let Some(dgain) = self.gain.and_then(|g| b.grads.get(g)) {
            kernel::layer_norm_backward(rows, cols, normalized, rstd, gain, dy, None, Some(dgain), None, par);
        }
        if let Some(dbias) = self.bias.and_then(|v| b.grads.get(v)) {
            kernel::layer_norm_backward(rows, cols, normalized, rstd, gain, dy, None, None, Some(dbias), par);
        }
    }
}
