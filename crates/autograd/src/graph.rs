//! One step on a tape.

use layerwise_tensor::kernel::Par;
use layerwise_tensor::{Accum, Gradients, Mode, ParamId, Params, Scalar, Stream};
use ndarray::ArrayView2;

use crate::node::{Kind, LENT};
use crate::op::{Backward, Forward, Grads, Op, Saved, Values, check_stamp};
use crate::tape::{SlotInfo, Tape, view};
use crate::var::Var;

/// One step: a forward pass being written onto a [`Tape`], and the door to its backward pass.
///
/// It borrows the parameters, so they cannot change between forward and backward: an optimizer's step does not compile before
/// [`Graph::backward`] or [`Graph::finish`] has consumed the graph. Shapes are matrices `(batch, features)`; operations check them
/// and panic with the operation, the shapes and the parameter's path.
#[derive(Debug)]
pub struct Graph<'a, T: Scalar> {
    pub(crate) tape: &'a mut Tape<T>,
    pub(crate) params: &'a Params<T>,
    pub(crate) mode: Mode,
    pub(crate) stream: Stream,
    pub(crate) par: Par,
    pub(crate) draws: u64,
    pub(crate) lent: [&'a [T]; LENT],
    lent_count: u8,
}

/// Setting.
impl<T: Scalar> Tape<T> {
    /// Begins a step: forgets the last one, keeps its memory.
    ///
    /// `stream` is the stream of this step, such as `root.child("dropout").at(step)`: its random operations read from it.
    pub fn graph<'a>(&'a mut self, params: &'a Params<T>, mode: Mode, stream: Stream) -> Graph<'a, T> {
        self.begin(params.layout());
        Graph { tape: self, params, mode, stream, par: Par::Auto, draws: 0, lent: [&[]; LENT], lent_count: 0 }
    }
}

impl<T: Scalar> Graph<'_, T> {
    /// Training or use.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The parameters of this step.
    pub fn params(&self) -> &Params<T> {
        self.params
    }

    /// The stream of this step.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// A stream of its own for the next random operation: the `k`-th call of a step gives the `k`-th child.
    pub fn next_stream(&mut self) -> Stream {
        let stream = self.stream.at(self.draws);
        self.draws += 1;
        stream
    }

    /// Whether operations may use the thread pool; [`Par::Auto`] at first. The bits do not depend on it.
    pub fn par(&self) -> Par {
        self.par
    }

    /// Changes [`Graph::par`].
    pub fn set_par(&mut self, par: Par) {
        self.par = par;
    }
}

/// Sources that are lent.
impl<'a, T: Scalar> Graph<'a, T> {
    /// `x` itself, read in place and without gradient: as [`Graph::input`], without the copy.
    ///
    /// Rows that do not lie one behind the other are copied, and from the fifth of a step on all are. What is not copied is not on the
    /// tape after the step: [`Tape::value`] gives `None`, as for a parameter.
    pub fn input_ref(&mut self, x: ArrayView2<'a, T>) -> Var {
        match (x.to_slice(), usize::from(self.lent_count)) {
            (Some(values), place) if place < LENT => {
                let (rows, cols) = x.dim();
                self.lent[place] = values;
                self.lent_count += 1;
                self.tape.open(rows, cols, Kind::Lent(self.lent_count - 1), false)
            }
            _ => self.input(x),
        }
    }
}

/// Sources.
impl<T: Scalar> Graph<'_, T> {
    /// A copy of `x`, without gradient.
    pub fn input(&mut self, x: ArrayView2<'_, T>) -> Var {
        self.source(x, false)
    }

    /// A matrix that `fill` writes straight into the slot, for instance a gathered batch; without gradient.
    ///
    /// `fill` gets all `rows * cols` values, row-major, with undefined content.
    pub fn input_from(&mut self, rows: usize, cols: usize, fill: impl FnOnce(&mut [T])) -> Var {
        let var = self.tape.open(rows, cols, Kind::Source, false);
        fill(&mut self.tape.values[var.index()]);
        var
    }

    /// A copy of `x` that wants a gradient: read it by [`Tape::grad`] after the backward pass.
    pub fn leaf(&mut self, x: ArrayView2<'_, T>) -> Var {
        self.source(x, true)
    }

    /// A constant `(rows, cols)` matrix, without gradient.
    pub fn constant(&mut self, rows: usize, cols: usize, value: f64) -> Var {
        self.input_from(rows, cols, |out| out.fill(T::of(value)))
    }

    fn source(&mut self, x: ArrayView2<'_, T>, wants_grad: bool) -> Var {
        let (rows, cols) = x.dim();
        let var = self.tape.open(rows, cols, Kind::Source, wants_grad);
        let value = &mut self.tape.values[var.index()];
        match x.as_slice() {
            Some(x) => value.copy_from_slice(x),
            None => value.iter_mut().zip(x).for_each(|(v, x)| *v = *x),
        }
        var
    }

    /// A parameter, read in place; its gradient goes to [`Gradients`] unless it is frozen or a buffer.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    pub fn param(&mut self, id: ParamId) -> Var {
        let spec = self.params.layout().spec(id);
        let wants_grad = !spec.is_buffer() && !self.params.is_frozen(id);
        self.tape.open(spec.rows, spec.cols, Kind::Param(id), wants_grad)
    }

    /// The values of a buffer, such as running statistics.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    pub fn buffer(&self, id: ParamId) -> &[T] {
        self.params.get(id)
    }
}

