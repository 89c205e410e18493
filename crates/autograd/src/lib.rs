#![doc = include_str!("../README.md")]

mod act;
mod anomaly;
pub mod gradcheck;
mod graph;
mod labels;
mod node;
mod op;
pub mod ops;
mod penalty;
mod probe;
mod tape;
mod update;
mod var;

pub use act::{Act, Needs, Pointwise, PointwiseFn};
pub use anomaly::BrokenGradient;
pub use graph::Graph;
pub use layerwise_tensor as tensor;
pub use layerwise_tensor::kernel::Par;
pub use op::{Backward, Forward, Grads, Op, Saved, Values};
pub use ops::{OpEntry, Trans};
pub use tape::{SlotInfo, Tape};
pub use var::{Inputs, Var};
