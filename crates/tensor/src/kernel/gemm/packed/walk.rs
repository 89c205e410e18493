//! The walk over a block of the result: chunks of the sums, panels of columns, tiles.

use std::ptr::null_mut;

use fearless_simd::{Simd, SimdBase};

use super::ahead::{Ahead, Pairs};
use super::lanes::Lanes;
use super::memory::{Places, STRIP, depth};
use super::row::row;
use super::tile::{Tile, height, tile};
use super::transpose::transpose;
use crate::kernel::gemm::{Block, Form};

/// Rows of `A` that lie a multiple of so many bytes apart are copied side by side: they would fight for the same lines of a cache.
const SAME_LINES: usize = 2048;
/// Factors and results of so many bytes together lie in the innermost caches anyway: hints would only cost.
const NEAR: usize = 1 << 16;
/// Columns that a swapped product takes at a time, at most.
const SWAPPED_COLS: usize = 512;

/// # Safety
/// As [`crate::kernel::Product::product`].
#[inline(always)]
pub(super) unsafe fn product<S: Simd, T: Lanes<S>>(s: S, b: &Block<T>, places: Places<T>) {
    // Two vectors of the few rows, over the whole of `k`, must have room.
    let fits = b.k * 2 * T::V::LEN <= Places::<T>::WHOLE;
    // SAFETY: the caller's promise.
    unsafe {
        match b.form {
            Form::Nt if b.m < b.n && fits => swapped(s, b, places),
            Form::Nt => straight(s, b, places),
            _ if b.m == 1 && b.n > 4 * T::V::LEN => row(s, b, places),
            _ => straight(s, b, places),
        }
    }
}

/// Whether what a product reads and writes has to be asked for ahead.
#[inline(always)]
fn far<T>(b: &Block<T>) -> bool {
    (b.m * b.k + b.k * b.n + b.m * b.n) * size_of::<T>() > NEAR
}

/// Vectors of the next panel where `cols` columns are left, and the lanes of its last one.
#[inline(always)]
fn panel<S: Simd, T: Lanes<S>>(cols: usize) -> (usize, usize) {
    let width = T::V::LEN;
    if cols > width { (2, (cols - width).min(width)) } else { (1, cols) }
}

