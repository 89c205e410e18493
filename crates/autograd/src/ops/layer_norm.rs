//! Layer normalisation.

use layerwise_tensor::Scalar;
use layerwise_tensor::kernel::{self, Epilogue, Par, Tile};

use super::elementwise::{accumulate, space};
use super::ending::Ending;
use crate::act::Act;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Grads, Op, Saved, Values};
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
        self.push_layer_norm("layer_norm", x, gain, bias, eps, Ending::default())
    }

    /// `y = f(n) m / keep` with `n` of [`Graph::layer_norm`]: the norm, [`Graph::activate`] and [`Graph::dropout`] in one pass, to the
    /// same bits; gradients agree up to rounding.
    ///
    /// # Panics
    /// If gain or bias are no rows with the columns of `x`, or `p` is not in `[0, 1]`.
    #[track_caller]
    pub fn layer_norm_act_dropout(
        &mut self,
        x: Var,
        gain: Option<Var>,
        bias: Option<Var>,
        eps: f64,
        act: Option<Act>,
        p: f64,
    ) -> Var {
        let mask = self.mask("layer_norm_act_dropout", p);
        self.push_layer_norm("layer_norm_act_dropout", x, gain, bias, eps, Ending { act, mask })
    }

    #[track_caller]
    fn push_layer_norm(
        &mut self,
        op: &'static str,
        x: Var,
        gain: Option<Var>,
        bias: Option<Var>,
        eps: f64,
        ending: Ending,
    ) -> Var {
        let (rows, cols) = self.shape(x);
        self.check_affine(op, x, gain, bias);
        self.push(LayerNorm { x, gain, bias, eps, ending }, rows, cols)
    }

    #[track_caller]
    pub(crate) fn check_affine(&self, op: &str, x: Var, gain: Option<Var>, bias: Option<Var>) {
        let cols = self.shape(x).1;
        for v in gain.iter().chain(&bias) {
            self.require(self.shape(*v) == (1, cols), op, &[x, *v], "gain or bias is no row with the columns of x");
        }
    }
}

/// The gradients of gain and bias to their places, one after the other: they may be one variable.
pub(super) fn hand_on<T: Scalar>(grads: &mut Grads<'_, T>, par: Par, gradients: [(Option<Var>, &mut [T]); 2]) {
    for (var, gradient) in gradients {
        if let Some(place) = var.and_then(|v| grads.get(v)) {
            accumulate(par, gradient.len(), place, gradient);
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct LayerNorm {
    x: Var,
    gain: Option<Var>,
    bias: Option<Var>,
    eps: f64,
    ending: Ending,
}

impl<T: Scalar> Op<T> for LayerNorm {
    fn name(&self) -> &'static str {
        match (self.ending.act, self.ending.mask) {
            (None, None) => "layer_norm",
            (Some(_), None) => "layer_norm_act",
            (_, Some(_)) => "layer_norm_act_dropout",
        }
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x]).and(self.gain).and(self.bias)
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (v, rows, cols) = (f.values, f.rows, f.cols);
        let (gain, bias) = (self.gain.map(|g| v.get(g)), self.bias.map(|b| v.get(b)));
        let kept = self.ending.saves(f.wants_grad, f.y.len());
        let [normalized, rstd, factor] = f.saved.sized([f.y.len(), rows, kept]);
        let epilogue = |t: Tile<'_, T>| self.ending.apply(t);
        let epilogue: Option<Epilogue<'_, T>> = if self.ending.is_none() { None } else { Some(&epilogue) };
        let x = v.get(self.x);
        kernel::layer_norm_forward(rows, cols, self.eps, x, gain, bias, f.y, normalized, rstd, factor, epilogue, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (rows, cols, par) = (b.rows, b.cols, b.par);
        let [normalized, rstd, factor] = b.saved.get();
        self.ending.backward(par, cols, b.y, factor, b.dy);
        let gain = self.gain.map(|g| b.values.get(g));
        let (dgain, dbias) = space(b.scratch, 2 * cols).split_at_mut(cols);
        let dx = b.grads.get(self.x);
        kernel::layer_norm_backward(rows, cols, normalized, rstd, gain, b.dy, dx, dgain, dbias, par);
        hand_on(&mut b.grads, par, [(self.gain, dgain), (self.bias, dbias)]);
    }

    fn act(&self) -> Option<Act> {
        self.ending.act
    }

    fn slopes(&self, _: Values<'_, T>, y: &[T], saved: &Saved<T>, out: &mut [T]) -> bool {
        self.ending.slopes(y, saved.get()[2], out)
    }
}
