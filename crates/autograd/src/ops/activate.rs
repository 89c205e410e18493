//! Pointwise functions.

use layerwise_tensor::{Accum, Scalar, kernel};

use super::elementwise::update;
use crate::act::{Act, Needs};
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op, Saved, Values};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = f(x)` by element, of the shape of `x`.
    ///
    /// Gradient: `dx = dy f'`, from `x` or `y` as [`Act::needs`] says; nothing is saved.
    #[track_caller]
    pub fn activate(&mut self, x: Var, act: Act) -> Var {
        let (rows, cols) = self.shape(x);
        self.push(Activate { x, act }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct Activate {
    x: Var,
    act: Act,
}

impl<T: Scalar> Op<T> for Activate {
    fn name(&self) -> &'static str {
        self.act.name()
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, cols) = (f.values.get(self.x), f.cols);
        kernel::for_tiles(cols, f.y, f.par, |row, y| {
            y.copy_from_slice(&x[row * cols..row * cols + y.len()]);
            self.act.forward(y);
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let cols = b.cols;
        let saved = match self.act.needs() {
            Needs::Input => b.values.get(self.x),
            Needs::Output => b.y,
        };
        let Some((dx, accum)) = b.grads.get(self.x) else { return };
        match accum {
            Accum::Replace => {
                let dy = &*b.dy;
                kernel::for_tiles(cols, dx, b.par, |row, dx| {
                    let range = row * cols..row * cols + dx.len();
                    dx.copy_from_slice(&dy[range.clone()]);
                    self.act.backward(&saved[range], dx);
                });
            }
            Accum::Add => {
                kernel::for_tiles(cols, b.dy, b.par, |row, dy| {
                    self.act.backward(&saved[row * cols..row * cols + dy.len()], dy);
                });
                update(b.par, cols, dx, b.dy, |dx, d| dx + d);
            }
        }
    }

    fn act(&self) -> Option<Act> {
        Some(self.act)
    }

    fn slopes(&self, values: Values<'_, T>, y: &[T], _: &Saved<T>, out: &mut [T]) -> bool {
        let saved = if self.act.needs() == Needs::Input { values.get(self.x) } else { y };
        if saved.len() != out.len() {
            return false;
        }
        self.act.backward(saved, out);
        true
    }
}
