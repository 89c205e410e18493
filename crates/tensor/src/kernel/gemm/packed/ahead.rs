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
pub(super) struct Ahead<T>(pub(super) [Pairs<T>; 3]);

impl<T> Ahead<T> {
    pub(super) const NOTHING: Self = Self([Pairs::NONE; 3]);
}

impl<T> Pairs<T> {
    pub(super) const NONE: Self = Self { at: std::ptr::null(), row: 0, rows: 0, turns: 0 };

    #[inline(always)]
    fn len(&self) -> usize {
        self.rows * self.turns
    }
}

impl<T: Copy> Ahead<T> {
    /// Number of steps.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Pairs::len).sum()
    }

    /// Before the first step, if there is one.
    #[inline(always)]
    pub(super) fn start(&self) -> Walk<T> {
        let mut walk = Walk { now: self.0[0], left: self.0[0].rows, place: 0 };
        if walk.now.len() == 0 {
            walk.next(self);
        }
        walk
    }
}

/// How far it has come.
pub(super) struct Walk<T> {
    now: Pairs<T>,
    /// Rows left of this turn.
    left: usize,
    place: usize,
}

impl<T: Copy> Walk<T> {
    /// Goes on to what is not empty, or to the last.
    #[inline(always)]
    fn next(&mut self, ahead: &Ahead<T>) {
        while self.place + 1 < ahead.0.len() {
            self.place += 1;
            self.now = ahead.0[self.place];
            if self.now.len() > 0 {
                break;
            }
        }
        self.left = self.now.rows;
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
                self.next(ahead);
            }
        }
    }
}
