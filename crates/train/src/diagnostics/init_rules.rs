//! What can be said of the weights and of a look at them before the first step.

use layerwise_tensor::{Layout, ParamKind, Params, Scalar};

use super::finding::{Code, Finding};
use super::snapshot::{LayerStats, Snapshot};
use super::stats::{median, rms};

/// `inputs * E[w²]` is 1 for LeCun's initializer, 2 for He's, 1/3 for PyTorch's; outside of these bounds something is wrong.
const SMALL_GAIN: f64 = 0.05;
/// See [`SMALL_GAIN`].
const LARGE_GAIN: f64 = 8.0;
/// A layer more than nine tenths of whose outputs are dead is found; half of them are dead wherever all rows look alike, as deep in a
/// network whose signals vanish.
pub(crate) const DEAD: f64 = 0.9;
/// A layer more than half of whose values are saturated is found.
pub(crate) const SATURATED: f64 = 0.5;
/// Gradients of the first and the last layer may differ by this factor.
pub(crate) const GRADIENT_RATIO: f64 = 1e3;

/// Whether a model keeps the statistics of batch norm.
pub(crate) fn has_batch_norm(layout: &Layout) -> bool {
    layout.specs().iter().any(|s| s.kind == ParamKind::Buffer && s.name.ends_with("running_var"))
}

/// `inputs * E[w²]` of each matrix of weights: what a layer multiplies the mean square of its input by.
pub(crate) fn gains<T: Scalar>(params: &Params<T>) -> Vec<(String, f64)> {
    let layout = params.layout();
    let weights = layout.ids().filter(|id| layout.spec(*id).kind == ParamKind::Weight);
    let gain = |id| {
        let spec = layout.spec(id);
        (spec.name.clone(), spec.rows as f64 * rms(params.get(id)).powi(2))
    };
    weights.map(gain).collect()
}

/// Weights that are too small or too large as a whole: by the median, as single layers may start at 0 on purpose.
pub(crate) fn weights<T: Scalar>(params: &Params<T>) -> Option<Finding> {
    let gains = gains(params);
    let typical = median(gains.iter().map(|g| g.1))?;
    let code = match typical {
        g if g < SMALL_GAIN => Code::InitTooSmall,
        g if g > LARGE_GAIN => Code::InitTooLarge,
        _ => return None,
    };
    let worst = gains.iter().max_by(|a, b| (a.1 / typical).ln().abs().total_cmp(&(b.1 / typical).ln().abs()))?;
    Some(Finding::new(
        code,
        "",
        &[("median of inputs x mean square of the weights", typical), (&format!("`{}`", worst.0), worst.1)],
    ))
}

/// Dead and saturated layers, the worst of each kind.
pub(crate) fn activations(look: &Snapshot) -> Vec<Finding> {
    let worst = |of: fn(&LayerStats) -> f64| look.layers.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
    let mut found = Vec::new();
    if let Some(layer) = worst(|l| l.dead).filter(|l| l.dead > DEAD) {
        found.push(Finding::new(Code::DeadUnits, &layer.path, &[("dead share of the outputs", layer.dead)]));
    }
    if let Some(layer) = worst(|l| l.saturated).filter(|l| l.saturated > SATURATED) {
        found.push(Finding::new(Code::Saturated, &layer.path, &[("saturated share of the values", layer.saturated)]));
    }
    found
}

/// Gradients that shrink or grow on their way from the last layer to the first.
pub(crate) fn gradients(look: &Snapshot) -> Option<Finding> {
    let layers = || look.layers.iter().filter(|l| l.weight.is_some());
    let size = |l: &LayerStats| l.gradients.map(|g| g.rms());
    let (first, last) = (size(layers().next()?)?, size(layers().next_back()?)?);
    let code = match last / first {
        r if r > GRADIENT_RATIO => Code::VanishingGradients,
        r if r < 1.0 / GRADIENT_RATIO => Code::ExplodingGradients,
        _ => return None,
    };
    let evidence = [("gradient of the first layer", first), ("of the last", last)];
    Some(Finding::new(code, &layers().next()?.path, &evidence))
}
