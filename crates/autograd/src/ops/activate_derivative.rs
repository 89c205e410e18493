//! The derivative of a pointwise function as a value of its own.

use layerwise_tensor::{Accum, Scalar, kernel};

use super::elementwise::update;
use crate::act::{Act, Needs};
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = f'(x)` by element, of the shape of `x`: what a penalty on a Jacobian is made of.
    ///
    /// Gradient: `dx = dy f''(x)`. Where `f'` is computed from the output, `f(x)` is computed once and kept.
    ///
    /// ```
    /// use layerwise_autograd::{Act, Needs, PointwiseFn, gradcheck};
    /// use layerwise_tensor::{Layout, Params, Scalar, Stream};
    ///
    /// struct Cube;
    /// impl PointwiseFn for Cube {
    ///     const NEEDS: Needs = Needs::Input;
    ///     const HAS_SECOND: bool = true;
    ///     fn f<T: Scalar>(_: [T; 2], x: T) -> T {
    ///         x * x * x
    ///     }
    ///     fn df<T: Scalar>(_: [T; 2], x: T) -> T {
    ///         T::of(3.0) * x * x
    ///     }
    ///     fn d2f<T: Scalar>(_: [T; 2], x: T) -> T {
    ///         T::of(6.0) * x
    ///     }
    /// }
    /// let params = Params::init(Layout::new(), &Stream::new(0));
    /// let x = gradcheck::random(4, 3, -1.0, 1.0, &Stream::new(1));
    /// gradcheck::check(&params, &[x], |g, x| g.activate_derivative(x[0], Act::new(&Cube, [0.0; 2])));
    /// ```
    ///
    /// # Panics
    /// If the second derivative is not written ([`Act::has_second`]) and a gradient of `x` is wanted.
    #[track_caller]
    pub fn activate_derivative(&mut self, x: Var, act: Act) -> Var {
        if !act.has_second() && self.wants_grad(x) {
            let reason = format!("the second derivative of {} is not written", act.name());
            self.require(false, "activate_derivative", &[x], &reason);
        }
        let (rows, cols) = self.shape(x);
        self.push(ActivateDerivative { x, act }, rows, cols)
    }
}

#[derive(Clone, Copy, Debug)]
struct ActivateDerivative {
    x: Var,
    act: Act,
}

impl<T: Scalar> Op<T> for ActivateDerivative {
    fn name(&self) -> &'static str {
        "activate_derivative"
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        let (x, cols, act) = (f.values.get(self.x), f.cols, self.act);
        let read = match act.needs() {
            Needs::Input => x,
            Needs::Output => {
                let [out, ..] = f.saved.sized([x.len(), 0, 0]);
                kernel::for_tiles(cols, out, f.par, |row, out| {
                    out.copy_from_slice(&x[row * cols..row * cols + out.len()]);
                    act.forward(out);
                });
                f.saved.get()[0]
            }
        };
        kernel::for_tiles(cols, f.y, f.par, |row, y| {
            y.fill(T::one());
            act.backward(&read[row * cols..row * cols + y.len()], y);
        });
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (cols, act) = (b.cols, self.act);
        let read = match act.needs() {
            Needs::Input => b.values.get(self.x),
            Needs::Output => b.saved.get()[0],
        };
        let Some((dx, accum)) = b.grads.get(self.x) else { return };
        kernel::for_tiles(cols, b.dy, b.par, |row, dy| act.second(&read[row * cols..row * cols + dy.len()], dy));
        match accum {
            Accum::Replace => dx.copy_from_slice(b.dy),
            Accum::Add => update(b.par, cols, dx, b.dy, |dx, d| dx + d),
        }
    }
}