/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn straight<S: Simd, T: Lanes<S>>(s: S, b: &Block<T>, places: Places<T>) {
    let (width, depth) = (T::V::LEN, depth(b.k));
    let (a_row, a_term) = b.a_strides();
    let far = far(b);
    let packs = b.n > 4 * width && (a_term > 1 || (a_row * size_of::<T>()).is_multiple_of(SAME_LINES));
    // SAFETY: the caller's promise; what is packed has its size from the constants the places are made by.
    unsafe {
        for i0 in (0..b.m).step_by(STRIP) {
            let m = STRIP.min(b.m - i0);
            for p0 in (0..b.k).step_by(depth) {
                let k = depth.min(b.k - p0);
                let a = b.a.add(i0 * a_row + p0 * a_term);
                if packs {
                    pack(m, k, a, a_row, a_term, places.rows, height::<S, T>);
                }
                let pairs = k.div_ceil(2 * width);
                let (at, rows) = if p0 + k < b.k {
                    (a.wrapping_add(k * a_term), m)
                } else {
                    (b.a.wrapping_add((i0 + STRIP) * a_row), b.m.saturating_sub(i0 + STRIP))
                };
                let later = Pairs { at, row: a_row, rows, turns: pairs.div_ceil(b.n.div_ceil(2 * width)) };
                let mut j = 0;
                while j < b.n {
                    let (vectors, edge) = panel::<S, T>(b.n - j);
                    let mut t = Tile {
                        k,
                        a,
                        a_row,
                        a_term,
                        b: places.panel,
                        b_term: vectors * width,
                        b_edge: width,
                        copy: null_mut(),
                        ahead: Ahead::NOTHING,
                        c: b.c.add(i0 * b.ldc + j),
                        c_row: b.ldc,
                        c_edge: edge,
                        add: b.add || p0 > 0,
                    };
                    let packed = t;
                    let copies = m > 2 * T::ROWS;
                    if b.form == Form::Nt {
                        let cols = (vectors - 1) * width + edge;
                        let from = (b.b.add(j * b.ldb + p0), b.ldb);
                        transpose(s, (cols, k), from, (places.panel, vectors * width), true);
                    } else {
                        (t.b, t.b_term, t.b_edge) = (b.b.add(p0 * b.ldb + j), b.ldb, edge);
                        t.copy = if copies { places.panel } else { null_mut() };
                    }
                    // The panel after this one comes near while this one's tiles are computed.
                    let (b_term, b_col) = b.b_strides();
                    let next = if j + vectors * width < b.n {
                        b.b.wrapping_add(p0 * b_term + (j + vectors * width) * b_col)
                    } else if p0 + k < b.k {
                        b.b.wrapping_add((p0 + k) * b_term)
                    } else {
                        b.b
                    };
                    let (lines, turns) = if b_term == 1 { (2 * width, k.div_ceil(2 * width)) } else { (k, 1) };
                    let share = if copies { lines.div_ceil(m / T::ROWS - 1) } else { 0 };
                    let (mut i, mut brought) = (0, 0);
                    while i < m {
                        let rows = height::<S, T>(m - i);
                        if far {
                            // The first tile copies its panel and brings the rest of it itself.
                            let lines = if i > 0 { share.min(lines - brought) } else { 0 };
                            let panel =
                                Pairs { at: next.wrapping_add(brought * b.ldb), row: b.ldb, rows: lines, turns };
                            brought += lines;
                            let below = if i + rows < m { i + rows } else { 0 };
                            let beside = if below > 0 { 0 } else { vectors * width };
                            let at = packed.c.wrapping_add(below * b.ldc + beside);
                            let result = Pairs { at, row: b.ldc, rows, turns: 1 };
                            // Each panel brings its part of the rows that are read after these, unless they are copied.
                            let first = j / (2 * width) * later.turns;
                            let left = if packs { 0 } else { pairs.saturating_sub(first) };
                            let factor = Pairs {
                                at: later.at.wrapping_add(i * a_row + first * 2 * width),
                                row: a_row,
                                rows: rows.min(later.rows.saturating_sub(i)),
                                turns: later.turns.min(left),
                            };
                            t.ahead = Ahead([panel, result, factor]);
                        }
                        if packs {
                            t.a = places.rows.add(i * k);
                            (t.a_row, t.a_term) = if a_term == 1 { (k, 1) } else { (1, rows) };
                        } else {
                            t.a = a.add(i * a_row);
                        }
                        t.c = packed.c.add(i * b.ldc);
                        tile(s, rows, vectors, &t);
                        if i == 0 && !t.copy.is_null() {
                            (t.b, t.b_term, t.b_edge, t.copy) = (packed.b, packed.b_term, packed.b_edge, packed.copy);
                        }
                        i += rows;
                    }
                    j += vectors * width;
                }
            }
        }
    }
}

