//! The table of initializers.

use super::entry::InitEntry;
use super::{
    constant, glorot_normal, glorot_uniform, he_normal, he_uniform, identity, lecun_normal, lecun_uniform, normal,
    orthogonal, sparse, torch_linear, truncated_normal, uniform, zeros,
};

/// All initializers. A line here gives an initializer its name in configurations, the laws and a place in the documentation.
pub fn table() -> &'static [&'static InitEntry] {
    static TABLE: &[&InitEntry] = &[
        &zeros::ENTRY,
        &constant::ENTRY,
        &normal::ENTRY,
        &uniform::ENTRY,
        &glorot_uniform::ENTRY,
        &glorot_normal::ENTRY,
        &he_uniform::ENTRY,
        &he_normal::ENTRY,
        &lecun_uniform::ENTRY,
        &lecun_normal::ENTRY,
        &truncated_normal::ENTRY,
        &orthogonal::ENTRY,
        &identity::ENTRY,
        &sparse::ENTRY,
        &torch_linear::ENTRY,
    ];
    TABLE
}
