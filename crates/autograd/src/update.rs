//! Updates of buffers: what a step learns beside gradients, such as running statistics.

use layerwise_tensor::{BufferUpdate, ParamId, Scalar};

use crate::graph::Graph;
use crate::op::Values;
use crate::tape::{Pending, Tape};
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// Notes an update of a buffer; `fill` writes its value. It travels in [`Gradients`](layerwise_tensor::Gradients) and the optimizer's step applies it.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout, or is not a buffer.
    #[track_caller]
    pub fn push_update(&mut self, id: ParamId, update: BufferUpdate, fill: impl FnOnce(&mut [T])) {
        let spec = self.params.layout().spec(id);
        assert!(spec.is_buffer(), "`{}` is trained by its gradient: only buffers take pending updates", spec.name);
        let start = self.tape.pending_values.len();
        let range = start..start + spec.len();
        self.tape.pending_values.resize(range.end, T::zero());
        fill(&mut self.tape.pending_values[range.clone()]);
        self.tape.pending.push(Pending { id, update, range });
    }

    /// As [`Graph::push_update`] with the value of `var`, one number for each of the buffer's.
    ///
    /// # Panics
    /// As [`Graph::push_update`], or if the sizes differ.
    #[track_caller]
    pub fn push_update_from(&mut self, id: ParamId, update: BufferUpdate, var: Var) {
        let (spec, shape) = (self.params.layout().spec(id), self.shape(var));
        assert!(
            shape.0 * shape.1 == spec.len(),
            "the buffer `{}` has {} values: {} cannot update it",
            spec.name,
            spec.len(),
            self.describe(var)
        );
        let start = self.tape.pending_values.len();
        self.push_update(id, update, |_| ());
        let Tape { nodes, values, pending_values, stamp, .. } = &mut *self.tape;
        let values = Values { params: self.params, nodes, values, lent: self.lent, stamp: *stamp };
        pending_values[start..].copy_from_slice(values.get(var));
    }
}
