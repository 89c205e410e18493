//! The innermost loop: a tile of the result that stays in registers.

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::ahead::Ahead;
use super::lanes::{Lanes, load, store};

/// A tile of some rows and some vectors of columns: `c = a b`, or adds that to `c`.
#[derive(Clone, Copy)]
pub(super) struct Tile<T> {
    /// Length of the sums.
    pub(super) k: usize,
    pub(super) a: *const T,
    /// From row to row of `a`.
    pub(super) a_row: usize,
    /// From term to term of `a`.
    pub(super) a_term: usize,
    pub(super) b: *const T,
    /// From term to term of `b`; its columns lie side by side.
    pub(super) b_term: usize,
    /// Lanes of the last vector that `b` has.
    pub(super) b_edge: usize,
    /// Where the columns of `b` are copied while they pass, whole vectors without gaps; null if nowhere. Only the highest tiles copy.
    pub(super) copy: *mut T,
    /// What is brought near for later while the sums are formed; it need not exist.
    pub(super) ahead: Ahead<T>,
    pub(super) c: *mut T,
    /// From row to row of `c`.
    pub(super) c_row: usize,
    /// Lanes of the last vector that `c` has.
    pub(super) c_edge: usize,
    /// Whether to add to `c`.
    pub(super) add: bool,
}

/// Height of the next tile where `rows` are left.
#[inline(always)]
pub(super) fn height<S: Simd, T: Lanes<S>>(rows: usize) -> usize {
    match rows {
        12.. if T::ROWS == 12 => 12,
        8.. if T::ROWS == 12 => 8,
        6.. => 6,
        4.. => 4,
        rows => rows,
    }
}

/// A tile of `rows` rows, as [`height`] gives them, and one or two vectors.
///
/// # Safety
/// The tile's pointers lead to `rows` rows, `k` terms and `vectors` vectors of columns, the last of them as its edges say; nobody else
/// uses this part of `c`.
#[inline(always)]
pub(super) unsafe fn tile<S: Simd, T: Lanes<S>>(s: S, rows: usize, vectors: usize, t: &Tile<T>) {
    // SAFETY: the caller's promise.
    unsafe {
        match (rows, vectors) {
            (12, 2) if T::ROWS == 12 => chosen::<S, T, 12, 2>(s, t),
            (8, 2) if T::ROWS == 12 => chosen::<S, T, 8, 2>(s, t),
            (6, 2) => chosen::<S, T, 6, 2>(s, t),
            (4, 2) => chosen::<S, T, 4, 2>(s, t),
            (3, 2) => chosen::<S, T, 3, 2>(s, t),
            (2, 2) => chosen::<S, T, 2, 2>(s, t),
            (1, 2) => chosen::<S, T, 1, 2>(s, t),
            (12, 1) if T::ROWS == 12 => chosen::<S, T, 12, 1>(s, t),
            (8, 1) if T::ROWS == 12 => chosen::<S, T, 8, 1>(s, t),
            (6, 1) => chosen::<S, T, 6, 1>(s, t),
            (4, 1) => chosen::<S, T, 4, 1>(s, t),
            (3, 1) => chosen::<S, T, 3, 1>(s, t),
            (2, 1) => chosen::<S, T, 2, 1>(s, t),
            (1, 1) => chosen::<S, T, 1, 1>(s, t),
            _ => unreachable!("no tile of {rows} rows and {vectors} vectors"),
        }
    }
}

/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn chosen<S: Simd, T: Lanes<S>, const R: usize, const N: usize>(s: S, t: &Tile<T>) {
    let copies = R == T::ROWS && !t.copy.is_null();
    // SAFETY: the caller's promise.
    unsafe {
        match (t.b_edge < T::V::LEN, copies) {
            (false, false) => compute::<S, T, R, N, false, false>(s, t),
            (true, false) => compute::<S, T, R, N, true, false>(s, t),
            (false, true) => compute::<S, T, R, N, false, true>(s, t),
            (true, true) => compute::<S, T, R, N, true, true>(s, t),
        }
    }
}

/// A function of its own for each kind of tile: inlined into one another, their registers would be spilled.
///
/// # Safety
/// As [`tile`].
#[inline(never)]
unsafe fn compute<S: Simd, T: Lanes<S>, const R: usize, const N: usize, const PART: bool, const COPY: bool>(
    s: S,
    t: &Tile<T>,
) {
    s.vectorize(
        #[inline(always)]
        || {
            let width = T::V::LEN;
            // SAFETY: the caller's promise.
            unsafe {
                // What the sums will be written to is on its way while they are formed.
                for i in 0..R {
                    for j in 0..N {
                        T::prefetch(t.c.add(i * t.c_row + j * width));
                    }
                    // Rows may begin anywhere in a line of the cache.
                    T::prefetch(t.c.wrapping_add(i * t.c_row + N * width - 1));
                }
                let sums = sums::<S, T, R, N, PART, COPY>(s, t);
                for i in 0..R {
                    for j in 0..N {
                        let c = t.c.add(i * t.c_row + j * width);
                        if j + 1 < N || t.c_edge == width {
                            store::<S, T>(if t.add { load::<S, T>(s, c) + sums[i][j] } else { sums[i][j] }, c);
                        } else {
                            let v = if t.add { T::load_part(s, c, t.c_edge) + sums[i][j] } else { sums[i][j] };
                            T::store_part(v, c, t.c_edge);
                        }
                    }
                }
            }
        },
    );
}

/// Terms of `b` that are asked for ahead of their use where nothing else brings them: its rows may lie a page apart.
const AHEAD: usize = 20;

/// `sums[i][j] = Σₚ a[i, p] b[p, j]`, one fused multiply-add after the other in the order of `p`.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn sums<S: Simd, T: Lanes<S>, const R: usize, const N: usize, const PART: bool, const COPY: bool>(
    s: S,
    t: &Tile<T>,
) -> [[T::V; N]; R] {
    let width = T::V::LEN;
    let mut sums = [[T::V::splat(s, T::default()); N]; R];
    let (mut a, mut b, mut copy) = (t.a, t.b, t.copy);
    let (hints, mut walk) = (if COPY { 0 } else { t.ahead.len() }, t.ahead.start());
    let (a_row, a_term, b_term, edge) = (t.a_row, t.a_term, t.b_term, t.b_edge);
    for p in 0..t.k {
        if p < hints {
            walk.step::<S>(&t.ahead);
        }
        // SAFETY: the caller's promise.
        unsafe {
            let mut row = [T::V::splat(s, T::default()); N];
            for j in 0..N {
                let b = b.add(j * width);
                row[j] = if PART && j + 1 == N { T::load_part(s, b, edge) } else { load(s, b) };
                if COPY {
                    store::<S, T>(row[j], copy.add(j * width));
                    T::prefetch(b.wrapping_add(AHEAD * b_term));
                }
            }
            if COPY {
                T::prefetch(b.wrapping_add(AHEAD * b_term + N * width - 1));
            }
            for i in 0..R {
                // From a base and a stride: with a pointer for each row a third of the speed is left.
                let v = T::V::splat(s, *a.add(i * a_row));
                for j in 0..N {
                    sums[i][j] = v.mul_add_precise(row[j], sums[i][j]);
                }
            }
            a = a.add(a_term);
            b = b.add(b_term);
            if COPY {
                copy = copy.add(N * width);
            }
        }
    }
    sums
}
