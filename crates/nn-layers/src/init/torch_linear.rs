//! Uniform within `1 / sqrt(fan_in)`, for the weights and for the biases: what `torch.nn.Linear` does on construction
//! (written there as `kaiming_uniform_(a=sqrt(5))`).

use super::entry::{Distribution, InitEntry};

pub(super) static ENTRY: InitEntry = InitEntry {
    name: "torch_linear",
    doc: "uniform within 1 / sqrt(fan_in), biases too",
    args: &[],
    distribution: |_, inputs, _| Distribution::Uniform { bound: bound(inputs) },
};

pub(super) fn bound(inputs: usize) -> f64 {
    1.0 / (inputs.max(1) as f64).sqrt()
}