/// `Cᵀ = B Aᵀ`: the rows of `B` are read in place, `Aᵀ` is packed once, and strips of `Cᵀ` are turned when they are finished.
///
/// # Safety
/// As [`product`], for the form `A Bᵀ`, with room for two vectors of `Aᵀ`.
#[inline(always)]
unsafe fn swapped<S: Simd, T: Lanes<S>>(s: S, b: &Block<T>, places: Places<T>) {
    let (width, depth, far) = (T::V::LEN, depth(b.k), far(b));
    let most = (Places::<T>::WHOLE / b.k).min(SWAPPED_COLS) / width * width;
    // SAFETY: the caller's promise; `most` columns of `Aᵀ` have room, as have `strip` rows of so many columns.
    unsafe {
        for j0 in (0..b.m).step_by(most) {
            let cols = most.min(b.m - j0);
            let padded = cols.next_multiple_of(width);
            for p0 in (0..b.k).step_by(depth) {
                let k = depth.min(b.k - p0);
                let mut j = 0;
                while j < cols {
                    let (vectors, edge) = panel::<S, T>(cols - j);
                    let from = (b.a.add((j0 + j) * b.lda + p0), b.lda);
                    let to = (places.whole.add(p0 * padded + j * k), vectors * width);
                    transpose(s, ((vectors - 1) * width + edge, k), from, to, true);
                    j += vectors * width;
                }
            }
            // Whole tiles and whole squares.
            let strip = (Places::<T>::TURNED / padded).min(STRIP) / 48 * 48;
            for i0 in (0..b.n).step_by(strip) {
                let m = strip.min(b.n - i0);
                let c = b.c.add(j0 * b.ldc + i0);
                if b.add {
                    // Chunk after chunk is added to what is there, as in a straight product.
                    transpose(s, (cols, m), (c.cast_const(), b.ldc), (places.turned, padded), true);
                }
                for p0 in (0..b.k).step_by(depth) {
                    let k = depth.min(b.k - p0);
                    let pairs = k.div_ceil(2 * width);
                    let turns = pairs.div_ceil(cols.div_ceil(2 * width));
                    let mut i = 0;
                    while i < m {
                        let rows = height::<S, T>(m - i);
                        let a = b.b.add((i0 + i) * b.ldb + p0);
                        // The rows after these come near while these are used: each panel brings its part of them.
                        let next = if i + rows < m {
                            a.wrapping_add(rows * b.ldb)
                        } else if p0 + k < b.k {
                            b.b.wrapping_add(i0 * b.ldb + p0 + k)
                        } else {
                            b.b.wrapping_add((i0 + m) * b.ldb)
                        };
                        let mut j = 0;
                        while j < cols {
                            let (vectors, _) = panel::<S, T>(cols - j);
                            let first = j / (2 * width) * turns;
                            let factor = Pairs {
                                at: next.wrapping_add(first * 2 * width),
                                row: b.ldb,
                                rows,
                                turns: turns.min(pairs.saturating_sub(first)),
                            };
                            // Where these sums go in the end.
                            let result = Pairs {
                                at: c.wrapping_add(j * b.ldc + i),
                                row: b.ldc,
                                rows: (cols - j).min(2 * width),
                                turns: usize::from(p0 + k == b.k),
                            };
                            let t = Tile {
                                k,
                                a,
                                a_row: b.ldb,
                                a_term: 1,
                                b: places.whole.add(p0 * padded + j * k),
                                b_term: vectors * width,
                                b_edge: width,
                                copy: null_mut(),
                                ahead: if far { Ahead([factor, result, Pairs::NONE]) } else { Ahead::NOTHING },
                                c: places.turned.add(i * padded + j),
                                c_row: padded,
                                c_edge: width,
                                add: b.add || p0 > 0,
                            };
                            tile(s, rows, vectors, &t);
                            j += vectors * width;
                        }
                        i += rows;
                    }
                }
                transpose(s, (m, cols), (places.turned.cast_const(), padded), (c, b.ldc), false);
            }
        }
    }
}

/// Copies `m` rows of `A` and `k` terms: rows one after the other where their terms lie side by side, else tiles, term by term.
///
/// # Safety
/// `a` leads to so many rows and terms, `to` to room for them.
#[inline(always)]
unsafe fn pack<T: Copy>(
    m: usize,
    k: usize,
    a: *const T,
    a_row: usize,
    a_term: usize,
    to: *mut T,
    height: impl Fn(usize) -> usize,
) {
    let mut i = 0;
    while i < m {
        let rows = if a_term == 1 { 1 } else { height(m - i) };
        // SAFETY: the caller's promise.
        unsafe {
            let (a, to) = (a.add(i * a_row), to.add(i * k));
            match rows {
                _ if a_term == 1 => std::ptr::copy_nonoverlapping(a, to, k),
                12 => pack_tile::<T, 12>(k, a, a_term, to),
                8 => pack_tile::<T, 8>(k, a, a_term, to),
                6 => pack_tile::<T, 6>(k, a, a_term, to),
                4 => pack_tile::<T, 4>(k, a, a_term, to),
                3 => pack_tile::<T, 3>(k, a, a_term, to),
                2 => pack_tile::<T, 2>(k, a, a_term, to),
                _ => pack_tile::<T, 1>(k, a, a_term, to),
            }
        }
        i += rows;
    }
}

/// # Safety
/// As [`pack`].
#[inline(always)]
unsafe fn pack_tile<T: Copy, const R: usize>(k: usize, a: *const T, a_term: usize, to: *mut T) {
    for p in 0..k {
        // SAFETY: the caller's promise; an array has the alignment of its elements.
        unsafe { *to.add(p * R).cast::<[T; R]>() = *a.add(p * a_term).cast::<[T; R]>() };
    }
}
