//! Gathering the rows of a batch.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::{Target, Weights};
use layerwise_tensor::Scalar;
use ndarray::{ArrayView2, s};

use crate::data::{Samples, Targets};

/// Memory for the targets of a batch and their weights; it is allocated once and reused from step to step.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    labels: Vec<u32>,
    values: Vec<T>,
    weights: Vec<T>,
    mask: Vec<T>,
}

impl<T: Scalar> Batch<T> {
    pub(crate) fn new() -> Self {
        Self { labels: Vec::new(), values: Vec::new(), weights: Vec::new(), mask: Vec::new() }
    }

    /// Copies the rows `order` of the features straight onto the tape, and those of the targets and of their
    /// weights into this memory.
    pub(crate) fn gather<'b>(
        &'b mut self,
        g: &mut Graph<'_, T>,
        samples: &Samples<'_, T>,
        order: &[usize],
    ) -> (Var, Target<'b, T>, Weights<'b, T>) {
        let inputs = samples.inputs();
        let x = g.input_from(order.len(), inputs.ncols(), |out| gather_rows(inputs, order, out));
        let target = match samples.targets() {
            Targets::Inputs => Target::Var(x),
            Targets::Labels(labels) => {
                self.labels.clear();
                self.labels.extend(order.iter().map(|i| labels[*i]));
                Target::Labels(&self.labels)
            }
            Targets::Values(values) => Target::Values(gather_into(&mut self.values, values, order)),
        };
        let mut weights = match samples.target_mask() {
            Some(mask) => Weights::of_values(gather_into(&mut self.mask, mask, order)),
            None => Weights::none(),
        };
        if let Some(rows) = samples.row_weights() {
            self.weights.clear();
            self.weights.extend(order.iter().map(|i| rows[*i]));
            weights = weights.and_rows(&self.weights);
        }
        (x, target, weights)
    }
}

/// The targets of the rows `first..end` where they lie; `x` is the variable that holds their features.
pub(crate) fn target_in_place<'a, T: Scalar>(
    samples: &Samples<'a, T>,
    first: usize,
    end: usize,
    x: Var,
) -> Target<'a, T> {
    match samples.targets() {
        Targets::Inputs => Target::Var(x),
        Targets::Labels(labels) => Target::Labels(&labels[first..end]),
        Targets::Values(values) => Target::Values(values.slice_move(s![first..end, ..])),
    }
}

/// The weights of the rows `first..end` where they lie.
pub(crate) fn weights_in_place<'a, T: Scalar>(samples: &Samples<'a, T>, first: usize, end: usize) -> Weights<'a, T> {
    let weights = match samples.target_mask() {
        Some(mask) => Weights::of_values(mask.slice_move(s![first..end, ..])),
        None => Weights::none(),
    };
    samples.row_weights().map_or(weights, |rows| weights.and_rows(&rows[first..end]))
}

fn gather_into<'b, T: Scalar>(memory: &'b mut Vec<T>, x: ArrayView2<'_, T>, order: &[usize]) -> ArrayView2<'b, T> {
    memory.resize(order.len() * x.ncols(), T::zero());
    gather_rows(x, order, memory);
    let view = ArrayView2::from_shape((order.len(), x.ncols()), memory.as_slice());
    view.unwrap_or_else(|_| unreachable!("sized just above"))
}

fn gather_rows<T: Scalar>(x: ArrayView2<'_, T>, order: &[usize], out: &mut [T]) {
    let cols = x.ncols();
    let rows = out.chunks_exact_mut(cols).zip(order);
    match x.to_slice() {
        Some(x) => rows.for_each(|(row, i)| row.copy_from_slice(&x[i * cols..(i + 1) * cols])),
        None => rows.for_each(|(row, i)| row.iter_mut().zip(x.row(*i)).for_each(|(v, x)| *v = *x)),
    }
}
