//! What can be said of a run from its losses and the looks taken.

use super::finding::{Code, Finding};
use super::snapshot::Snapshot;
use super::stats::median;

/// A step that changes a matrix by more than this share of its norm undoes it.
const LARGE_UPDATE: f64 = 0.5;
/// Steps that never change a matrix by more than this share of its norm cannot arrive within a fit of thousands of steps.
const SMALL_UPDATE: f64 = 1e-5;
/// A loss that ended this many times above the first one has risen, whatever the batches were.
const RISEN: f64 = 1.5;
/// A loss that grew by this factor before it stopped being a number diverged by too large a rate.
const BLOWN_UP: f64 = 10.0;
/// The share by which targets of other rows must fit worse than the right ones.
const TOLD_APART: f64 = 0.05;
/// The validation loss at the end, in units of the smallest one, and of the training loss at the end.
const OVERFITTED: (f64, f64) = (1.3, 2.0);

/// The median over the layers of the last update relative to the weights.
fn update(look: &Snapshot) -> Option<f64> {
    median(look.layers.iter().filter_map(|l| l.update_ratio))
}

/// Whether the rate explains that the loss stopped being a number or rose; `losses` are those of the steps.
pub(crate) fn rate_too_high(looks: &[Snapshot], losses: &[f64], diverged: bool) -> Option<Finding> {
    let first = *losses.first()?;
    let late = &losses[losses.len() - losses.len().div_ceil(4)..];
    let late = late.iter().sum::<f64>() / late.len() as f64;
    let last = losses[losses.len() - 1];
    let updates = median(looks.iter().filter_map(update).take(3)).unwrap_or(0.0);
    let blown_up = diverged && last.abs() > BLOWN_UP * first.abs();
    let risen = late - first > (RISEN - 1.0) * first.abs();
    (blown_up || risen || updates > LARGE_UPDATE).then(|| {
        let evidence = [("update relative to the weights", updates), ("first loss", first), ("late loss", late)];
        Finding::new(Code::RateTooHigh, "", &evidence)
    })
}

/// Whether no step looked at changed a matrix by more than a hundred thousandth of it, though some changed.
pub(crate) fn rate_too_low(looks: &[Snapshot]) -> Option<Finding> {
    let of = |l: &Snapshot| l.layers.iter().filter_map(|l| l.update_ratio).collect::<Vec<_>>();
    let largest = looks.iter().flat_map(of).fold(0.0, f64::max);
    (largest > 0.0 && largest < SMALL_UPDATE)
        .then(|| Finding::new(Code::RateTooLow, "", &[("largest update relative to the weights", largest)]))
}

/// The losses of the trained model against the right targets and against those of other rows.
pub(crate) fn no_learning(right: f64, others: f64) -> Option<Finding> {
    (others - right < TOLD_APART * others.abs()).then(|| {
        let evidence = [("loss against the targets", right), ("against the targets of other rows", others)];
        Finding::new(Code::NoLearning, "", &evidence)
    })
}

/// Whether the validation loss rose while the training loss, the last of which is `train`, fell below it.
pub(crate) fn overfitting(train: f64, validation: &[f64]) -> Option<Finding> {
    let last = *validation.last()?;
    let best = validation.iter().copied().fold(f64::INFINITY, f64::min);
    let (above_best, above_train) = OVERFITTED;
    (best > 0.0 && last > above_best * best && last > above_train * train).then(|| {
        let evidence =
            [("validation loss at the end", last), ("at its best", best), ("training loss at the end", train)];
        Finding::new(Code::Overfitting, "", &evidence)
    })
}

/// Whether the loss reaches no matrix of weights at all.
pub(crate) fn unreached(look: &Snapshot) -> Option<Finding> {
    let mut weights = look.layers.iter().filter(|l| l.weight.is_some()).peekable();
    let any = weights.peek().is_some();
    (any && weights.all(|l| l.gradients.is_none()))
        .then(|| Finding::new(Code::NoLearning, "", &[("layers that a gradient reaches", 0.0)]))
}
