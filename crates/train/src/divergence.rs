//! Where a number that is none came from.

use layerwise_autograd::{BrokenGradient, Graph};
use layerwise_tensor::{Gradients, Scalar};

use crate::data::{Samples, Targets};

pub(crate) const REMEDY: &str = "The parameters are as they were before this step. Lower the rate, clip the gradient \
    (`Clip::GlobalNorm(1.0)`), scale the features, or train in f64";

/// Why the loss of this step is not finite: the first slot of the tape that is not, or the data behind it.
pub(crate) fn of_loss<T: Scalar>(g: &Graph<'_, T>, samples: &Samples<'_, T>, order: &[usize]) -> String {
    if let Some(place) = in_data(samples, order) {
        return place;
    }
    of_values(g).unwrap_or_else(|| "the loss is not finite though every value before it is".into())
}

/// The first value on the tape that is not finite, if there is one: also where the loss hides it.
pub(crate) fn of_values<T: Scalar>(g: &Graph<'_, T>) -> Option<String> {
    g.first_non_finite().map(|slot| match slot.op {
        "parameter" => format!("the parameter `{}` was not finite before the step", slot.param.unwrap_or_default()),
        _ => format!("the first value that is not finite arose in {slot}"),
    })
}

/// Where a backward pass first put out something that is no number.
pub(crate) fn of_backward(broken: &BrokenGradient) -> String {
    format!("all values are finite, but a gradient is not, beginning where {broken}")
}

/// Why the gradient is not finite: the last parameter, in order of registration, whose gradient is not.
///
/// Backward passes run from the last layer to the first, so this is where it began.
pub(crate) fn of_gradient<T: Scalar>(grads: &Gradients<T>) -> String {
    let broken = |r: &std::ops::Range<usize>| grads.values()[r.clone()].iter().any(|v| !v.is_finite());
    match grads.written().filter(|(_, range)| broken(range)).last() {
        Some((id, _)) => {
            let name = &grads.layout().spec(id).name;
            format!("the loss is finite, but the gradient is not, beginning at `{name}`")
        }
        None => "the loss is finite, but the norm of the gradient overflows".into(),
    }
}

fn in_data<T: Scalar>(samples: &Samples<'_, T>, order: &[usize]) -> Option<String> {
    for i in order {
        if let Some(c) = samples.inputs().row(*i).iter().position(|v| !v.is_finite()) {
            let v = samples.inputs()[[*i, c]];
            return Some(format!("the data hold {v} in row {i}, feature {c}: remove or fill in what is missing"));
        }
        if let Targets::Values(values) = samples.targets()
            && let Some(c) = (0..values.ncols()).find(|c| samples.counts(*i, *c) && !values[[*i, *c]].is_finite())
        {
            return Some(format!("the targets hold {} in row {i}, column {c}", values[[*i, c]]));
        }
    }
    None
}
