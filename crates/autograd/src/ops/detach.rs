//! A value without its history.

use layerwise_tensor::Scalar;

use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = x`; no gradient passes.
    #[track_caller]
    pub fn detach(&mut self, x: Var) -> Var {
        let (rows, cols) = self.shape(x);
        self.push(Detach { x }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct Detach {
    x: Var,
}

impl<T: Scalar> Op<T> for Detach {
    fn name(&self) -> &'static str {
        "detach"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        f.y.copy_from_slice(f.values.get(self.x));
    }

    fn backward(&self, _: &mut Backward<'_, T>) {}

    fn passes_gradient(&self) -> bool {
        false
    }
}
