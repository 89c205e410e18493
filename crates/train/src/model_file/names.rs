//! How a parameter looks in a file: PyTorch's shapes.

use layerwise_tensor::{ParamKind, ParamSpec};

/// Whether a parameter is a counter, which files hold as an `I64` scalar.
pub(super) fn is_counter(spec: &ParamSpec) -> bool {
    spec.is_buffer() && spec.name.rsplit('.').next() == Some("num_batches_tracked")
}

/// The shape a parameter has in files.
pub(super) fn file_shape(spec: &ParamSpec) -> Vec<usize> {
    match spec.kind {
        _ if is_counter(spec) => Vec::new(),
        ParamKind::Weight => vec![spec.cols, spec.rows],
        _ if spec.rows == 1 => vec![spec.cols],
        _ => vec![spec.rows, spec.cols],
    }
}
