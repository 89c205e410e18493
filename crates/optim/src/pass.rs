//! The one pass of a step over the flat buffers.

use std::ops::Range;

use layerwise_tensor::kernel::{Par, for_chunks_mut};
use layerwise_tensor::{ParamId, Scalar, Slice, SliceMut};

use crate::rule::{RuleStep, State, UpdateRule};

/// A stretch of the flat buffers that one parameter fills, and how this step updates it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) id: ParamId,
    pub(crate) range: Range<usize>,
    /// What the rate is multiplied by for this parameter.
    pub(crate) rate_factor: f64,
    /// The numbers of this step; decay and penalties stay from step to step.
    pub(crate) step: RuleStep,
    /// Whether this step updates it.
    pub(crate) active: bool,
}

/// Updates all active segments (in order of their ranges) of the trainable values `w` by the gradients `g`, in parallel.
///
/// Elements do not depend on each other, so the bits do not depend on where the pass is cut.
pub(crate) fn update<T: Scalar>(
    rule: &dyn UpdateRule,
    segments: &[Segment],
    w: &mut [T],
    g: &[T],
    state: &mut [Vec<T>; 3],
) {
    let state = state.each_mut().map(Vec::as_mut_slice);
    for_chunks_mut(Par::Auto, w.len(), (w, g, state), |range, (w, g, state)| {
        chunk(rule, segments, range.start, w, g, state);
    });
}

/// The part of the pass that begins at `start`: every active segment, as far as it reaches into this chunk.
fn chunk<T: Scalar>(
    rule: &dyn UpdateRule,
    segments: &[Segment],
    start: usize,
    w: &mut [T],
    g: &[T],
    mut state: State<'_, T>,
) {
    let end = start + w.len();
    let first = segments.partition_point(|s| s.range.end <= start);
    for segment in segments[first..].iter().take_while(|s| s.range.start < end).filter(|s| s.active) {
        let here = segment.range.start.max(start) - start..segment.range.end.min(end) - start;
        let state = state.each_mut().map(|s| if s.is_empty() { &mut [][..] } else { &mut s[here.clone()] });
        apply(rule, &segment.step, &mut w[here.clone()], &g[here.clone()], state);
    }
}

/// Hands the slices to the rule in their own type.
fn apply<T: Scalar>(rule: &dyn UpdateRule, step: &RuleStep, w: &mut [T], g: &[T], state: State<'_, T>) {
    let state = state.map(T::slice_mut);
    match (T::slice_mut(w), T::slice(g), state) {
        (SliceMut::F32(w), Slice::F32(g), [SliceMut::F32(a), SliceMut::F32(b), SliceMut::F32(c)]) => {
            rule.update_f32(step, w, g, [a, b, c]);
        }
        (SliceMut::F64(w), Slice::F64(g), [SliceMut::F64(a), SliceMut::F64(b), SliceMut::F64(c)]) => {
            rule.update_f64(step, w, g, [a, b, c]);
        }
        _ => unreachable!("all slices hold one element type"),
    }
}
