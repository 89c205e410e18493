//! Matrix products: the one seam to every backend. The build chooses it, never the run.

#![allow(unsafe_code)]

#[cfg(not(feature = "openblas"))]
mod matrixmultiply;
#[cfg(feature = "openblas")]
mod openblas;
#[cfg(not(feature = "openblas"))]
mod packed;

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::check::check;
use super::par::{Par, run};
use crate::mode::Accum;
use crate::scalar::Scalar;

/// Which factor of a product is stored transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `C = A B`.
    Nn,
    /// `C = Aᵀ B`.
    Tn,
    /// `C = A Bᵀ`.
    Nt,
}

/// `C = A B`, `Aᵀ B` or `A Bᵀ`, or adds that to `C`.
///
/// `C` is `(m, n)`; `A` is `(m, k)`, in [`Form::Tn`] `(k, m)`; `B` is `(k, n)`, in [`Form::Nt`] `(n, k)`. The work is cut into blocks of
/// `C`, never along `k`, so no sum is ever shared between threads.
///
/// ```
/// use layerwise_tensor::{Accum, kernel::{Form, Par, gemm}};
/// let (a, b, mut c) = ([1.0, 2.0, 3.0, 4.0], [1.0, 1.0], [0.0; 2]);
/// gemm(Form::Nn, 2, 1, 2, &a, &b, Accum::Replace, &mut c, Par::Auto);
/// assert_eq!(c, [3.0, 7.0]);
/// ```
///
/// # Panics
/// If a length does not match.
#[track_caller]
pub fn gemm<T: Scalar>(
    form: Form,
    m: usize,
    n: usize,
    k: usize,
    a: &[T],
    b: &[T],
    accum: Accum,
    c: &mut [T],
    par: Par,
) {
    let (a_rows, a_cols) = if form == Form::Tn { (k, m) } else { (m, k) };
    let (b_rows, b_cols) = if form == Form::Nt { (n, k) } else { (k, n) };
    check("gemm", "a", a.len(), a_rows, a_cols);
    check("gemm", "b", b.len(), b_rows, b_cols);
    check("gemm", "c", c.len(), m, n);
    if m == 0 || n == 0 {
        return;
    }
    OPERATIONS.set(OPERATIONS.get() + 2 * (m * n * k) as u64);
    if k == 0 {
        if accum == Accum::Replace {
            c.fill(T::zero());
        }
        return;
    }
    let whole = Block {
        form,
        m,
        n,
        k,
        a: a.as_ptr(),
        lda: a_cols,
        b: b.as_ptr(),
        ldb: b_cols,
        add: accum == Accum::Add,
        c: c.as_mut_ptr(),
        ldc: n,
    };
    let split = par.shares(m * n * k, CUT_OVER);
    let (height, width) = if split || blocks_matter() { block_edges(form, m, n, k) } else { (m, n) };
    let across = n.div_ceil(width);
    let blocks = m.div_ceil(height) * across;
    BLOCKS.fetch_add(blocks as u64, Ordering::Relaxed);
    run(0..blocks, 1, split, (), &|block: Range<usize>, ()| {
        let (i, j) = (block.start / across * height, block.start % across * width);
        // SAFETY: the lengths were checked above, `(i, j)` lies inside `C`, and different blocks touch different values of it.
        unsafe { T::product(&whole.part(i, height.min(m - i), j, width.min(n - j))) };
    });
}

/// Blocks handed to the backend since the start of the program: each is one call, and with matrixmultiply one packing buffer.
pub fn product_blocks() -> u64 {
    BLOCKS.load(Ordering::Relaxed)
}

static BLOCKS: AtomicU64 = AtomicU64::new(0);

/// Multiplications and additions in the products that this thread has asked for, `2 m n k` each, whoever worked on them.
///
/// ```
/// use layerwise_tensor::{Accum, kernel::{Form, Par, gemm, product_operations}};
/// let before = product_operations();
/// gemm(Form::Nn, 2, 1, 2, &[1.0; 4], &[1.0; 2], Accum::Replace, &mut [0.0; 2], Par::Auto);
/// assert_eq!(product_operations() - before, 8);
/// ```
pub fn product_operations() -> u64 {
    OPERATIONS.get()
}

thread_local! {
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
}

/// What multiplies: `packed` (our own products), `matrixmultiply` (on processors those are not written for), or a library with its
/// version and core, such as `openblas 0.3.21 Haswell`.
pub fn backend() -> &'static str {
    #[cfg(feature = "openblas")]
    return openblas::name();
    #[cfg(not(feature = "openblas"))]
    if packed::supported() { "packed" } else { "matrixmultiply" }
}

