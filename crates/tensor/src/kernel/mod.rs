//! Kernels over row-major slices: products, sums, softmax, norms. Sizes are explicit; a wrong length is a panic.
//!
//! Every kernel gives the same bits whatever [`Par`] and the number of threads: its tiles have edges that follow from shapes and element
//! type only, and its sums have a fixed order. None allocates, but for the working memory of a thread at its first product.
//! [`mod@reference`] holds the slow and obvious twin of each.

mod check;
mod columns;
mod gemm;
mod linear;
mod norm;
pub(crate) mod pages;
mod par;
mod reduce;
pub mod reference;
mod softmax;
mod team;
mod transpose;

pub use crate::math::{cpu_level, limit_to_avx2};
pub use gemm::{Form, backend, gemm, keep_blas_threads, product_blocks, product_operations};
pub use linear::{
    Epilogue, LinearShape, Tile, linear_backward_bias, linear_backward_input, linear_backward_weight, linear_forward,
};
pub use norm::{
    batch_norm_backward, batch_norm_eval, batch_norm_eval_backward, batch_norm_forward, layer_norm_backward,
    layer_norm_forward,
};
pub use par::{
    Par, Parts, Rows, RowsMut, WORKERS, WorkLog, for_chunks, for_chunks_mut, for_row_parts, for_tiles, for_tiles2,
    reset_work_log, work_log,
};
pub use reduce::{dot, max_abs, sum, sum_of_squares, sum_over_cols, sum_over_rows};
pub use softmax::{log_softmax, log_softmax_backward, log_sum_exp, log_sum_exp_backward, softmax, softmax_backward};
pub use team::team;
pub use transpose::transpose;

#[doc(hidden)]
pub use gemm::Product;
