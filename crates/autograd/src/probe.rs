//! Looking at a step afterwards: what stands on the tape, and what the backward pass left there.

use layerwise_tensor::{ParamId, Params, Scalar};
use ndarray::ArrayView2;

use crate::act::Act;
use crate::node::{Kind, LENT};
use crate::op::{Values, check_stamp};
use crate::tape::{Tape, view};
use crate::var::{Inputs, Var};

impl<T: Scalar> Tape<T> {
    /// All slots of the last step, in order: an operation comes after what it reads.
    ///
    /// ```
    /// use layerwise_autograd::Tape;
    /// use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Stream};
    /// use ndarray::array;
    ///
    /// let params = Params::<f64>::init(Layout::new(), &Stream::new(0));
    /// let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    /// let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    /// let x = g.leaf(array![[3.0, -4.0]].view());
    /// let square = g.square(x);
    /// let loss = g.sum_all(square);
    /// g.backward(loss, &mut grads, Accum::Replace);
    ///
    /// let ops: Vec<_> = tape.slots().map(|v| tape.slot(v).op).collect();
    /// assert_eq!(ops, ["input", "square", "sum_all"]);
    /// assert_eq!(tape.inputs(square).iter().collect::<Vec<_>>(), [x]);
    /// assert_eq!(tape.delta(square).unwrap(), array![[1.0, 1.0]]);
    /// ```
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Var> + use<T> {
        let stamp = self.stamp;
        (0..self.nodes.len()).map(move |i| Var::new(i, stamp))
    }

    /// What the operation of a slot reads; nothing for an input or a parameter.
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn inputs(&self, var: Var) -> Inputs {
        check_stamp(var, self.stamp);
        match self.nodes[var.index()].kind {
            Kind::Op => self.ops[var.index()].inputs(),
            _ => Inputs::default(),
        }
    }

    /// The parameter that a slot is, read in place; `None` for a value.
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn param_of(&self, var: Var) -> Option<ParamId> {
        check_stamp(var, self.stamp);
        match self.nodes[var.index()].kind {
            Kind::Param(id) => Some(id),
            _ => None,
        }
    }

    /// Whether the gradient of a slot was wanted.
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn wants_grad(&self, var: Var) -> bool {
        check_stamp(var, self.stamp);
        self.nodes[var.index()].wants_grad
    }

    /// What the backward pass left in a slot: the gradient of its value, or, where the operation multiplies its activation's derivative
    /// in place, the gradient in front of that activation. A linear layer with an activation does so, and this is the `delta` of
    /// textbooks. `None` where no path arrived.
    ///
    /// For statistics, not for arithmetic: exact gradients are those of leaves ([`Tape::grad`]) and of parameters.
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn delta(&self, var: Var) -> Option<ArrayView2<'_, T>> {
        check_stamp(var, self.stamp);
        let i = var.index();
        let node = &self.nodes[i];
        (self.written[i] && self.grads[i].len() == node.rows * node.cols).then(|| view(node, &self.grads[i]))
    }

    /// The activation that the operation of a slot ends with, if any.
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn act(&self, var: Var) -> Option<Act> {
        check_stamp(var, self.stamp);
        match self.nodes[var.index()].kind {
            Kind::Op => self.ops[var.index()].act(),
            _ => None,
        }
    }

    /// Writes the derivative of the activation at every value of a slot into `out`, row-major, times its dropout mask if it has one;
    /// says whether there is an activation whose derivative is at hand. `params` are those of the step.
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn slopes(&self, var: Var, params: &Params<T>, out: &mut Vec<T>) -> bool {
        check_stamp(var, self.stamp);
        let i = var.index();
        if self.act(var).is_none() {
            return false;
        }
        // What was lent has gone back: an operation that would read it says that it cannot.
        let lent = [&[][..]; LENT];
        let values = Values { params, nodes: &self.nodes, values: &self.values, lent, stamp: self.stamp };
        out.clear();
        out.resize(self.values[i].len(), T::one());
        self.ops[i].slopes(values, &self.values[i], &self.saved[i], out)
    }
}
