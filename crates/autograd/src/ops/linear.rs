//! The linear layer with its bias, activation and dropout in one slot.

use layerwise_tensor::kernel::{self, Epilogue, LinearShape, Tile};
use layerwise_tensor::{Mode, Scalar};

use super::dropout::Mask;
use super::elementwise::update;
use crate::act::{Act, Needs};
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
        self.push_linear("linear", x, w, b, None, None)
    }

    /// `y = f(x w + b)`: [`Graph::linear`] and [`Graph::activate`] in one pass over tiles of rows, to the same bits.
    ///
    /// Gradient: `dz = dy f'` in place, then as [`Graph::linear`] with `dz`.
    ///
    /// # Panics
    /// If the sizes do not fit.
    #[track_caller]
    pub fn linear_act(&mut self, x: Var, w: Var, b: Option<Var>, act: Act) -> Var {
        self.push_linear("linear_act", x, w, b, Some(act), None)
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
        self.push_linear("linear_act_dropout", x, w, b, act, mask)
    }

    #[track_caller]
    fn push_linear(
        &mut self,
        op: &'static str,
        x: Var,
        w: Var,
        b: Option<Var>,
        act: Option<Act>,
        mask: Option<Mask>,
    ) -> Var {
        let ((batch, inputs), (rows, outputs)) = (self.shape(x), self.shape(w));
        self.require(inputs == rows, op, &[x, w], "the columns of x are not the rows of w");
        if let Some(b) = b {
            self.require(self.shape(b) == (1, outputs), op, &[w, b], "the bias is no row with the columns of w");
        }
        self.push(Linear { x, w, b, act, mask }, batch, outputs)
    }
}

#[derive(Clone, Copy, Debug)]
struct Linear {
    x: Var,
    w: Var,
    b: Option<Var>,
    act: Option<Act>,
    mask: Option<Mask>,
}

impl Linear {
    /// What is kept between the passes: the factor `f' m / keep` under dropout, else the input of the activation if it is needed.
    fn saves(&self, wants_grad: bool) -> bool {
        wants_grad && (self.mask.is_some() || self.act.is_some_and(|a| a.needs() == Needs::Input))
    }

    fn shape<T: Scalar>(&self, batch: usize, outputs: usize, values: Values<'_, T>) -> LinearShape {
        LinearShape { batch, inputs: values.shape(self.x).1, outputs }
    }
}

impl<T: Scalar> Op<T> for Linear {
    fn name(&self) -> &'static str {
        match (self.act, self.mask) {
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
        let saved_len = if self.saves(f.wants_grad) { f.y.len() } else { 0 };
        let [saved, ..] = f.saved.sized([saved_len, 0, 0]);
        let epilogue = |t: Tile<'_, T>| match (self.act, self.mask) {
            (act, Some(mask)) => mask.apply_after(act, t.first_row * t.cols, t.y, t.saved),
            (Some(act), None) => {
                if !t.saved.is_empty() {
                    t.saved.copy_from_slice(t.y);
                }
                act.forward(t.y);
            }
            (None, None) => (),
        };
        let epilogue: Option<Epilogue<'_, T>> =
            if self.act.is_some() || self.mask.is_some() { Some(&epilogue) } else { None };
        let b = self.b.map(|b| f.values.get(b));
        let (x, w) = (f.values.get(self.x), f.values.get(self.w));
        kernel::linear_forward(shape, x, w, b, f.y, saved, epilogue, f.par);
    }

    fn backward(&self, b: &mut Backward<'_, T>) {
        let (cols, par) = (b.cols, b.par);
        let shape = self.shape(b.rows, cols, b.values);
        let [saved, ..] = b.saved.get();
        if self.mask.is_some() {
            update(par, cols, b.dy, saved, |dy, factor| dy * factor);
        } else if let Some(act) = self.act {
            let saved = if act.needs() == Needs::Input { saved } else { b.y };
            kernel::for_tiles(cols, b.dy, par, |row, dy| {
                act.backward(&saved[row * cols..row * cols + dy.len()], dy);
            });
        }
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
        self.act
    }

    fn slopes(&self, _: Values<'_, T>, y: &[T], saved: &Saved<T>, out: &mut [T]) -> bool {
        let [saved, ..] = saved.get();
        match self.act {
            // Under dropout the saved buffer holds f' m / keep itself.
            Some(_) if self.mask.is_some() && saved.len() == out.len() => out.copy_from_slice(saved),
            Some(act) if self.mask.is_none() && act.needs() == Needs::Output => act.backward(y, out),
            Some(act) if self.mask.is_none() && saved.len() == out.len() => act.backward(saved, out),
            _ => return false,
        }
        true
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
