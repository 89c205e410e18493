//! What an operation is, and what it sees of the tape in each direction.

use std::any::Any;

use layerwise_tensor::kernel::Par;
use layerwise_tensor::{Accum, AlignedVec, Gradients, Mode, ParamId, Params, Scalar};

use crate::act::Act;
use crate::node::{Kind, LENT, Node};
use crate::var::{Inputs, Var};

/// An operation on the tape: a small `Copy` struct of [`Var`]s and numbers; masks and labels live in its slot's [`Saved`].
///
/// Users add their own and put them on a tape by [`crate::Graph::push`].
///
/// ```
/// use layerwise_autograd::{Backward, Forward, Inputs, Op, Var};
/// use layerwise_tensor::{Accum, Scalar};
///
/// /// `y = x³`.
/// #[derive(Clone, Copy)]
/// struct Cube {
///     x: Var,
/// }
///
/// impl<T: Scalar> Op<T> for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn inputs(&self) -> Inputs {
///         Inputs::new(&[self.x])
///     }
///     fn forward(&self, f: &mut Forward<'_, T>) {
///         for (y, x) in f.y.iter_mut().zip(f.values.get(self.x)) {
///             *y = *x * *x * *x;
///         }
///     }
///     fn backward(&self, b: &mut Backward<'_, T>) {
///         let x = b.values.get(self.x);
///         if let Some((dx, accum)) = b.grads.get(self.x) {
///             for ((dx, dy), x) in dx.iter_mut().zip(b.dy.iter()).zip(x) {
///                 let d = T::of(3.0) * *x * *x * *dy;
///                 *dx = if accum == Accum::Add { *dx + d } else { d };
///             }
///         }
///     }
/// }
/// ```
pub trait Op<T: Scalar>: Any + Send {
    /// Name in panics and diagnostics.
    fn name(&self) -> &'static str;

    /// The values it reads; those that want a gradient make the result want one.
    fn inputs(&self) -> Inputs;

    /// Writes the whole of `f.y`, whose old content is undefined.
    fn forward(&self, f: &mut Forward<'_, T>);

    /// Hands `b.dy` on to the inputs: for each, asks [`Grads::get`] where its gradient goes and whether to replace or to add.
    ///
    /// `b.dy` may be destroyed. An operation that reads one value through two inputs asks twice: the second time it adds.
    fn backward(&self, b: &mut Backward<'_, T>);

    /// Whether gradients pass at all; `false` cuts them off (see [`crate::Graph::detach`]).
    fn passes_gradient(&self) -> bool {
        true
    }

    /// The activation its value ends with, if any: for probes ([`crate::Tape::act`]).
    fn act(&self) -> Option<Act> {
        None
    }

    /// Multiplies `out`, all ones, by the derivative of its activation at every value: for probes ([`crate::Tape::slopes`]).
    /// Says whether it could.
    fn slopes(&self, _values: Values<'_, T>, _y: &[T], _saved: &Saved<T>, _out: &mut [T]) -> bool {
        false
    }
}

/// Read access to the values of a step: `Copy`, so that it can be held while gradients are written.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a, T: Scalar> {
    pub(crate) params: &'a Params<T>,
    pub(crate) nodes: &'a [Node],
    pub(crate) values: &'a [AlignedVec<T>],
    pub(crate) lent: [&'a [T]; LENT],
    pub(crate) stamp: u32,
}

impl<'a, T: Scalar> Values<'a, T> {
    /// The value of `var`, row-major.
    ///
    /// # Panics
    /// If `var` belongs to another tape or step.
    #[track_caller]
    pub fn get(&self, var: Var) -> &'a [T] {
        check_stamp(var, self.stamp);
        match self.nodes[var.index()].kind {
            Kind::Param(id) => self.params.get(id),
            Kind::Lent(place) => self.lent[usize::from(place)],
            _ => &self.values[var.index()],
        }
    }

    /// Rows and columns of `var`.
    ///
    /// # Panics
    /// If `var` belongs to another tape or step.
    #[track_caller]
    pub fn shape(&self, var: Var) -> (usize, usize) {
        check_stamp(var, self.stamp);
        self.nodes[var.index()].shape()
    }

    /// A parameter or buffer by its id, such as running statistics.
    #[track_caller]
    pub fn buffer(&self, id: ParamId) -> &'a [T] {
        self.params.get(id)
    }
}

/// Write access to the gradients of an operation's inputs.
#[derive(Debug)]
pub struct Grads<'a, T: Scalar> {
    pub(crate) nodes: &'a [Node],
    pub(crate) slots: &'a mut [AlignedVec<T>],
    pub(crate) written: &'a mut [bool],
    pub(crate) params: &'a mut Gradients<T>,
    pub(crate) stamp: u32,
}