/// Reading.
impl<T: Scalar> Graph<'_, T> {
    /// Rows and columns of `var`.
    ///
    /// # Panics
    /// If `var` belongs to another tape or step, as every method that takes a [`Var`].
    #[track_caller]
    pub fn shape(&self, var: Var) -> (usize, usize) {
        check_stamp(var, self.tape.stamp);
        self.tape.nodes[var.index()].shape()
    }

    /// The value of `var`.
    ///
    /// # Panics
    /// If `var` belongs to another tape or step.
    #[track_caller]
    pub fn value(&self, var: Var) -> ArrayView2<'_, T> {
        view(&self.tape.nodes[var.index()], self.slice(var))
    }

    /// The value of `var`, row-major.
    ///
    /// # Panics
    /// If `var` belongs to another tape or step.
    #[track_caller]
    pub fn slice(&self, var: Var) -> &[T] {
        self.values().get(var)
    }

    /// The value of a `1 x 1` matrix, such as a loss.
    ///
    /// # Panics
    /// If `var` has another shape.
    #[track_caller]
    pub fn scalar(&self, var: Var) -> f64 {
        assert_eq!(self.shape(var), (1, 1), "{} is no single number", self.describe(var));
        self.slice(var)[0].as_f64()
    }

    /// Whether a gradient of `var` is wanted by any parameter or leaf below it.
    #[track_caller]
    pub fn wants_grad(&self, var: Var) -> bool {
        check_stamp(var, self.tape.stamp);
        self.tape.nodes[var.index()].wants_grad
    }

    fn values(&self) -> Values<'_, T> {
        let tape = &self.tape;
        Values { params: self.params, nodes: &tape.nodes, values: &tape.values, lent: self.lent, stamp: tape.stamp }
    }
}

/// Names for messages and probes; they allocate nothing in the steady state.
impl<T: Scalar> Graph<'_, T> {
    /// Opens a scope: slots made until [`Graph::leave`] carry its path, such as `encoder.0`.
    pub fn enter(&mut self, name: &str) {
        self.tape.labels.enter(name);
    }

    /// Closes the innermost scope.
    ///
    /// # Panics
    /// If none is open.
    #[track_caller]
    pub fn leave(&mut self) {
        assert!(self.tape.labels.leave(), "`leave` without a scope opened by `enter`");
    }

    /// Calls the slot of `var` by `name`, below the open scopes: [`Tape::find`] finds it after the step.
    #[track_caller]
    pub fn name(&mut self, var: Var, name: &str) {
        check_stamp(var, self.tape.stamp);
        let label = self.tape.labels.join(name);
        self.tape.nodes[var.index()].label = label;
    }

    /// What slot `var` is.
    #[track_caller]
    pub fn slot(&self, var: Var) -> SlotInfo {
        self.tape.slot(var)
    }

    /// As [`Tape::first_non_finite`], but looks at the parameters read so far too.
    pub fn first_non_finite(&self) -> Option<SlotInfo> {
        let stamp = self.tape.stamp;
        let broken = |i: &usize| self.slice(Var::new(*i, stamp)).iter().any(|v| !v.is_finite());
        (0..self.tape.nodes.len()).find(broken).map(|i| self.tape.info(i))
    }

    /// Operation, path and shape of `var`, for messages.
    #[track_caller]
    pub fn describe(&self, var: Var) -> String {
        self.tape.slot(var).to_string()
    }

    /// Panics with the operation, the reason and what `vars` are, unless `ok`.
    ///
    /// # Panics
    /// Unless `ok`.
    #[track_caller]
    pub fn require(&self, ok: bool, op: &str, vars: &[Var], reason: &str) {
        if !ok {
            let what: Vec<String> = vars.iter().map(|v| self.describe(*v)).collect();
            panic!("{op}: {reason}: {}", what.join(" against "));
        }
    }
}

