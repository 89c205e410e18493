//! Losses: one file each, one line in the table.

mod bce_with_logits;
mod entry;
mod gaussian_nll;
mod huber;
mod kl_div;
mod mae;
mod mse;
mod poisson_nll;
mod smooth_l1;
mod softmax_cross_entropy;
mod table;
mod terms;
mod weighted_bce;
mod weighted_cross_entropy;

pub use bce_with_logits::BceWithLogits;
pub use entry::{AnyLoss, Loss, LossEntry, NamedLoss, Target, TargetKind};
pub use gaussian_nll::GaussianNll;
pub use huber::Huber;
pub use kl_div::KlDiv;
pub use mae::Mae;
pub use mse::Mse;
pub use poisson_nll::PoissonNll;
pub use smooth_l1::SmoothL1;
pub use softmax_cross_entropy::SoftmaxCrossEntropy;
pub use table::{from_value, parse, table};
pub use weighted_bce::WeightedBceWithLogits;
pub use weighted_cross_entropy::WeightedSoftmaxCrossEntropy;