impl<T: Scalar> Grads<'_, T> {
    /// Whether a gradient of `var` is wanted at all.
    #[track_caller]
    pub fn wants(&self, var: Var) -> bool {
        check_stamp(var, self.stamp);
        self.nodes[var.index()].wants_grad
    }

    /// Where the gradient of `var` goes, and whether to replace what is there or to add to it; `None` where none is wanted.
    ///
    /// Whoever asks must write: the place counts as written from now on, and under [`Accum::Replace`] its content is undefined.
    ///
    /// # Panics
    /// If `var` belongs to another tape or step, or is no input of the operation that asks.
    #[track_caller]
    pub fn get(&mut self, var: Var) -> Option<(&mut [T], Accum)> {
        check_stamp(var, self.stamp);
        let i = var.index();
        let node = &self.nodes[i];
        if !node.wants_grad {
            return None;
        }
        if let Kind::Param(id) = node.kind {
            return Some(self.params.slot(id));
        }
        assert!(i < self.slots.len(), "an operation asked for the gradient of a value that comes after it");
        let accum = if self.written[i] { Accum::Add } else { Accum::Replace };
        self.written[i] = true;
        let slot = &mut self.slots[i];
        slot.resize(node.rows * node.cols, T::zero());
        Some((slot, accum))
    }
}

/// What a slot keeps between forward and backward; the buffers keep their memory from step to step.
#[derive(Debug)]
pub struct Saved<T: Scalar> {
    /// Three buffers of elements, for an operation to size as it needs.
    pub values: [AlignedVec<T>; 3],
    /// Labels or positions.
    pub indices: Vec<u32>,
}

impl<T: Scalar> Default for Saved<T> {
    fn default() -> Self {
        Self { values: [AlignedVec::new(), AlignedVec::new(), AlignedVec::new()], indices: Vec::new() }
    }
}

impl<T: Scalar> Saved<T> {
    /// The three buffers with these lengths; their content is undefined.
    pub fn sized(&mut self, lens: [usize; 3]) -> [&mut [T]; 3] {
        let mut lens = lens.into_iter();
        self.values.each_mut().map(|v| {
            v.resize(lens.next().unwrap_or(0), T::zero());
            &mut **v
        })
    }

    /// The three buffers as they are.
    pub fn get(&self) -> [&[T]; 3] {
        self.values.each_ref().map(|v| &**v)
    }
}

/// What an operation sees while it computes its value.
#[derive(Debug)]
pub struct Forward<'a, T: Scalar> {
    /// The values computed so far.
    pub values: Values<'a, T>,
    /// Rows of the result.
    pub rows: usize,
    /// Columns of the result.
    pub cols: usize,
    /// The result, to write.
    pub y: &'a mut [T],
    /// What to keep for the backward pass.
    pub saved: &'a mut Saved<T>,
    /// Working space, undefined content, any size.
    pub scratch: &'a mut AlignedVec<T>,
    /// Whether a backward pass may come back to this operation: if not, nothing need be saved.
    pub wants_grad: bool,
    /// Training or use.
    pub mode: Mode,
    /// Whether the operation may use the thread pool.
    pub par: Par,
    /// Logical matrix products so far in this step.
    pub products: &'a mut u64,
}

/// What an operation sees while it hands its gradient on.
#[derive(Debug)]
pub struct Backward<'a, T: Scalar> {
    /// All values of the step.
    pub values: Values<'a, T>,
    /// Rows of the result.
    pub rows: usize,
    /// Columns of the result.
    pub cols: usize,
    /// The result as the forward pass left it.
    pub y: &'a [T],
    /// The gradient of the result, complete; may be destroyed.
    pub dy: &'a mut [T],
    /// What the forward pass kept.
    pub saved: &'a mut Saved<T>,
    /// Working space, undefined content, any size.
    pub scratch: &'a mut AlignedVec<T>,
    /// The gradients of the inputs.
    pub grads: Grads<'a, T>,
    /// Training or use.
    pub mode: Mode,
    /// Whether the operation may use the thread pool.
    pub par: Par,
    /// Logical matrix products so far in this step.
    pub products: &'a mut u64,
}

#[track_caller]
#[inline]
pub(crate) fn check_stamp(var: Var, stamp: u32) {
    assert!(
        var.stamp() == stamp,
        "variable {} belongs to another tape or to an earlier step: a Var lives from `tape.graph(..)` to the next",
        var.index(),
    );
}
