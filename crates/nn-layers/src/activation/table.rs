//! The table of activations.

use super::entry::ActivationEntry;
use super::{elu, gelu, gelu_tanh, identity, leaky_relu, relu, selu, sigmoid, tanh};

/// All activations. A line here gives an activation its name in configurations, the laws and a place in the documentation.
pub fn table() -> &'static [&'static ActivationEntry] {
    static TABLE: &[&ActivationEntry] = &[
        &identity::ENTRY,
        &sigmoid::ENTRY,
        &tanh::ENTRY,
        &relu::ENTRY,
        &leaky_relu::ENTRY,
        &elu::ENTRY,
        &selu::ENTRY,
        &gelu::ENTRY,
        &gelu_tanh::ENTRY,
    ];
    TABLE
}
