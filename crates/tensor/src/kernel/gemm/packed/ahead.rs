//! Numbers that will be needed soon, brought near while others are computed with.
//!
//! A processor foresees reads that go on along a line of memory, not those that jump from row to row: for these a product asks itself,
//! early enough, a little with each term. A hint reads nothing, so it may point beyond the end of a matrix.

use fearless_simd::{Simd, SimdBase};

use super::lanes::Lanes;

/// Two vectors of each of some rows, and as many turns of that, each two vectors further along the rows.
#[derive(Clone, Copy)]
pub(super) struct Pairs<T> {
    pub(super) at: *const T,
    /// From row to row.
    pub(super) row: usize,
    pub(super) rows: usize,
    pub(super) turns: usize,
}

/// What a tile brings near: factors and places of results, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Ahead<T>(pub(super) Pairs<T>, pub(super) Pairs<T>);

impl<T> Pairs<T> {
    pub(super) const NONE: Self = Self { at: std::ptr::null(), row: 0, rows: 0, turns: 0 };

    fn len(&self) -> usize {
        self.rows * self.turns
    }
}

impl<T: Copy> Ahead<T> {
    /// Number of steps.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.0.len() + self.1.len()
    }

    #[inline(always)]
    pub(super) fn start(&self) -> Walk<T> {
        Walk::along(if self.0.len() > 0 { &self.0 } else { &self.1 })
    }
}

/// How far it has come.
pub(super) struct Walk<T> {
    now: Pairs<T>,
    /// Rows left of this turn.
    left: usize,
}

impl<T: Copy> Walk<T> {
    #[inline(always)]
    fn along(pairs: &Pairs<T>) -> Self {
        Self { now: *pairs, left: pairs.rows }
    }

    /// Asks for the next two vectors.
    #[inline(always)]
    pub(super) fn step<S: Simd>(&mut self, ahead: &Ahead<T>)
    where
        T: Lanes<S>,
    {
        let width = T::V::LEN;
        let at = self.now.at;
        T::prefetch_far(at);
        T::prefetch_far(at.wrapping_add(width));
        // Two vectors that begin in the middle of a line of the cache reach into a third one.
        T::prefetch_far(at.wrapping_add(2 * width - 1));
        self.now.at = at.wrapping_add(self.now.row);
        self.left -= 1;
        if self.left == 0 {
            self.now.turns -= 1;
            if self.now.turns > 0 {
                self.left = self.now.rows;
                self.now.at = self.now.at.wrapping_add(2 * width).wrapping_sub(self.now.rows * self.now.row);
            } else {
                *self = Self::along(&ahead.1);
            }
        }
    }
}
