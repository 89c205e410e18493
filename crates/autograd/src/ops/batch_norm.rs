//! Batch normalisation.

use layerwise_tensor::kernel::{self, Epilogue, Tile};
use layerwise_tensor::{BufferUpdate, Mode, ParamId, Scalar};

use super::elementwise::space;
use super::ending::Ending;
use super::layer_norm::hand_on;
use crate::act::Act;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op, Saved, Values};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = gain (x - mean) / sqrt(var + eps) + bias` by column (Ioffe and Szegedy, 2015).
    ///
    /// Under [`Mode::Train`] mean and (biased) variance are those of the batch, and three updates wait for the optimizer's step:
    /// `running_mean` and `running_var` move by `momentum` towards the batch's mean and unbiased variance, `tracked` counts one.
    /// Under [`Mode::Eval`] the running statistics are used. `gain`, `bias` and the running statistics are rows `(1, c)`, `tracked`
    /// is `1 x 1`. Where PyTorch refuses a batch of one row, its variance is 0, so `y = bias`, and `running_var` stays; an empty
    /// batch changes no statistics.
    ///
    /// Gradient (train): with `n` the normalised `x` and `d = dy gain`, `dx = (d - mean(d) - n mean(d n)) / sqrt(var + eps)`,
    /// `dgain = sum over rows of dy n`, `dbias = sum over rows of dy`; in use the statistics are constants.
    ///
    /// # Panics
    /// If gain, bias or a buffer does not fit, or a buffer is trained by its gradient.
    #[track_caller]
    pub fn batch_norm(
        &mut self,
        x: Var,
        gain: Option<Var>,
        bias: Option<Var>,
        running_mean: ParamId,
        running_var: ParamId,
        tracked: ParamId,
        eps: f64,
        momentum: f64,
    ) -> Var {
        let ending = Ending::default();
        self.push_batch_norm("batch_norm", x, gain, bias, running_mean, running_var, tracked, eps, momentum, ending)
    }

    /// `y = f(n) m / keep` with `n` of [`Graph::batch_norm`]: the norm, [`Graph::activate`] and [`Graph::dropout`] in one pass, to the
    /// same bits; gradients agree up to rounding.
    ///
    /// # Panics
    /// As [`Graph::batch_norm`], and if `p` is not in `[0, 1]`.
    #[track_caller]
    pub fn batch_norm_act_dropout(
        &mut self,
        x: Var,
        gain: Option<Var>,
        bias: Option<Var>,
        running_mean: ParamId,
        running_var: ParamId,
        tracked: ParamId,
        eps: f64,
        momentum: f64,
        act: Option<Act>,
        p: f64,
    ) -> Var {
        let op = "batch_norm_act_dropout";
        let ending = Ending { act, mask: self.mask(op, p) };
        self.push_batch_norm(op, x, gain, bias, running_mean, running_var, tracked, eps, momentum, ending)
    }

    #[track_caller]
    fn push_batch_norm(
        &mut self,
        op: &'static str,
        x: Var,
        gain: Option<Var>,
        bias: Option<Var>,
        running_mean: ParamId,
        running_var: ParamId,
        tracked: ParamId,
        eps: f64,
        momentum: f64,
        ending: Ending,
    ) -> Var {
        let (rows, cols) = self.shape(x);
        self.check_affine(op, x, gain, bias);
        for (id, len) in [(running_mean, cols), (running_var, cols), (tracked, 1)] {
            let spec = self.params().layout().spec(id);
            let name = &spec.name;
            assert!(spec.len() == len, "{op}: `{name}` has {} values for {}", spec.len(), self.describe(x));
        }
        let y = self.push(BatchNorm { x, gain, bias, running_mean, running_var, eps, ending }, rows, cols);
        if self.mode() == Mode::Train && rows > 0 {
            // Taken out and put back, so that the update may borrow the graph while it reads the slot.
            let statistics = std::mem::take(&mut self.tape.saved[y.index()].values[1]);
            let (mean, var) = statistics[cols..].split_at(cols);
            self.push_update(running_mean, BufferUpdate::Blend { momentum }, |out| out.copy_from_slice(mean));
            if rows > 1 {
                let unbiased = T::of(rows as f64 / (rows - 1) as f64);
                self.push_update(running_var, BufferUpdate::Blend { momentum }, |out| {
                    out.iter_mut().zip(var).for_each(|(o, v)| *o = *v * unbiased);
                });
            }
            self.push_update(tracked, BufferUpdate::Add, |out| out.fill(T::one()));
            self.tape.saved[y.index()].values[1] = statistics;
        }
        y
    }
}

#[derive(Clone, Copy, Debug)]
struct BatchNorm {
    x: Var,
    gain: Option<Var>,
    bias: Option<Var>,
    running_mean: ParamId,
    running_var: ParamId,
    eps: f64,
    ending: Ending,
}

impl<T: Scalar> Op<T> for BatchNorm {
    fn name(&self) -> &'static str {
        match (self.ending.act, self.ending.mask) {
            (None, None) => "batch_norm",
            (Some(_), None) => "batch_norm_act",
            (_, Some(_)) => "batch_norm_act_dropout",
        }
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x]).and(self.gain).and(self.bias)
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (v, rows, cols, len) = (f.values, f.rows, f.cols, f.y.len());
        let (x, gain, bias) = (v.get(self.x), self.gain.map(|g| v.get(g)), self.bias.map(|b| v.get(b)));
        let kept = self.ending.saves(f.wants_grad, len);
        let train = f.mode == Mode::Train;
        let [normalized, statistics, factor] = f.saved.sized(if train { [len, 3 * cols, kept] } else { [0, 0, kept] });
        let epilogue = |t: Tile<'_, T>| self.ending.apply(t);
        let epilogue: Option<Epilogue<'_, T>> = if self.ending.is_none() { None } else { Some(&epilogue) };
        if train {
            let (rstd, mean_var) = statistics.split_at_mut(cols);
            let (mean, var) = mean_var.split_at_mut(cols);
            kernel::batch_norm_forward(
                rows, cols, self.eps, x, gain, bias, f.y, normalized, mean, var, rstd, factor, epilogue, f.par,
            );
        } else {
            let (mean, var) = (v.buffer(self.running_mean), v.buffer(self.running_var));
            kernel::batch_norm_eval(rows, cols, self.eps, x, gain, bias, mean, var, f.y, factor, epilogue, f.par);
        }
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (v, rows, cols, par) = (b.values, b.rows, b.cols, b.par);
        let [normalized, statistics, factor] = b.saved.get();
        self.ending.backward(par, cols, b.y, factor, b.dy);
        let gain = self.gain.map(|g| v.get(g));
        let (dgain, dbias) = space(b.scratch, 2 * cols).split_at_mut(cols);
        let dx = b.grads.get(self.x);
        if b.mode == Mode::Train {
            let rstd = &statistics[..cols];
            kernel::batch_norm_backward(rows, cols, normalized, rstd, gain, b.dy, dx, dgain, dbias, par);
        } else {
            let (x, mean, var) = (v.get(self.x), v.buffer(self.running_mean), v.buffer(self.running_var));
            kernel::batch_norm_eval_backward(rows, cols, self.eps, x, gain, mean, var, b.dy, dx, dgain, dbias, par);
        }
        hand_on(&mut b.grads, par, [(self.gain, dgain), (self.bias, dbias)]);
    }

    fn act(&self) -> Option<Act> {
        self.ending.act
    }

    fn slopes(&self, _: Values<'_, T>, y: &[T], saved: &Saved<T>, out: &mut [T]) -> bool {
        self.ending.slopes(y, saved.get()[2], out)
    }
}
