//! Losses: one file each, one line in the table.

mod bce_with_logits;
mod entry;
mod mse;
mod softmax_cross_entropy;
mod table;

pub use bce_with_logits::BceWithLogits;
pub use entry::{AnyLoss, Loss, LossEntry, NamedLoss, Target, TargetKind};
pub use mse::Mse;
pub use softmax_cross_entropy::SoftmaxCrossEntropy;
pub use table::{from_value, parse, table};
