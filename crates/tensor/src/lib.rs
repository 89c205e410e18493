#![doc = include_str!("../README.md")]

mod aligned;
pub mod kernel;
pub mod math;
mod mode;
mod params;
mod scalar;
mod stream;

pub use aligned::AlignedVec;
pub use mode::{Accum, Mode};
pub use ndarray;
pub use params::{
    BufferUpdate, Constant, Gradients, Initializer, Layout, ParamId, ParamKind, ParamSpec, Params, Scope,
};
pub use scalar::{DType, Scalar, Slice, SliceMut};
pub use stream::{Permutation, Stream, StreamRng};

#[cfg(feature = "openblas")]
extern crate blas_src as _;