/// Operations and the passes.
impl<T: Scalar> Graph<'_, T> {
    /// Computes `op` with a result of `rows x cols` and puts it on the tape; users' own operations too.
    ///
    /// # Panics
    /// If an input belongs to another tape or step.
    #[track_caller]
    pub fn push<O: Op<T> + Copy>(&mut self, op: O, rows: usize, cols: usize) -> Var {
        self.push_with(op, rows, cols, |_| ())
    }

    /// As [`Graph::push`]; `prepare` first fills the slot's saved buffers, for instance with labels.
    ///
    /// # Panics
    /// If an input belongs to another tape or step.
    #[track_caller]
    pub fn push_with<O: Op<T> + Copy>(
        &mut self,
        op: O,
        rows: usize,
        cols: usize,
        prepare: impl FnOnce(&mut Saved<T>),
    ) -> Var {
        let mut wants_grad = false;
        for v in op.inputs().iter() {
            check_stamp(v, self.tape.stamp);
            wants_grad |= self.tape.nodes[v.index()].wants_grad;
        }
        wants_grad &= op.passes_gradient();
        let var = self.tape.open(rows, cols, Kind::Op, wants_grad);
        let i = var.index();
        self.tape.place(i, op);
        let Tape { nodes, values, saved, scratch, stamp, products, .. } = &mut *self.tape;
        let (earlier, rest) = values.split_at_mut(i);
        let saved = &mut saved[i];
        prepare(saved);
        op.forward(&mut Forward {
            values: Values { params: self.params, nodes, values: earlier, lent: self.lent, stamp: *stamp },
            rows,
            cols,
            y: &mut rest[0],
            saved,
            scratch,
            wants_grad,
            mode: self.mode,
            par: self.par,
            products,
        });
        var
    }

    /// The backward pass from a `1 x 1` loss and the penalties of the step ([`Graph::penalize`]): gradients of parameters go to `grads`;
    /// returns the total.
    ///
    /// [`Accum::Replace`] forgets what `grads` held; [`Accum::Add`] adds, for micro-batches. Pending updates of buffers move into
    /// `grads`. Parameters that no path reaches stay unmarked.
    ///
    /// # Panics
    /// If `loss` is no single number, or `grads` is of another layout.
    #[track_caller]
    pub fn backward(mut self, loss: Var, grads: &mut Gradients<T>, accum: Accum) -> f64 {
        let loss = self.total(loss);
        let value = self.scalar(loss);
        self.backward_from(loss, &[T::one()], grads, accum);
        value
    }

    /// The backward pass from any value with a given gradient `dy`, row-major: the vector-Jacobian product. Penalties take no part.
    ///
    /// # Panics
    /// If `dy` has not the size of `y`, or `grads` is of another layout.
    #[track_caller]
    pub fn backward_from(mut self, y: Var, dy: &[T], grads: &mut Gradients<T>, accum: Accum) {
        self.walk_back(y, dy, grads, accum, |_, _| true);
    }

    /// The walk of all backward passes; `go_on` looks at the gradients that an operation has just handed on and may end the walk there.
    /// Returns the position of the operation it ended at.
    #[track_caller]
    pub(crate) fn walk_back(
        &mut self,
        y: Var,
        dy: &[T],
        grads: &mut Gradients<T>,
        accum: Accum,
        go_on: impl Fn(&dyn Op<T>, &Grads<'_, T>) -> bool,
    ) -> Option<usize> {
        let (rows, cols) = self.shape(y);
        assert_eq!(dy.len(), rows * cols, "backward: {} values of gradient for {}", dy.len(), self.describe(y));
        self.check_layout(grads);
        if accum == Accum::Replace {
            grads.clear();
        }
        let Graph { tape, params, mode, par, lent, .. } = self;
        let (params, mode, par, lent) = (*params, *mode, *par, *lent);
        let Tape { nodes, ops, values, grads: slots, saved, written, scratch, stamp, products, .. } = &mut **tape;
        let (nodes, values, stamp) = (nodes.as_slice(), values.as_slice(), *stamp);
        written.fill(false);
        let last = y.index();
        let mut seed = Grads { nodes, slots: &mut slots[..=last], written, params: grads, stamp };
        if let Some((place, accum)) = seed.get(y) {
            match accum {
                Accum::Replace => place.copy_from_slice(dy),
                Accum::Add => place.iter_mut().zip(dy).for_each(|(p, d)| *p += *d),
            }
        }
        for i in (0..=last).rev() {
            if !written[i] || !matches!(nodes[i].kind, Kind::Op) {
                continue;
            }
            let (below, here) = slots.split_at_mut(i);
            let mut pass = Backward {
                values: Values { params, nodes, values, lent, stamp },
                rows: nodes[i].rows,
                cols: nodes[i].cols,
                y: &values[i],
                dy: &mut here[0],
                saved: &mut saved[i],
                scratch,
                grads: Grads { nodes, slots: below, written, params: grads, stamp },
                mode,
                par,
                products,
            };
            ops[i].backward(&mut pass);
            if !go_on(&*ops[i], &pass.grads) {
                return Some(i);
            }
        }
        tape.hand_over_updates(grads);
        None
    }

    /// Ends the step without a backward pass: pending updates of buffers move into `grads`, whose marks are forgotten.
    ///
    /// # Panics
    /// If `grads` is of another layout.
    #[track_caller]
    pub fn finish(self, grads: &mut Gradients<T>) {
        self.check_layout(grads);
        grads.clear();
        self.tape.hand_over_updates(grads);
    }

    #[track_caller]
    fn check_layout(&self, grads: &Gradients<T>) {
        let (ours, theirs) = (self.params.layout(), grads.layout());
        assert!(
            std::sync::Arc::ptr_eq(ours, theirs) || ours.same_shape(theirs),
            "the gradients have another layout than the parameters of this graph: make them by `Gradients::new(&params)`"
        );
    }
}
