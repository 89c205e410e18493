//! The table of corruptions.

use layerwise_nn_layers::layer::{LayerEntry, Shelf};

use super::gaussian::GaussianNoiseConfig;

/// All corruptions, by the names configurations use.
pub fn table() -> &'static Shelf {
    static TABLE: &Shelf = &[&LayerEntry::of::<GaussianNoiseConfig>()];
    TABLE
}
