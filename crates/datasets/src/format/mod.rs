//! File formats, each read from any `impl Read` within [`Limits`](crate::Limits).
//!
//! Nothing a header says is believed: a declared size is checked against the limits before anything is reserved, memory
//! grows with the bytes really decoded, and what is left over or missing at the end is an error.

mod bounded;
pub mod csv;
pub mod idx;
pub mod npy;
pub mod npz;
mod raw;
mod zip;

pub use raw::{Dtype, RawArray};
