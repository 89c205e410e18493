//! The memory of a computation, slot by slot.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use layerwise_tensor::{AlignedVec, BufferUpdate, Gradients, Layout, ParamId, Scalar};
use ndarray::ArrayView2;

use crate::labels::Labels;
use crate::node::{Kind, Node};
use crate::op::{Backward, Forward, Op, Saved, check_stamp};
use crate::var::{Inputs, Var};

/// Stamps are unique over all tapes and steps (up to 2³² steps), so that a stale [`Var`] is seen.
static NEXT_STAMP: AtomicU32 = AtomicU32::new(1);

/// The memory of a computation: slots that keep their operation, value, gradient and saved buffers from step to step.
///
/// The `i`-th operation of a step overwrites slot `i` in place. Once the sizes have been seen, a step of the same structure
/// allocates nothing; a smaller last batch shrinks within capacity; a changed structure costs one allocation, not an error.
///
/// ```
/// use layerwise_autograd::Tape;
/// use layerwise_tensor::{Accum, Constant, Gradients, Layout, Mode, ParamKind, Params, Stream};
/// use ndarray::array;
///
/// let mut layout = Layout::new();
/// let w = layout.scope().param("w", ParamKind::Weight, 2, 1, Constant(0.5));
/// let params = Params::<f64>::init(layout, &Stream::new(1));
/// let mut grads = Gradients::new(&params);
/// let mut tape = Tape::new();
///
/// let mut g = tape.graph(&params, Mode::Train, Stream::new(1).at(0));
/// let x = g.input(array![[1.0, 2.0]].view());
/// let w_var = g.param(w);
/// let y = g.linear(x, w_var, None);
/// let loss = g.square(y);
/// assert_eq!(g.backward(loss, &mut grads, Accum::Replace), 2.25);
/// assert_eq!(grads.get(w), Some(&[3.0, 6.0][..]));
/// ```
pub struct Tape<T: Scalar> {
    pub(crate) stamp: u32,
    /// Slots in use: the length of this step. The other vectors only grow.
    pub(crate) nodes: Vec<Node>,
    pub(crate) ops: Vec<Box<dyn Op<T>>>,
    pub(crate) values: Vec<AlignedVec<T>>,
    pub(crate) grads: Vec<AlignedVec<T>>,
    pub(crate) saved: Vec<Saved<T>>,
    pub(crate) written: Vec<bool>,
    pub(crate) scratch: AlignedVec<T>,
    pub(crate) pending: Vec<Pending>,
    pub(crate) pending_values: Vec<T>,
    /// What [`crate::Graph::penalize`] noted and no total has taken yet.
    pub(crate) penalties: Vec<Var>,
    pub(crate) skip_penalties: bool,
    pub(crate) labels: Labels,
    pub(crate) products: u64,
    layout: Option<Arc<Layout>>,
}

/// An update of a buffer that waits for the end of the step.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: ParamId,
    pub(crate) update: BufferUpdate,
    pub(crate) range: Range<usize>,
}

