//! The values of a model's parameters.

use std::sync::Arc;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::layout::{Layout, ParamId};
use crate::aligned::AlignedVec;
use crate::scalar::Scalar;
use crate::stream::Stream;

/// The parameters of a model: one flat buffer of trainable values, one of buffers (running statistics).
#[derive(Clone, Debug)]
pub struct Params<T: Scalar> {
    layout: Arc<Layout>,
    trainable: AlignedVec<T>,
    buffers: AlignedVec<T>,
    frozen: Vec<bool>,
}

impl<T: Scalar> Params<T> {
    /// All zero, for values that come from elsewhere, such as a file.
    pub fn zeros(layout: impl Into<Arc<Layout>>) -> Self {
        let layout = layout.into();
        let trainable = AlignedVec::zeros(layout.trainable_len());
        let buffers = AlignedVec::zeros(layout.buffer_len());
        let frozen = vec![false; layout.specs().len()];
        Self { layout, trainable, buffers, frozen }
    }

    /// Draws first values for every entry of `layout`; each parameter reads a stream of its own, named by its path.
    pub fn init(layout: impl Into<Arc<Layout>>, stream: &Stream) -> Self {
        let mut params = Self::zeros(layout);
        let Self { layout, trainable, buffers, .. } = &mut params;
        let longest = layout.specs().iter().map(|s| s.len()).max().unwrap_or(0);
        let mut scratch = vec![0.0f64; longest];
        for spec in layout.specs() {
            let drawn = &mut scratch[..spec.len()];
            spec.initializer.fill(spec.rows, spec.cols, &stream.child(&spec.name), drawn);
            let place = if spec.is_buffer() { &mut buffers[spec.range()] } else { &mut trainable[spec.range()] };
            for (v, d) in place.iter_mut().zip(drawn.iter()) {
                *v = T::of(*d);
            }
        }
        params
    }

    /// The same parameters in another element type.
    pub fn cast<U: Scalar>(&self) -> Params<U> {
        let cast = |values: &[T]| values.iter().map(|v| U::of(v.as_f64())).collect();
        Params {
            layout: Arc::clone(&self.layout),
            trainable: cast(&self.trainable),
            buffers: cast(&self.buffers),
            frozen: self.frozen.clone(),
        }
    }

    /// Names, kinds, shapes and offsets.
    #[inline]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Values of one parameter, row-major.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    #[inline]
    pub fn get(&self, id: ParamId) -> &[T] {
        let spec = self.layout.spec(id);
        if spec.is_buffer() { &self.buffers[spec.range()] } else { &self.trainable[spec.range()] }
    }

    /// Values of one parameter, row-major, to change.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    #[inline]
    pub fn get_mut(&mut self, id: ParamId) -> &mut [T] {
        let spec = self.layout.spec(id);
        if spec.is_buffer() { &mut self.buffers[spec.range()] } else { &mut self.trainable[spec.range()] }
    }

    /// One parameter as a matrix `(rows, cols)`; a weight is `(in, out)`.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    pub fn view(&self, id: ParamId) -> ArrayView2<'_, T> {
        let spec = self.layout.spec(id);
        let shape = (spec.rows, spec.cols);
        ArrayView2::from_shape(shape, self.get(id)).unwrap_or_else(|_| unreachable!("the layout fixes the length"))
    }

    /// One parameter as a matrix `(rows, cols)`, to change.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    pub fn view_mut(&mut self, id: ParamId) -> ArrayViewMut2<'_, T> {
        let spec = self.layout.spec(id);
        let shape = (spec.rows, spec.cols);
        ArrayViewMut2::from_shape(shape, self.get_mut(id))
            .unwrap_or_else(|_| unreachable!("the layout fixes the length"))
    }

    /// All trainable values, in order of registration.
    #[inline]
    pub fn trainable(&self) -> &[T] {
        &self.trainable
    }

    /// All trainable values, to change.
    #[inline]
    pub fn trainable_mut(&mut self) -> &mut [T] {
        &mut self.trainable
    }

    /// All buffers, in order of registration.
    #[inline]
    pub fn buffers(&self) -> &[T] {
        &self.buffers
    }

    /// All buffers, to change.
    #[inline]
    pub fn buffers_mut(&mut self) -> &mut [T] {
        &mut self.buffers
    }

    /// Whether `id` is kept as it is by backward passes and optimizers.
    #[inline]
    pub fn is_frozen(&self, id: ParamId) -> bool {
        self.frozen[id.index()]
    }

    /// Freezes or thaws one parameter.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    pub fn set_frozen(&mut self, id: ParamId, frozen: bool) {
        self.layout.spec(id);
        self.frozen[id.index()] = frozen;
    }

    /// Freezes or thaws every parameter whose path is `prefix` or lies below it; returns how many.
    pub fn set_frozen_below(&mut self, prefix: &str, frozen: bool) -> usize {
        let mut count = 0;
        for (spec, mark) in self.layout.specs().iter().zip(&mut self.frozen) {
            let below = spec
                .name
                .strip_prefix(prefix)
                .is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('.'));
            if below {
                *mark = frozen;
                count += 1;
            }
        }
        count
    }

    /// Copies all values from `other`, which has the same layout; allocates nothing.
    ///
    /// # Panics
    /// If the layouts differ in length.
    #[track_caller]
    pub fn copy_from(&mut self, other: &Params<T>) {
        assert_eq!(self.trainable.len(), other.trainable.len(), "copying parameters between layouts of different size");
        assert_eq!(self.buffers.len(), other.buffers.len(), "copying buffers between layouts of different size");
        self.trainable.copy_from_slice(&other.trainable);
        self.buffers.copy_from_slice(&other.buffers);
    }

    /// Little-endian bytes of all trainable values, then of all buffers: what "the same bits" means.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity((self.trainable.len() + self.buffers.len()) * T::DTYPE.size());
        T::extend_le_bytes(&self.trainable, &mut out);
        T::extend_le_bytes(&self.buffers, &mut out);
        out
    }
}
