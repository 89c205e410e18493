//! Data made by program: shapes in the plane, digits, simulated treatment plans. All randomness comes from the stream given.

mod blobs;
mod curves;
mod digits;
mod draw;
mod radiotherapy;
mod regions;

pub use blobs::blobs;
pub use curves::{moons, spirals};
pub use digits::digits;
pub use radiotherapy::{RADIOTHERAPY_FEATURES, radiotherapy};
pub use regions::{Region, regions, xor};
