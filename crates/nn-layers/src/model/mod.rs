//! Whole models by configuration, as files of models name them.

mod entry;
mod mlp;
mod sequential;
mod table;

pub use entry::{BuildModel, ModelConfig, ModelEntry};
pub use sequential::SequentialModelConfig;
pub use table::table;
