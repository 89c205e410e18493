//! The small enums that name a mode where other libraries pass a `bool`.

/// What a kernel does with what its output holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accum {
    /// Overwrite it.
    Replace,
    /// Add to it.
    Add,
}

/// Whether a model is being trained or used.
///
/// Dropout and noise act, and batch norm uses the statistics of the batch, only under [`Mode::Train`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Training: batch statistics, random masks, pending updates of buffers.
    Train,
    /// Use: running statistics, no randomness.
    Eval,
}
