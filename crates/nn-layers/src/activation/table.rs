//! The table of activations.

use super::entry::ActivationEntry;
use super::{
    celu, elu, gelu, gelu_tanh, hardshrink, hardsigmoid, hardswish, hardtanh, identity, leaky_relu, log_sigmoid, mish,
    relu, relu6, selu, sigmoid, silu, softplus, softshrink, softsign, tanh, tanhshrink, threshold,
};

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
        &softsign::ENTRY,
        &silu::ENTRY,
        &mish::ENTRY,
        &softplus::ENTRY,
        &log_sigmoid::ENTRY,
        &relu6::ENTRY,
        &celu::ENTRY,
        &hardsigmoid::ENTRY,
        &hardswish::ENTRY,
        &hardtanh::ENTRY,
        &tanhshrink::ENTRY,
        &hardshrink::ENTRY,
        &softshrink::ENTRY,
        &threshold::ENTRY,
    ];
    TABLE
}
