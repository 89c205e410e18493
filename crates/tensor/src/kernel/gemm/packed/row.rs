//! One row times a matrix.

use fearless_simd::{Simd, SimdBase, SimdFloat};

use super::lanes::{Lanes, load, store};
use super::memory::{Places, depth};
use crate::kernel::gemm::Block;

/// Terms that pass over the row of the result together: as many rows of `B` are read side by side, each from end to end, which is what
/// memory delivers fastest.
const TERMS: usize = 8;

/// `c = a B` for one row `a` and row-major `B`.
///
/// # Safety
/// As [`crate::kernel::Product::product`], for a block of one row that is not of the form `A Bᵀ`.
#[inline(always)]
pub(super) unsafe fn row<S: Simd, T: Lanes<S>>(s: S, b: &Block<T>, places: Places<T>) {
    let (depth, a_term) = (depth(b.k), b.a_strides().1);
    let wide = Places::<T>::TURNED;
    for j in (0..b.n).step_by(wide) {
        let n = wide.min(b.n - j);
        for p0 in (0..b.k).step_by(depth) {
            // Sums of later chunks are formed apart and added, as everywhere.
            let add = b.add || p0 > 0;
            // SAFETY: the caller's promise; the working place holds `n` values.
            unsafe {
                let c = b.c.add(j);
                let sums = if add { places.turned } else { c };
                let end = b.k.min(p0 + depth);
                let mut p = p0;
                while p < end {
                    let (a, rows) = (b.a.add(p * a_term), b.b.add(p * b.ldb + j));
                    if end - p >= TERMS {
                        terms::<S, T, TERMS>(s, n, (a, a_term), (rows, b.ldb), p > p0, sums);
                        p += TERMS;
                    } else {
                        terms::<S, T, 1>(s, n, (a, a_term), (rows, b.ldb), p > p0, sums);
                        p += 1;
                    }
                }
                if add {
                    for j in 0..n {
                        *c.add(j) = *c.add(j) + *sums.add(j);
                    }
                }
            }
        }
    }
}

/// `sums[j] = Σₚ a[p] b[p, j]` over `P` terms, going on from what is there if `add`.
///
/// # Safety
/// `a` has `P` terms, `b` as many rows of `n` values, `sums` has `n`.
#[inline(always)]
unsafe fn terms<S: Simd, T: Lanes<S>, const P: usize>(
    s: S,
    n: usize,
    (a, a_term): (*const T, usize),
    (b, ldb): (*const T, usize),
    add: bool,
    sums: *mut T,
) {
    let width = T::V::LEN;
    // SAFETY: the caller's promise.
    unsafe {
        let a: [T::V; P] = std::array::from_fn(|p| T::V::splat(s, *a.add(p * a_term)));
        let mut j = 0;
        while j + width <= n {
            let mut v = if add { load(s, sums.add(j)) } else { T::V::splat(s, T::default()) };
            for p in 0..P {
                v = a[p].mul_add_precise(load::<S, T>(s, b.add(p * ldb + j)), v);
            }
            store::<S, T>(v, sums.add(j));
            j += width;
        }
        if j < n {
            let edge = n - j;
            let mut v = if add { T::load_part(s, sums.add(j), edge) } else { T::V::splat(s, T::default()) };
            for p in 0..P {
                v = a[p].mul_add_precise(T::load_part(s, b.add(p * ldb + j), edge), v);
            }
            T::store_part(v, sums.add(j), edge);
        }
    }
}