impl<T: Scalar> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self {
            stamp: 0,
            nodes: Vec::new(),
            ops: Vec::new(),
            values: Vec::new(),
            grads: Vec::new(),
            saved: Vec::new(),
            written: Vec::new(),
            scratch: AlignedVec::new(),
            pending: Vec::new(),
            pending_values: Vec::new(),
            penalties: Vec::new(),
            skip_penalties: false,
            labels: Labels::default(),
            products: 0,
            layout: None,
        }
    }

    /// Forgets the last step, keeps its memory; the next one reads parameters of `layout`.
    pub(crate) fn begin(&mut self, layout: &Arc<Layout>) {
        self.stamp = NEXT_STAMP.fetch_add(1, Ordering::Relaxed);
        self.nodes.clear();
        self.pending.clear();
        self.pending_values.clear();
        self.penalties.clear();
        self.skip_penalties = false;
        self.labels.clear();
        self.products = 0;
        if !self.layout.as_ref().is_some_and(|l| Arc::ptr_eq(l, layout)) {
            self.layout = Some(Arc::clone(layout));
        }
    }

    /// Number of slots of the last step.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the last step computed nothing, or there was none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Logical matrix products of the last step: `3 L - 1` for `L` linear layers trained on an input without gradient.
    pub fn products(&self) -> u64 {
        self.products
    }

    /// A value of the last step; `None` for a parameter, which lies in its [`Params`](layerwise_tensor::Params), and for a matrix that
    /// was lent by [`input_ref`](crate::Graph::input_ref).
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn value(&self, var: Var) -> Option<ArrayView2<'_, T>> {
        check_stamp(var, self.stamp);
        let node = &self.nodes[var.index()];
        match node.kind {
            Kind::Param(_) | Kind::Lent(_) => None,
            _ => Some(view(node, &self.values[var.index()])),
        }
    }

    /// The gradient of a [`leaf`](crate::Graph::leaf) after the backward pass, if a path reached it.
    ///
    /// Gradients of other slots are working memory of the backward pass: read those of leaves only.
    ///
    /// # Panics
    /// If `var` is not a leaf of the last step.
    #[track_caller]
    pub fn grad(&self, var: Var) -> Option<ArrayView2<'_, T>> {
        check_stamp(var, self.stamp);
        let node = &self.nodes[var.index()];
        assert!(
            matches!(node.kind, Kind::Source),
            "only a leaf keeps its gradient: make it with `graph.leaf`; gradients of parameters are in `Gradients`"
        );
        (node.wants_grad && self.written[var.index()]).then(|| view(node, &self.grads[var.index()]))
    }

    /// The last slot called `path` by [`name`](crate::Graph::name) or made in that scope, for probes.
    pub fn find(&self, path: &str) -> Option<Var> {
        let is = |n: &Node| self.labels.get(n.label) == Some(path);
        self.nodes.iter().rposition(is).map(|i| Var::new(i, self.stamp))
    }

    /// What slot `var` is.
    ///
    /// # Panics
    /// If `var` is not of the last step.
    #[track_caller]
    pub fn slot(&self, var: Var) -> SlotInfo {
        check_stamp(var, self.stamp);
        self.info(var.index())
    }

    /// The first slot of the last step whose value is not finite: where a divergence began.
    ///
    /// Values of parameters and of lent matrices are not looked at, since they lie elsewhere: a broken weight shows in the layer that reads it.
    pub fn first_non_finite(&self) -> Option<SlotInfo> {
        let broken = |i: &usize| {
            !matches!(self.nodes[*i].kind, Kind::Param(_) | Kind::Lent(_))
                && self.values[*i].iter().any(|v| !v.is_finite())
        };
        (0..self.nodes.len()).find(broken).map(|i| self.info(i))
    }

    pub(crate) fn info(&self, index: usize) -> SlotInfo {
        let node = &self.nodes[index];
        let path = |id: ParamId| self.layout.as_ref().map(|l| l.spec(id).name.clone());
        let (op, param) = match node.kind {
            Kind::Source | Kind::Lent(_) => ("input", None),
            Kind::Param(id) => ("parameter", path(id)),
            Kind::Op => {
                let op = &self.ops[index];
                let id = op.inputs().iter().find_map(|v| match self.nodes[v.index()].kind {
                    Kind::Param(id) => Some(id),
                    _ => None,
                });
                (op.name(), id.and_then(path))
            }
        };
        let label = self.labels.get(node.label).map(str::to_owned);
        SlotInfo { index, op, label, param, rows: node.rows, cols: node.cols }
    }

    /// Opens the next slot with its value buffer sized; the old content of the value is undefined.
    pub(crate) fn open(&mut self, rows: usize, cols: usize, kind: Kind, wants_grad: bool) -> Var {
        let i = self.nodes.len();
        let label = self.labels.current();
        self.nodes.push(Node { rows, cols, kind, wants_grad, label });
        if i == self.values.len() {
            self.ops.push(Box::new(Nothing));
            self.values.push(AlignedVec::new());
            self.grads.push(AlignedVec::new());
            self.saved.push(Saved::default());
            self.written.push(false);
        }
        self.written[i] = false;
        let len = if matches!(kind, Kind::Param(_) | Kind::Lent(_)) { 0 } else { rows * cols };
        self.values[i].resize(len, T::zero());
        Var::new(i, self.stamp)
    }

    /// Puts `op` into slot `i`: in place where the slot held an operation of that type before.
    pub(crate) fn place<O: Op<T> + Copy>(&mut self, i: usize, op: O) {
        let slot: &mut dyn Any = self.ops[i].as_mut();
        match slot.downcast_mut::<O>() {
            Some(place) => *place = op,
            None => self.ops[i] = Box::new(op),
        }
    }

    /// Hands the waiting updates of buffers over, in order.
    pub(crate) fn hand_over_updates(&mut self, grads: &mut Gradients<T>) {
        for p in self.pending.drain(..) {
            grads.push_update(p.id, p.update).copy_from_slice(&self.pending_values[p.range]);
        }
        self.pending_values.clear();
    }
}

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.nodes.len()).map(|i| self.info(i))).finish()
    }
}

/// What a slot is, for messages and probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// Position on the tape.
    pub index: usize,
    /// Name of its operation; `input` or `parameter` where there is none.
    pub op: &'static str,
    /// Its name or the scope it was made in, if any.
    pub label: Option<String>,
    /// Path of the first parameter it reads, if any.
    pub param: Option<String>,
    /// Rows of its value.
    pub rows: usize,
    /// Columns of its value.
    pub cols: usize,
}

impl fmt::Display for SlotInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (slot {}", self.op, self.index)?;
        if let Some(label) = &self.label {
            write!(f, " of `{label}`")?;
        }
        if let Some(param) = &self.param {
            write!(f, ", `{param}`")?;
        }
        write!(f, ", {} x {})", self.rows, self.cols)
    }
}

pub(crate) fn view<'a, T: Scalar>(node: &Node, values: &'a [T]) -> ArrayView2<'a, T> {
    ArrayView2::from_shape(node.shape(), values).unwrap_or_else(|_| unreachable!("a slot has the length of its shape"))
}

/// What a slot holds before its first operation.
#[derive(Clone, Copy)]
struct Nothing;

impl<T: Scalar> Op<T> for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }
    fn inputs(&self) -> Inputs {
        Inputs::default()
    }
    fn forward(&self, _: &mut Forward<'_, T>) {}
    fn backward(&self, _: &mut Backward<'_, T>) {}
}
