//! The table of layers.

use layerwise_tensor::Scope;

use super::activation::ActivationConfig;
use super::activity::ActivityConfig;
use super::alpha_dropout::AlphaDropoutConfig;
use super::batch_norm::BatchNormConfig;
use super::drop_connect::DropConnectConfig;
use super::dropout::DropoutConfig;
use super::entry::{BuildLayer, LayerConfig, LayerEntry, LayerTraits, Shelf};
use super::gaussian_dropout::GaussianDropoutConfig;
use super::gaussian_noise::GaussianNoiseConfig;
use super::glu::GluConfig;
use super::group_norm::GroupNormConfig;
use super::highway::HighwayConfig;
use super::k_sparse::KSparseConfig;
use super::kl_sparsity::KlSparsityConfig;
use super::layer_norm::LayerNormConfig;
use super::linear::LinearConfig;
use super::prelu::PReluConfig;
use super::residual::{Residual, ResidualConfig};
use super::rms_norm::RmsNormConfig;
use super::sequential::{Sequential, SequentialConfig};
use super::spectral_norm::SpectralNormConfig;
use super::swiglu::SwiGluConfig;
use super::weight_norm::WeightNormConfig;
use crate::error::ConfigError;
use crate::module::AnyModule;

/// All layers. A line here gives a layer its name in configurations, the laws and a place in the documentation.
pub fn table() -> &'static Shelf {
    static TABLE: &Shelf = &[
        &LayerEntry::of::<LinearConfig>(),
        &LayerEntry::of::<ActivationConfig>(),
        &LayerEntry::of::<GluConfig>(),
        &LayerEntry::of::<SwiGluConfig>(),
        &LayerEntry::of::<DropoutConfig>(),
        &LayerEntry::of::<AlphaDropoutConfig>(),
        &LayerEntry::of::<GaussianDropoutConfig>(),
        &LayerEntry::of::<GaussianNoiseConfig>(),
        &LayerEntry::of::<DropConnectConfig>(),
        &LayerEntry::of::<WeightNormConfig>(),
        &LayerEntry::of::<SpectralNormConfig>(),
        &LayerEntry::of::<ActivityConfig>(),
        &LayerEntry::of::<KlSparsityConfig>(),
        &LayerEntry::of::<KSparseConfig>(),
        &LayerEntry::of::<BatchNormConfig>(),
        &LayerEntry::of::<LayerNormConfig>(),
        &LayerEntry::of::<GroupNormConfig>(),
        &LayerEntry::of::<RmsNormConfig>(),
        &LayerEntry::of::<PReluConfig>(),
        &LayerEntry::of::<HighwayConfig>(),
        &LayerEntry::of::<ResidualConfig>(),
        &LayerEntry::of::<SequentialConfig>(),
    ];
    TABLE
}

// What builds inner layers by name needs the table, which needs what builds: these doors to the table above stand here, so that
// the files of the layers never import it.

impl LayerConfig {
    /// Builds the layer, one of [`table`], below `scope`; returns it with its number of outputs.
    ///
    /// # Errors
    /// If no layer has that name, or its configuration is wrong.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<(Box<dyn AnyModule>, usize), ConfigError> {
        self.build_from(scope, inputs, table())
    }

    /// Which laws hold for the layer, one of [`table`].
    ///
    /// # Errors
    /// As [`LayerConfig::build`].
    pub fn traits(&self) -> Result<LayerTraits, ConfigError> {
        self.traits_from(table())
    }
}

impl SequentialConfig {
    /// Builds the layers, of [`table`], below the children `0`, `1`, .. of `scope`.
    ///
    /// # Errors
    /// If a layer is unknown or its configuration is wrong.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<Sequential, ConfigError> {
        Ok(self.build_from(scope, inputs, table())?.0)
    }
}

impl ResidualConfig {
    /// Builds the branch, of layers of [`table`], below the children `0`, `1`, .. of `scope`.
    ///
    /// # Errors
    /// If a layer is unknown or its configuration is wrong, or the branch changes the width.
    pub fn build(&self, scope: &mut Scope<'_>, inputs: usize) -> Result<Residual, ConfigError> {
        Ok(self.build_from(scope, inputs, table())?.0)
    }
}
