//! The initializer that gives every value the same.

use super::Initializer;
use crate::stream::Stream;

/// Every value the same: zeros for biases, ones for the gain of a norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant(
    /// The value.
    pub f64,
);

impl Initializer for Constant {
    fn fill(&self, _rows: usize, _cols: usize, _stream: &Stream, out: &mut [f64]) {
        out.fill(self.0);
    }
}
