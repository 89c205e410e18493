//! The linear layer with its bias, activation and dropout in one slot.

use layerwise_tensor::kernel::{self, Epilogue, LinearShape, Tile};
use layerwise_tensor::{Mode, Scalar};

use super::dropout::Mask;
use super::ending::Ending;
use crate::act::Act;
use crate::graph::Graph;
use crate::op::{Backward, Forward, Op, Saved, Values};
use crate::var::{Inputs, Var};

impl<T: Scalar> Graph<'_, T> {
    /// `y = x w + b`, `(batch, out)` for `x` of `(batch, in)`, `w` of `(in, out)`, `b` of `(1, out)`.
    ///
    /// Gradient: `dw = x^T dy`, `db = sum over rows of dy`, `dx = dy w^T` (not computed where `x` wants none).
    ///
    /// # Panics
    /// If the sizes do not fit.
    #[track_caller]
    pub fn linear(&mut self, x: Var, w: Var, b: Option<Var>) -> Var {
        self.push_linear("linear", x, w, b, Ending::default())
    }

    /// `y = f(x w + b)`: [`Graph::linear`] and [`Graph::activate`] in one pass over tiles of rows, to the same bits.
    ///
    /// Gradient: `dz = dy f'` in place, then as [`Graph::linear`] with `dz`.
    ///
    /// # Panics
    /// If the sizes do not fit.
    #[track_caller]
    pub fn linear_act(&mut self, x: Var, w: Var, b: Option<Var>, act: Act) -> Var {
        self.push_linear("linear_act", x, w, b, Ending { act: Some(act), mask: None })
    }

    /// `y = f(x w + b) m / keep`: [`Graph::linear_act`] and [`Graph::dropout`] in one pass, to the same bits; gradients agree up to
    /// rounding, since `f' m / keep` is multiplied first.
    ///
    /// Without dropout (`p = 0`, [`Mode::Eval`]) it is [`Graph::linear_act`], or [`Graph::linear`] without `act`.
    ///
    /// # Panics
    /// If the sizes do not fit, or `p` is not in `[0, 1]`.
    #[track_caller]
    pub fn linear_act_dropout(&mut self, x: Var, w: Var, b: Option<Var>, act: Option<Act>, p: f64) -> Var {
        let mask = self.mask("linear_act_dropout", p);
        self.push_linear("linear_act_dropout", x, w, b, Ending { act, mask })
    }

    #[track_caller]
    fn push_linear(&mut self, op: &'static str, x: Var, w: Var, b: Option<Var>, ending: Ending) -> Var {
        let ((batch, inputs), (rows, outputs)) = (self.shape(x), self.shape(w));
        self.require(inputs == rows, op, &[x, w], "the columns of x are not the rows of w");
        if let Some(b) = b {
            self.require(self.shape(b) == (1, outputs), op, &[w, b], "the bias is no row with the columns of w");
        }
        self.push(Linear { x, w, b, ending }, batch, outputs)
    }
}

#[derive(Clone, Copy, Debug)]
struct Linear {
    x: Var,
    w: Var,
    b: Option<Var>,
    ending: Ending,
}

impl Linear {
    fn shape<T: Scalar>(&self, batch: usize, outputs: usize, values: Values<'_, T>) -> LinearShape {
        LinearShape { batch, inputs: values.shape(self.x).1, outputs }
    }
}

impl<T: Scalar> Op<T> for Linear {
    fn name(&self) -> &'static str {
        match (self.ending.act, self.ending.mask) {
            (None, None) => "linear",
            (Some(_), None) => "linear_act",
            (_, Some(_)) => "linear_act_dropout",
        }
    }

    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x, self.w]).and(self.b)
    }

    fn forward(&self, f: &mut Forward<'_, T>) {
        *f.products += 1;
        let shape = self.shape(f.rows, f.cols, f.values);
        let [factor, ..] = f.saved.sized([self.ending.saves(f.wants_grad, f.y.len()), 0, 0]);
        let epilogue = |t: Tile<'_, T>| self.ending.apply(t);
        let epilogue: Option<Epilogue<'_, T>> = if self.ending.is_none() { None } else { Some(&epilogue) };
        let b = self.b.map(|b| f.values.get(b));
        let (x, w) = (f.values.get(self.x), f.values.get(self.w));
        kernel::linear_forward(shape, x, w, b, f.y, factor, epilogue, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (cols, par) = (b.cols, b.par);
        let shape = self.shape(b.rows, cols, b.values);
        let [factor, ..] = b.saved.get();
        self.ending.backward(par, cols, b.y, factor, b.dy);
        let (x, w, dz) = (b.values.get(self.x), b.values.get(self.w), &*b.dy);
        if let Some((db, accum)) = self.b.and_then(|v| b.grads.get(v)) {
            kernel::linear_backward_bias(shape, dz, accum, db, par);
        }
        if let Some((dw, accum)) = b.grads.get(self.w) {
            *b.products += 1;
            kernel::linear_backward_weight(shape, x, dz, accum, dw, par);
        }
        if let Some((dx, accum)) = b.grads.get(self.x) {
            *b.products += 1;
            kernel::linear_backward_input(shape, dz, w, accum, dx, par);
        }
    }

    fn act(&self) -> Option<Act> {
        self.ending.act
    }

    fn slopes(&self, _: Values<'_, T>, y: &[T], saved: &Saved<T>, out: &mut [T]) -> bool {
        self.ending.slopes(y, saved.get()[0], out)
    }
}

impl<T: Scalar> Graph<'_, T> {
    /// The mask of a dropout with probability `p`, if there is any dropout.
    #[track_caller]
    pub(crate) fn mask(&mut self, op: &str, p: f64) -> Option<Mask> {
        assert!((0.0..=1.0).contains(&p), "{op}: the probability {p} of dropping is not in [0, 1]");
        (self.mode() == Mode::Train && p > 0.0).then(|| Mask::new(1.0 - p, self.next_stream()))
    }
}
