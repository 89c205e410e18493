//! What a slot is, without its buffers.

use layerwise_tensor::ParamId;

use crate::labels::Label;

/// What a slot is, without its buffers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) kind: Kind,
    pub(crate) wants_grad: bool,
    pub(crate) label: Label,
}

impl Node {
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }
}

/// Where a slot's value comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Copied in; wants a gradient or not.
    Source,
    /// Read in place from the matrix lent at this place.
    Lent(u8),
    /// Read in place from the parameters.
    Param(ParamId),
    /// Computed by the slot's operation.
    Op,
}

/// Matrices that can be lent to a step; more are copied.
pub(crate) const LENT: usize = 4;
