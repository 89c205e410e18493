//! The gradients of a step, with their marks, and the pending updates of buffers.

use std::ops::Range;
use std::sync::Arc;

use super::layout::{Layout, ParamId};
use super::values::Params;
use crate::aligned::AlignedVec;
use crate::kernel::{self, Par};
use crate::mode::Accum;
use crate::scalar::Scalar;

/// How a pending update changes its buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BufferUpdate {
    /// `buffer = (1 - momentum) * buffer + momentum * value`, as PyTorch's running statistics.
    Blend {
        /// Weight of the new value.
        momentum: f64,
    },
    /// `buffer += value`, for counters.
    Add,
}

#[derive(Clone, Debug)]
struct Pending {
    id: ParamId,
    update: BufferUpdate,
    range: Range<usize>,
}

/// Gradients of one step (or of several micro-batches), in the layout of the parameters.
///
/// Every parameter carries a *written* mark. What no path reached (frozen, unused, dead branch) stays unmarked, and norm, decay and
/// rule skip it, as PyTorch does for `grad = None`. Batch norm's running statistics travel here as pending updates, in order, so
/// that a loop written by hand cannot forget them: the optimizer's step applies them.
#[derive(Clone, Debug)]
pub struct Gradients<T: Scalar> {
    layout: Arc<Layout>,
    values: AlignedVec<T>,
    written: Vec<bool>,
    pending: Vec<Pending>,
    pending_values: Vec<T>,
}

impl<T: Scalar> Gradients<T> {
    /// Unmarked gradients for `params`.
    pub fn new(params: &Params<T>) -> Self {
        let layout = Arc::clone(params.layout());
        let values = AlignedVec::zeros(layout.trainable_len());
        let written = vec![false; layout.specs().len()];
        Self { layout, values, written, pending: Vec::new(), pending_values: Vec::new() }
    }

    /// Names, kinds, shapes and offsets.
    #[inline]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Forgets all marks and pending updates; the values stay and are overwritten by the next backward pass.
    pub fn clear(&mut self) {
        self.written.fill(false);
        self.pending.clear();
        self.pending_values.clear();
    }

    /// Whether a backward pass reached this parameter since the last [`Gradients::clear`].
    #[inline]
    pub fn is_written(&self, id: ParamId) -> bool {
        self.written[id.index()]
    }

    /// The gradient of one parameter, if a backward pass reached it.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout, or to a buffer.
    #[track_caller]
    pub fn get(&self, id: ParamId) -> Option<&[T]> {
        let range = self.trainable_range(id);
        self.written[id.index()].then(|| &self.values[range])
    }

    /// The place where a backward pass puts the gradient of `id`, and whether it replaces or adds; marks it as written.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout, or to a buffer.
    #[track_caller]
    pub fn slot(&mut self, id: ParamId) -> (&mut [T], Accum) {
        let range = self.trainable_range(id);
        let mark = &mut self.written[id.index()];
        let accum = if *mark { Accum::Add } else { Accum::Replace };
        *mark = true;
        (&mut self.values[range], accum)
    }

    #[track_caller]
    fn trainable_range(&self, id: ParamId) -> Range<usize> {
        let spec = self.layout.spec(id);
        assert!(!spec.is_buffer(), "`{}` is a buffer and has no gradient", spec.name);
        spec.range()
    }

    /// All values, written or not: read them together with [`Gradients::written`].
    #[inline]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// All values, to change.
    #[inline]
    pub fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// The written parameters and their ranges in [`Gradients::values`], in order of registration.
    pub fn written(&self) -> impl Iterator<Item = (ParamId, Range<usize>)> + '_ {
        self.layout.ids().filter(|id| self.written[id.index()]).map(|id| (id, self.layout.spec(id).range()))
    }

    /// Multiplies every written gradient by `factor`, for instance to average micro-batches.
    pub fn scale(&mut self, factor: f64) {
        let factor = T::of(factor);
        for (spec, written) in self.layout.specs().iter().zip(&self.written) {
            if *written {
                for v in &mut self.values[spec.range()] {
                    *v *= factor;
                }
            }
        }
    }

    /// Euclidean norm over all written gradients, summed in `f64` and in a fixed order.
    pub fn norm(&self) -> f64 {
        let mut sum = 0.0;
        for (_, range) in self.written() {
            sum += kernel::sum_of_squares(&self.values[range], Par::Auto);
        }
        sum.sqrt()
    }

    /// Notes an update of a buffer, applied in order by [`Gradients::apply_updates`]; returns where its value goes.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout, or is not a buffer.
    #[track_caller]
    pub fn push_update(&mut self, id: ParamId, update: BufferUpdate) -> &mut [T] {
        let spec = self.layout.spec(id);
        assert!(spec.is_buffer(), "`{}` is trained by its gradient: only buffers take pending updates", spec.name);
        let start = self.pending_values.len();
        let end = start + spec.len();
        self.pending_values.resize(end, T::zero());
        self.pending.push(Pending { id, update, range: start..end });
        &mut self.pending_values[start..end]
    }

    /// Number of updates of buffers that wait.
    pub fn pending_updates(&self) -> usize {
        self.pending.len()
    }

    /// Applies the pending updates of buffers to `params`, in order, and forgets them.
    pub fn apply_updates(&mut self, params: &mut Params<T>) {
        for p in &self.pending {
            let values = &self.pending_values[p.range.clone()];
            let buffer = params.get_mut(p.id);
            match p.update {
                BufferUpdate::Blend { momentum } => {
                    let (keep, take) = (T::of(1.0 - momentum), T::of(momentum));
                    for (b, v) in buffer.iter_mut().zip(values) {
                        *b = keep * *b + take * *v;
                    }
                }
                BufferUpdate::Add => {
                    for (b, v) in buffer.iter_mut().zip(values) {
                        *b += *v;
                    }
                }
            }
        }
        self.pending.clear();
        self.pending_values.clear();
    }
}
