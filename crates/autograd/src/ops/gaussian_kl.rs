//! Divergence of a diagonal Gaussian from the standard one.

use layerwise_tensor::{Scalar, kernel, math};

use super::elementwise::{pull, update};
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `(1 / r) sum_ij (e^s_ij + mu_ij^2 - 1 - s_ij) / 2` with `s = logvar`, `1 x 1`: KL of `N(mu, e^s)` from `N(0, 1)`, summed over
    /// the code and averaged over the batch (Kingma and Welling, 2014).
    ///
    /// Gradient: `dmu = mu / r`, `dlogvar = (e^s - 1) / (2 r)`.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn gaussian_kl(&mut self, mu: Var, logvar: Var) -> Var {
        let same = self.shape(mu) == self.shape(logvar);
        self.require(same, "gaussian_kl", &[mu, logvar], "mean and logarithm of variance differ in shape");
        self.push(GaussianKl { mu, logvar }, 1, 1)
    }
}

#[derive(Clone, Copy, Debug)]
struct GaussianKl {
    mu: Var,
    logvar: Var,
}

impl<T: Scalar> Op<T> for GaussianKl {
    fn name(&self) -> &'static str {
        "gaussian_kl"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.mu, self.logvar])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (mu, logvar) = (f.values.get(self.mu), f.values.get(self.logvar));
        let (rows, cols) = f.values.shape(self.mu);
        let [terms, ..] = f.saved.sized([mu.len(), 0, 0]);
        let half = T::of(0.5);
        terms.copy_from_slice(mu);
        // expm1 keeps the digits where the variance is near 1.
        update(f.par, cols, terms, logvar, |mu, s| half * (math::exp_m1(s) + mu * mu - s));
        f.y[0] = T::of(kernel::sum(terms) / rows as f64);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (mu, logvar) = (b.values.get(self.mu), b.values.get(self.logvar));
        let (rows, cols) = b.values.shape(self.mu);
        let factor = T::of(b.dy[0].as_f64() / rows as f64);
        let half = T::of(0.5);
        if let Some(dmu) = b.grads.get(self.mu) {
            pull(b.par, cols, dmu, mu, mu, |mu, _| factor * mu);
        }
        if let Some(dlogvar) = b.grads.get(self.logvar) {
            pull(b.par, cols, dlogvar, logvar, logvar, |s, _| half * factor * math::exp_m1(s));
        }
    }
}
