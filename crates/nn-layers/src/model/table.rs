//! The table of models.

use layerwise_tensor::Scope;

use super::entry::{ModelConfig, ModelEntry};
use super::sequential::SequentialModelConfig;
use crate::error::ConfigError;
use crate::mlp::MlpConfig;
use crate::module::AnyModule;

/// The models of this crate; crates above have tables of their own and look in both.
pub fn table() -> &'static [&'static ModelEntry] {
    static TABLE: &[&ModelEntry] = &[&ModelEntry::of::<MlpConfig>(), &ModelEntry::of::<SequentialModelConfig>()];
    TABLE
}

impl ModelConfig {
    /// Builds the model, one of [`table`], below `scope`.
    ///
    /// # Errors
    /// If no model has that name, or its configuration is wrong.
    pub fn build(&self, scope: &mut Scope<'_>) -> Result<Box<dyn AnyModule>, ConfigError> {
        self.build_from(scope, table())
    }
}
