//! The linear layer: `z = x w + b` with what follows on the rows, and its three gradients.

use super::check::{check, check_row};
use super::gemm::{CUT_OVER, Form, blocks_matter, gemm};
use super::par::{Par, RowsMut, for_row_parts, run};
use super::reduce::sum_over_rows;
use crate::math::vectorize;
use crate::mode::Accum;
use crate::scalar::Scalar;

/// Sizes of a linear layer: `x (batch, inputs)`, `w (inputs, outputs)`, `y (batch, outputs)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinearShape {
    /// Rows of `x` and `y`.
    pub batch: usize,
    /// Columns of `x`.
    pub inputs: usize,
    /// Columns of `y`.
    pub outputs: usize,
}

/// Whole rows of a result, still in the cache of the core that made them: what an epilogue works on.
#[derive(Debug)]
pub struct Tile<'a, T> {
    /// Row of the batch where the tile starts.
    pub first_row: usize,
    /// Length of a row.
    pub cols: usize,
    /// The rows of `y`: on entry `x w + b`.
    pub y: &'a mut [T],
    /// The same rows of the buffer for the backward pass, or empty where none was asked for. Its content on entry is left over.
    pub saved: &'a mut [T],
}

/// What follows a product on each of its row tiles: an activation, a mask.
pub type Epilogue<'a, T> = &'a (dyn Fn(Tile<'_, T>) + Sync);

/// `y = epilogue(x w + b)`, row tile by row tile.
///
/// `saved` is empty, or of the size of `y` and filled by the epilogue with what the backward pass needs.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn linear_forward<T: Scalar>(
    s: LinearShape,
    x: &[T],
    w: &[T],
    b: Option<&[T]>,
    y: &mut [T],
    saved: &mut [T],
    epilogue: Option<Epilogue<'_, T>>,
    par: Par,
) {
    let LinearShape { batch, inputs, outputs } = s;
    check("linear", "x", x.len(), batch, inputs);
    check("linear", "w", w.len(), inputs, outputs);
    check_row("linear", "b", b, outputs);
    check("linear", "y", y.len(), batch, outputs);
    if !saved.is_empty() {
        check("linear", "saved", saved.len(), batch, outputs);
    }
    if outputs == 0 {
        return;
    }
    let split = par.shares(batch * inputs * outputs, CUT_OVER);
    let height = tile_rows(s, split);
    let parts = (RowsMut { cols: outputs, data: y }, RowsMut { cols: outputs, data: saved });
    run(0..batch, height, split, parts, &|rows, (y, saved): (RowsMut<'_, T>, RowsMut<'_, T>)| {
        let x = &x[rows.start * inputs..rows.end * inputs];
        gemm(Form::Nn, rows.len(), outputs, inputs, x, w, Accum::Replace, y.data, par);
        if b.is_none() && epilogue.is_none() {
            return;
        }
        // The second half of the work on these rows, while they are in cache; smaller tiles, as it is no product.
        for_row_parts(rows.len(), outputs, (y, saved), par, |part, (y, saved): (RowsMut<'_, T>, RowsMut<'_, T>)| {
            if let Some(b) = b {
                add_bias(b, y.data);
            }
            if let Some(epilogue) = epilogue {
                epilogue(Tile { first_row: rows.start + part.start, cols: outputs, y: y.data, saved: saved.data });
            }
        });
    });
}

/// `dw = xᵀ dz`; split over tiles of `dw`, never over the batch.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn linear_backward_weight<T: Scalar>(s: LinearShape, x: &[T], dz: &[T], accum: Accum, dw: &mut [T], par: Par) {
    check("linear_backward_weight", "x", x.len(), s.batch, s.inputs);
    check("linear_backward_weight", "dz", dz.len(), s.batch, s.outputs);
    check("linear_backward_weight", "dw", dw.len(), s.inputs, s.outputs);
    gemm(Form::Tn, s.inputs, s.outputs, s.batch, x, dz, accum, dw, par);
}

/// `db` = column sums of `dz`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn linear_backward_bias<T: Scalar>(s: LinearShape, dz: &[T], accum: Accum, db: &mut [T], par: Par) {
    check("linear_backward_bias", "dz", dz.len(), s.batch, s.outputs);
    check("linear_backward_bias", "db", db.len(), 1, s.outputs);
    sum_over_rows(s.batch, s.outputs, dz, accum, db, par);
}

/// `dx = dz wᵀ`.
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn linear_backward_input<T: Scalar>(s: LinearShape, dz: &[T], w: &[T], accum: Accum, dx: &mut [T], par: Par) {
    check("linear_backward_input", "dz", dz.len(), s.batch, s.outputs);
    check("linear_backward_input", "w", w.len(), s.inputs, s.outputs);
    check("linear_backward_input", "dx", dx.len(), s.batch, s.inputs);
    gemm(Form::Nt, s.batch, s.inputs, s.outputs, dz, w, accum, dx, par);
}

/// Rows of a tile of the forward pass: enough for a product to repay its packing, few enough for the rows to stay in cache.
///
/// Where weights are small, a shared batch is cut into rows, so that one core goes all the way with its own; where they are large, each
/// core takes its columns of them inside the product.
fn tile_rows(s: LinearShape, split: bool) -> usize {
    let LinearShape { batch, inputs, outputs } = s;
    if blocks_matter() {
        return if batch * inputs * outputs < CUT_OVER { batch.max(1) } else { TILE_ROWS };
    }
    if split && inputs * outputs <= SMALL_WEIGHTS {
        batch.div_ceil(8).next_multiple_of(8).clamp(16, HIGHEST)
    } else {
        HIGHEST
    }
}

/// Rows of a tile where the bits of a product depend on it.
const TILE_ROWS: usize = 128;
/// Rows of a tile at most: what a product packs at a time.
const HIGHEST: usize = 264;
/// Weights that fit into the second cache of every core beside the rows.
const SMALL_WEIGHTS: usize = 1 << 16;

fn add_bias<T: Scalar>(b: &[T], y: &mut [T]) {
    vectorize(
        #[inline(always)]
        || {
            for row in y.chunks_exact_mut(b.len()) {
                for (y, b) in row.iter_mut().zip(b) {
                    *y += *b;
                }
            }
        },
    );
}
