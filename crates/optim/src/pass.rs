//! The one pass of a step over the flat buffers.

use std::ops::Range;

use layerwise_tensor::kernel::{Par, for_chunks_mut};
use layerwise_tensor::{AlignedVec, ParamId, Scalar, Slice, SliceMut, math};

use crate::constraint::SharedConstraint;
use crate::rule::{RuleStep, SharedRule, State, UpdateRule, sign};

/// A stretch of the flat buffers that one parameter fills, and how this step updates it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) id: ParamId,
    pub(crate) range: Range<usize>,
    pub(crate) rule: SharedRule,
    /// Rows and columns, if the rule updates it as a whole.
    pub(crate) matrix: Option<(usize, usize)>,
    /// What the rate is multiplied by for this parameter.
    pub(crate) rate_factor: f64,
    /// The numbers of this step; decay and penalties stay from step to step.
    pub(crate) step: RuleStep,
    /// The L1 penalty that acts after the rule, by soft thresholding.
    pub(crate) proximal: f64,
    /// What holds after every step.
    pub(crate) constraints: Vec<SharedConstraint>,
    /// Its units' places among the factors of adaptive clipping.
    pub(crate) units: Range<usize>,
    /// Whether this step updates it.
    pub(crate) active: bool,
}

/// Updates all active segments that rules take element by element (in order of their ranges) of the trainable values `w` by the gradients `g`, in parallel. The gradients are
/// multiplied by the `factors` of their units, unless there are none.
///
/// Elements do not depend on each other, so the bits do not depend on where the pass is cut.
pub(crate) fn update<T: Scalar>(
    segments: &[Segment],
    w: &mut [T],
    g: &[T],
    factors: &[T],
    state: &mut [AlignedVec<T>; 3],
) {
    let state = state.each_mut().map(|s| &mut **s);
    for_chunks_mut(Par::Auto, w.len(), (w, g, state), |range, (w, g, state)| {
        chunk(segments, factors, range.start, w, g, state);
    });
}

/// Updates all active segments that rules take as a whole, one after another; `scratch` has room for a copy of the gradient and what the
/// rule needs.
pub(crate) fn update_matrices<T: Scalar>(
    segments: &[Segment],
    w: &mut [T],
    g: &[T],
    factors: &[T],
    state: &mut [AlignedVec<T>; 3],
    scratch: &mut [T],
) {
    for segment in segments.iter().filter(|s| s.active && !s.range.is_empty()) {
        let Some((rows, cols)) = segment.matrix else { continue };
        let (w, (copy, scratch)) = (&mut w[segment.range.clone()], scratch.split_at_mut(segment.range.len()));
        copy.copy_from_slice(&g[segment.range.clone()]);
        if !factors.is_empty() {
            let factors = &factors[segment.units.clone()];
            copy.chunks_exact_mut(cols).for_each(|row| row.iter_mut().zip(factors).for_each(|(g, f)| *g *= *f));
        }
        let state = segment.cut(state.each_mut().map(|s| &mut **s), segment.range.clone());
        let state = state.map(T::slice_mut);
        let (rule, step) = (&segment.rule, &segment.step);
        match (T::slice_mut(w), T::slice_mut(copy), T::slice_mut(scratch), state) {
            (
                SliceMut::F32(w),
                SliceMut::F32(g),
                SliceMut::F32(scratch),
                [SliceMut::F32(a), SliceMut::F32(b), SliceMut::F32(c)],
            ) => rule.update_matrix_f32(step, (rows, cols), w, g, [a, b, c], scratch),
            (
                SliceMut::F64(w),
                SliceMut::F64(g),
                SliceMut::F64(scratch),
                [SliceMut::F64(a), SliceMut::F64(b), SliceMut::F64(c)],
            ) => rule.update_matrix_f64(step, (rows, cols), w, g, [a, b, c], scratch),
            _ => unreachable!("all slices hold one element type"),
        }
        if segment.proximal > 0.0 {
            soft_threshold(w, segment.step.rate * segment.proximal);
        }
    }
}

impl Segment {
    /// What of the buffers of state its rule uses, at these places; the others are empty.
    fn cut<'a, T>(&self, state: State<'a, T>, places: Range<usize>) -> State<'a, T> {
        let mut left = self.rule.state_slots().len();
        state.map(|s| {
            let used = left > 0;
            left = left.saturating_sub(1);
            if used { &mut s[places.clone()] } else { &mut [] }
        })
    }
}

/// The part of the pass that begins at `start`: every active segment, as far as it reaches into this chunk.
fn chunk<T: Scalar>(segments: &[Segment], factors: &[T], start: usize, w: &mut [T], g: &[T], mut state: State<'_, T>) {
    let end = start + w.len();
    let first = segments.partition_point(|s| s.range.end <= start);
    let here = segments[first..].iter().take_while(|s| s.range.start < end);
    for segment in here.filter(|s| s.active && s.matrix.is_none() && !s.range.is_empty()) {
        let here = segment.range.start.max(start) - start..segment.range.end.min(end) - start;
        let (w, g) = (&mut w[here.clone()], &g[here.clone()]);
        let state = segment.cut(state.each_mut().map(|s| &mut **s), here.clone());
        let rule = &*segment.rule;
        if factors.is_empty() {
            apply(rule, &segment.step, w, g, state);
        } else {
            let first = start + here.start - segment.range.start;
            apply_scaled(rule, &segment.step, w, (g, &factors[segment.units.clone()], first), state);
        }
        if segment.proximal > 0.0 {
            soft_threshold(w, segment.step.rate * segment.proximal);
        }
    }
}

/// As [`apply`], for gradients times the factors of their columns, block by block; the first of them has the place `first` within its
/// parameter.
fn apply_scaled<T: Scalar>(
    rule: &dyn UpdateRule,
    step: &RuleStep,
    w: &mut [T],
    (g, factors, first): (&[T], &[T], usize),
    mut state: State<'_, T>,
) {
    let mut scaled = [T::zero(); BLOCK];
    let units = factors.len();
    let mut unit = first % units;
    for start in (0..w.len()).step_by(BLOCK) {
        let block = start..w.len().min(start + BLOCK);
        let scaled = &mut scaled[..block.len()];
        let mut done = 0;
        while done < block.len() {
            // To the end of a row of the weight, or of the block.
            let run = (units - unit).min(block.len() - done);
            let (g, factors) = (&g[start + done..][..run], &factors[unit..unit + run]);
            scaled[done..][..run].iter_mut().zip(g).zip(factors).for_each(|((s, g), f)| *s = *g * *f);
            (done, unit) = (done + run, unit + run);
            unit = if unit == units { 0 } else { unit };
        }
        let state = state.each_mut().map(|s| if s.is_empty() { &mut [][..] } else { &mut s[block.clone()] });
        apply(rule, step, &mut w[block], scaled, state);
    }
}

/// Values whose gradients are scaled at a time: they stay in the first cache.
const BLOCK: usize = 1024;

/// `w = sign(w) * max(|w| - threshold, 0)`: the proximal step of `threshold * |w|`.
fn soft_threshold<T: Scalar>(w: &mut [T], threshold: f64) {
    let threshold = T::of(threshold);
    math::vectorize(
        #[inline(always)]
        || {
            for w in w {
                let left = w.abs() - threshold;
                *w = if left > T::zero() { sign(*w) * left } else { T::zero() };
            }
        },
    );
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
