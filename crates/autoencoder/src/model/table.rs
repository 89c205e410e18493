//! The table of autoencoders.

use super::kind::ModelKind;
use super::{bottleneck, contractive, deep, denoising, sparse, tied, variational};

/// All kinds of autoencoders.
pub fn table() -> &'static [&'static ModelKind] {
    static TABLE: &[&ModelKind] = &[
        &bottleneck::KIND,
        &deep::KIND,
        &denoising::KIND,
        &tied::KIND,
        &sparse::KIND,
        &contractive::KIND,
        &variational::KIND,
    ];
    TABLE
}
