//! Batch normalisation.

use layerwise_tensor::{BufferUpdate, Mode, ParamId, Scalar, kernel};

use super::elementwise::Place;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
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
        let (rows, cols) = self.shape(x);
        self.check_affine("batch_norm", x, gain, bias);
        for (id, len) in [(running_mean, cols), (running_var, cols), (tracked, 1)] {
            let spec = self.params().layout().spec(id);
            let name = &spec.name;
            assert!(spec.len() == len, "batch_norm: `{name}` has {} values for {}", spec.len(), self.describe(x));
        }
        let y = self.push(BatchNorm { x, gain, bias, running_mean, running_var, eps }, rows, cols);
        if self.mode() == Mode::Train && rows > 0 {
            // Taken out and put back, so that the update may borrow the graph while it reads the slot.
            let statistics = std::mem::take(&mut self.tape.saved[y.index()].values[2]);
            let (mean, var) = statistics.split_at(cols);
            self.push_update(running_mean, BufferUpdate::Blend { momentum }, |out| out.copy_from_slice(mean));
            if rows > 1 {
                let unbiased = T::of(rows as f64 / (rows - 1) as f64);
                self.push_update(running_var, BufferUpdate::Blend { momentum }, |out| {
                    out.iter_mut().zip(var).for_each(|(o, v)| *o = *v * unbiased);
                });
            }
            self.push_update(tracked, BufferUpdate::Add, |out| out.fill(T::one()));
            self.tape.saved[y.index()].values[2] = statistics;
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
}

impl<T: Scalar> Op<T> for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x]).and(self.gain).and(self.bias)
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (v, rows, cols) = (f.values, f.rows, f.cols);
        let (x, gain, bias) = (v.get(self.x), self.gain.map(|g| v.get(g)), self.bias.map(|b| v.get(b)));
        match f.mode {
            Mode::Train => {
                let [normalized, rstd, statistics] = f.saved.sized([f.y.len(), cols, 2 * cols]);
                let (mean, var) = statistics.split_at_mut(cols);
                kernel::batch_norm_forward(
                    rows, cols, self.eps, x, gain, bias, f.y, normalized, mean, var, rstd, f.par,
                );
            }
            Mode::Eval => {
                let (mean, var) = (v.buffer(self.running_mean), v.buffer(self.running_var));
                kernel::batch_norm_eval(rows, cols, self.eps, x, gain, bias, mean, var, f.y, f.par);
            }
        }
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        // One call for each gradient: gain and bias may be one variable, and two places cannot be borrowed at once.
        self.pull(b, self.x, |place| [Some(place), None, None]);
        if let Some(gain) = self.gain {
            self.pull(b, gain, |place| [None, Some(place), None]);
        }
        if let Some(bias) = self.bias {
            self.pull(b, bias, |place| [None, None, Some(place)]);
        }
    }
}

impl BatchNorm {
    /// The gradient of one input, which `role` puts among `[dx, dgain, dbias]`.
    fn pull<T: Scalar>(
        &self,
        b: &mut Backward<'_, T>,
        var: Var,
        role: impl for<'p> FnOnce(Place<'p, T>) -> [Option<Place<'p, T>>; 3],
    ) {
        let (v, rows, cols, eps, dy, par) = (b.values, b.rows, b.cols, self.eps, &*b.dy, b.par);
        let gain = self.gain.map(|g| v.get(g));
        let Some(place) = b.grads.get(var) else { return };
        let [dx, dgain, dbias] = role(place);
        match b.mode {
            Mode::Train => {
                let [normalized, rstd, _] = b.saved.get();
                kernel::batch_norm_backward(rows, cols, normalized, rstd, gain, dy, dx, dgain, dbias, par);
            }
            Mode::Eval => {
                let (x, mean, var) = (v.get(self.x), v.buffer(self.running_mean), v.buffer(self.running_var));
                kernel::batch_norm_eval_backward(rows, cols, eps, x, gain, mean, var, dy, dx, dgain, dbias, par);
            }
        }
    }
}
