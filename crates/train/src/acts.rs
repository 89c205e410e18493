//! What operations and activations on a tape are called in tables.

use layerwise_autograd::{Act, Tape, Var};
use layerwise_nn_layers::activation;
use layerwise_tensor::Scalar;

/// The name that configurations have for an activation, or its own where it stands in no table.
pub(crate) fn name_of(act: Act) -> &'static str {
    let entry = activation::table().iter().find(|e| e.function.name() == act.name());
    entry.map_or(act.name(), |e| e.name)
}

/// The name of an operation; `activate` for an activation that stands alone.
pub(crate) fn op_of<T: Scalar>(tape: &Tape<T>, var: Var) -> &'static str {
    let op = tape.slot(var).op;
    if tape.act(var).is_some_and(|act| act.name() == op) { "activate" } else { op }
}
