//! Where a backward pass first puts out something that is no number.

use std::fmt;

use layerwise_tensor::{Accum, Gradients, Scalar};

use crate::graph::Graph;
use crate::node::Kind;
use crate::op::{Grads, Op};
use crate::tape::SlotInfo;
use crate::var::Var;

/// The first gradient of a backward pass that was not finite.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenGradient {
    /// The operation whose backward pass wrote it; what it was handed was finite.
    pub op: SlotInfo,
    /// The value whose gradient it is: one of the operation's inputs.
    pub of: SlotInfo,
}

impl fmt::Display for BrokenGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the backward pass of {} made the gradient of {}", self.op, self.of)
    }
}

impl<T: Scalar> Graph<'_, T> {
    /// As [`Graph::backward_from`], but looks at every gradient as soon as it is written and ends at the first that is not finite.
    ///
    /// This is the twin of [`Graph::first_non_finite`] for the other direction: gradients of slots are working memory of the pass, so
    /// they cannot be looked at afterwards. It costs one look at every gradient. Pending updates of buffers are not handed over then.
    ///
    /// ```
    /// use layerwise_autograd::Tape;
    /// use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Stream};
    /// use ndarray::array;
    ///
    /// let params = Params::<f64>::init(Layout::new(), &Stream::new(0));
    /// let mut grads = Gradients::new(&params);
    /// let mut tape = Tape::new();
    /// let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    /// let x = g.leaf(array![[4.0, 0.0]].view());
    /// g.enter("norm");
    /// let root = g.sqrt(x); // whose slope at 0 is infinite
    /// g.leave();
    /// let loss = g.sum_all(root);
    /// let broken = g.backward_from_checked(loss, &[1.0], &mut grads, Accum::Replace).unwrap_err();
    /// assert_eq!((broken.op.op, broken.op.label.as_deref(), broken.of.op), ("sqrt", Some("norm"), "input"));
    /// ```
    ///
    /// # Errors
    /// If a gradient is not finite: which, and which operation wrote it.
    ///
    /// # Panics
    /// As [`Graph::backward_from`].
    #[track_caller]
    pub fn backward_from_checked(
        mut self,
        y: Var,
        dy: &[T],
        grads: &mut Gradients<T>,
        accum: Accum,
    ) -> Result<(), BrokenGradient> {
        let finite = |op: &dyn Op<T>, grads: &Grads<'_, T>| op.inputs().iter().all(|v| is_finite(v, grads));
        let Some(i) = self.walk_back(y, dy, grads, accum, finite) else { return Ok(()) };
        let tape = &mut *self.tape;
        let now = Grads {
            nodes: &tape.nodes,
            slots: &mut tape.grads,
            written: &mut tape.written,
            params: grads,
            stamp: tape.stamp,
        };
        let of = tape.ops[i].inputs().iter().find(|v| !is_finite(*v, &now)).map_or(i, Var::index);
        Err(BrokenGradient { op: tape.info(i), of: tape.info(of) })
    }
}

/// Whether the gradient of `v`, as far as there is one, holds finite numbers only.
fn is_finite<T: Scalar>(v: Var, grads: &Grads<'_, T>) -> bool {
    let i = v.index();
    let node = &grads.nodes[i];
    let gradient = match node.kind {
        _ if !node.wants_grad => None,
        Kind::Param(id) => grads.params.get(id),
        _ => grads.written[i].then(|| &*grads.slots[i]),
    };
    gradient.is_none_or(|g| g.iter().all(|v| v.is_finite()))
}

#[cfg(test)]
mod tests {
    use layerwise_tensor::{Constant, Layout, Mode, ParamKind, Params, Stream};

    use super::*;
    use crate::ops::Trans;
    use crate::tape::Tape;

    /// `mean(sqrt(relu(x w)))` with a column of `w` at `bad`; the checked pass and the plain one.
    fn both(bad: f64) -> (Result<(), BrokenGradient>, Vec<f64>, Vec<f64>) {
        let mut layout = Layout::new();
        let w = layout.scope().child("0").param("weight", ParamKind::Weight, 2, 2, Constant(1.0));
        let mut params = Params::<f64>::init(layout, &Stream::new(0));
        params.get_mut(w)[1] = bad;
        params.get_mut(w)[3] = bad;
        let pass = |checked: bool| {
            let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
            let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
            let x = g.input(ndarray::array![[1.0, 2.0]].view());
            g.enter("0");
            let weight = g.param(w);
            let y = g.matmul(x, Trans::No, weight, Trans::No);
            g.leave();
            g.enter("root");
            let y = g.sqrt(y);
            g.leave();
            let loss = g.mean_all(y);
            let found = match checked {
                true => g.backward_from_checked(loss, &[1.0], &mut grads, Accum::Replace),
                false => {
                    g.backward_from(loss, &[1.0], &mut grads, Accum::Replace);
                    Ok(())
                }
            };
            (found, grads.values().to_vec())
        };
        let (found, checked) = pass(true);
        (found, checked, pass(false).1)
    }

    #[test]
    fn names_the_operation_and_the_value_below_it() {
        let broken = both(0.0).0.unwrap_err();
        assert_eq!((broken.op.op, broken.op.label.as_deref()), ("sqrt", Some("root")));
        assert_eq!((broken.of.op, broken.of.label.as_deref()), ("matmul", Some("0")));
        let text = broken.to_string();
        assert!(text.starts_with("the backward pass of sqrt (slot 3 of `root`, 1 x 2) made"), "{text}");
    }

    #[test]
    fn a_healthy_pass_has_the_bits_of_the_plain_one() {
        let (found, checked, plain) = both(4.0);
        assert!(found.is_ok() && checked == plain && plain.iter().any(|v| *v != 0.0));
    }
}
