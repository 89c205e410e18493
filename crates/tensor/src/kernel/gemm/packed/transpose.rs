//! Transposition by squares of vectors.

use fearless_simd::{Simd, SimdBase};

use super::lanes::{Lanes, load, store};

/// A matrix by its first value and the distance from row to row.
pub(super) type At<P> = (P, usize);

/// Lanes of the widest vector there is.
const WIDEST: usize = 16;

/// `to[j, i] = from[i, j]` for `rows` rows and `cols` columns of `from`.
///
/// With `pad` the rows of `to` are filled with zeros up to whole vectors.
///
/// # Safety
/// The pointers lead to matrices of these sizes, with `pad` to rows of whole vectors; nobody else uses `to`.
#[inline(always)]
pub(super) unsafe fn transpose<S: Simd, T: Lanes<S>>(
    s: S,
    (rows, cols): (usize, usize),
    (from, from_row): At<*const T>,
    (to, to_row): At<*mut T>,
    pad: bool,
) {
    let width = T::V::LEN;
    for i in (0..rows).step_by(width) {
        let height = width.min(rows - i);
        for j in (0..cols).step_by(width) {
            let across = width.min(cols - j);
            let mut square = [T::V::splat(s, T::default()); WIDEST];
            // SAFETY: the caller's promise; parts end where the matrices do.
            unsafe {
                for q in 0..width {
                    if q < height {
                        let p = from.add((i + q) * from_row + j);
                        square[q] = if across == width { load(s, p) } else { T::load_part(s, p, across) };
                    }
                }
                turn::<S, T>(&mut square);
                for q in 0..width {
                    if q < across {
                        let p = to.add((j + q) * to_row + i);
                        if height == width || pad {
                            store::<S, T>(square[q], p);
                        } else {
                            T::store_part(square[q], p, height);
                        }
                    }
                }
            }
        }
    }
}

/// Transposes a square of vectors: rows `q` and `q + half` are zipped into rows `2q` and `2q + 1`, as often as the edge can be halved.
#[inline(always)]
fn turn<S: Simd, T: Lanes<S>>(square: &mut [T::V; WIDEST]) {
    let (width, half) = (T::V::LEN, T::V::LEN / 2);
    let mut turned = 1;
    while turned < width {
        let old = *square;
        for q in 0..half {
            square[2 * q] = old[q].zip_low(old[q + half]);
            square[2 * q + 1] = old[q].zip_high(old[q + half]);
        }
        turned *= 2;
    }
}
