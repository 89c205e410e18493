//! A sample of a Gaussian through which gradients pass.

use layerwise_tensor::{Mode, Scalar, Stream, math};

use super::elementwise::{accumulate, pull, update};
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `z = mu + e^(logvar / 2) n` with `n` standard normal from the step's stream (Kingma and Welling, 2014).
    ///
    /// Under [`Mode::Eval`], `z = mu`. Gradient: `dmu = dz`, `dlogvar = dz e^(logvar / 2) n / 2`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn reparameterise(&mut self, mu: Var, logvar: Var) -> Var {
        let same = self.shape(mu) == self.shape(logvar);
        self.require(same, "reparameterise", &[mu, logvar], "mean and logarithm of variance differ in shape");
        let stream = self.next_stream();
        let (rows, cols) = self.shape(mu);
        self.push(Reparameterise { mu, logvar, stream }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct Reparameterise {
    mu: Var,
    logvar: Var,
    stream: Stream,
}

impl<T: Scalar> Op<T> for Reparameterise {
    fn name(&self) -> &'static str {
        "reparameterise"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.mu, self.logvar])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let [noise, ..] = f.saved.sized([f.y.len(), 0, 0]);
        match f.mode {
            Mode::Train => self.stream.normal(0, noise),
            Mode::Eval => noise.fill(T::zero()),
        }
        let half = T::of(0.5);
        update(f.par, f.cols, noise, f.values.get(self.logvar), |n, s| math::exp(half * s) * n);
        f.y.copy_from_slice(f.values.get(self.mu));
        update(f.par, f.cols, f.y, noise, |mu, n| mu + n);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        if let Some(dmu) = b.grads.get(self.mu) {
            accumulate(b.par, b.cols, dmu, b.dy);
        }
        if let Some(dlogvar) = b.grads.get(self.logvar) {
            let [noise, ..] = b.saved.get();
            let half = T::of(0.5);
            pull(b.par, b.cols, dlogvar, b.dy, noise, |dy, n| half * dy * n);
        }
    }
}
