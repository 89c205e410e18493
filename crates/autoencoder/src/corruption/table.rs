//! The table of corruptions.

use layerwise_nn_layers::layer::{LayerEntry, Shelf};

use super::block::BlockConfig;
use super::gaussian::GaussianNoiseConfig;
use super::masking::MaskingConfig;
use super::salt_and_pepper::SaltAndPepperConfig;
use super::swap::SwapConfig;

/// All corruptions, by the names configurations use.
pub fn table() -> &'static Shelf {
    static TABLE: &Shelf = &[
        &LayerEntry::of::<GaussianNoiseConfig>(),
        &LayerEntry::of::<MaskingConfig>(),
        &LayerEntry::of::<SaltAndPepperConfig>(),
        &LayerEntry::of::<SwapConfig>(),
        &LayerEntry::of::<BlockConfig>(),
    ];
    TABLE
}