/// Leaves the number of threads of a BLAS as it is, where the default sets it to one at the first product; call it before that.
///
/// This voids the promise of the same bits at any number of threads. Without a BLAS it does nothing.
pub fn keep_blas_threads() {
    #[cfg(feature = "openblas")]
    openblas::keep_threads();
}

/// A product of stored matrices with leading dimensions: what a backend is asked for.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Block<T> {
    form: Form,
    m: usize,
    n: usize,
    k: usize,
    a: *const T,
    lda: usize,
    b: *const T,
    ldb: usize,
    add: bool,
    c: *mut T,
    ldc: usize,
}

// SAFETY: a block is an address, nothing more; who follows it (`Product::product`) promises that no two threads write the same values.
unsafe impl<T: Sync> Sync for Block<T> {}

impl<T: Copy> Block<T> {
    /// From row to row of `A` and from term to term.
    #[cfg(not(feature = "openblas"))]
    fn a_strides(&self) -> (usize, usize) {
        if self.form == Form::Tn { (1, self.lda) } else { (self.lda, 1) }
    }

    /// From term to term of `B` and from column to column.
    #[cfg(not(feature = "openblas"))]
    fn b_strides(&self) -> (usize, usize) {
        if self.form == Form::Nt { (1, self.ldb) } else { (self.ldb, 1) }
    }

    /// Rows `i .. i + m` and columns `j .. j + n` of the result.
    ///
    /// # Safety
    /// They lie inside of it.
    unsafe fn part(&self, i: usize, m: usize, j: usize, n: usize) -> Self {
        let a = if self.form == Form::Tn { i } else { i * self.lda };
        let b = if self.form == Form::Nt { j * self.ldb } else { j };
        // SAFETY: a row `i` and a column `j` inside of the result name places inside of its factors.
        unsafe { Self { m, n, a: self.a.add(a), b: self.b.add(b), c: self.c.add(i * self.ldc + j), ..*self } }
    }
}

/// What [`Scalar`] needs from the backends; not for use by name.
#[doc(hidden)]
pub trait Product: Copy {
    /// Computes one block.
    ///
    /// # Safety
    /// The block describes matrices that are alive, and nobody else reads or writes its part of `C` meanwhile.
    unsafe fn product(block: &Block<Self>);
}

#[cfg(feature = "openblas")]
use openblas as chosen;
#[cfg(not(feature = "openblas"))]
use packed as chosen;

impl Product for f32 {
    unsafe fn product(block: &Block<f32>) {
        // SAFETY: the caller's promise is the backend's demand.
        unsafe { chosen::sgemm(block) }
    }
}

impl Product for f64 {
    unsafe fn product(block: &Block<f64>) {
        // SAFETY: the caller's promise is the backend's demand.
        unsafe { chosen::dgemm(block) }
    }
}

/// From so many multiply-adds on a product is cut into blocks.
pub(super) const CUT_OVER: usize = 1 << 20;

/// Whether the bits of a product depend on the blocks it is cut into: then they must be the same whoever works. Ours never do.
pub(super) fn blocks_matter() -> bool {
    cfg!(feature = "openblas") || backend() != "packed"
}

/// A block is not halved below so many multiply-adds: some 5 µs of one core.
const SMALLEST_BLOCK: usize = 1 << 19;

/// Most blocks: more would only be packed more often.
const MOST_BLOCKS: usize = 16;

/// Rows of `Aᵀ B` and columns of the other products that a block has at least, as long as it can be cut the other way.
const SMALLEST_ROWS: usize = 48;
const SMALLEST_COLS: usize = 32;

/// Height and width of the blocks of `C`, from the shape alone.
///
/// Products cut their columns, `Aᵀ B` its rows, down to the width of a panel and the height of four tiles. A worker reads one factor whole,
/// the activations or their gradients, and a part of the other; with blocks in squares it read half of both and wrote what others read next.
/// The number of blocks each way is a power of two, so that halves weigh the same.
fn block_edges(form: Form, m: usize, n: usize, k: usize) -> (usize, usize) {
    let work = m * n * k;
    if work < CUT_OVER {
        return (m, n);
    }
    let (mut down, mut across) = (1, 1);
    while down * across < MOST_BLOCKS && work / (2 * down * across) >= SMALLEST_BLOCK {
        let (high, wide) = (m / down, n / across);
        let cut_rows = if form == Form::Tn { high >= SMALLEST_ROWS } else { wide < 2 * SMALLEST_COLS };
        *(if cut_rows { &mut down } else { &mut across }) *= 2;
    }
    let edge = |len: usize, blocks: usize| len.div_ceil(blocks).next_multiple_of(16).min(len);
    (edge(m, down), edge(n, across))
}
