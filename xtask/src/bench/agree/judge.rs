//! How far a program may be from ours, and whether it is farther.

use crate::bench::workload::{Rule, Sizes};

/// Steps whose losses a program writes.
const STEPS: usize = 5;

/// Those whose losses are compared in `f64`: a deep network with batch norm then enlarges the last bits of a constant a hundred times a
/// step.
const COMPARED: usize = 3;

/// How far two programs may be apart that do the same in another order.
#[derive(Clone, Copy)]
struct Tolerance {
    /// Steps whose losses are compared.
    steps: usize,
    /// Each of these losses, relative to ours; or the outputs, relative to the norm of ours.
    loss: f64,
    /// The first update of all parameters, relative to the norm of ours.
    update: f64,
}

/// Sums of some thousand products in another order; the update is not compared.
const F32: Tolerance = Tolerance { steps: 1, loss: 1e-5, update: f64::INFINITY };

/// Room for constants that a library keeps with the digits of `f32`, as burn does those of Adam and candle those of the derivative of GELU:
/// the first update of Adam enlarges them where a gradient is as small as epsilon.
const F64: Tolerance = Tolerance { steps: COMPARED, loss: 1e-5, update: 1e-4 };

/// scikit-learn's Adam adds its epsilon before it corrects the second moment, and takes half the squared error: small gradients count less.
const SKLEARN_ADAM: Tolerance = Tolerance { steps: COMPARED, loss: 1e-3, update: 5e-2 };

/// Whether `theirs` is near enough to `ours`, both from `start`, and how far they are apart.
pub(super) fn verdict(sizes: &Sizes, name: &str, start: &[f64], ours: &[f64], theirs: &[f64]) -> (bool, String) {
    let least = if sizes.rule.is_some() { STEPS } else { 0 };
    if ours.len() != theirs.len() || ours.len() < least {
        return (false, format!("NOT THE SAME WORK: {} numbers where ours writes {}", theirs.len(), ours.len()));
    }
    let tolerance = match (sizes.element, &sizes.rule) {
        (4, _) => F32,
        (_, Some(Rule::Adam)) if name == "sklearn" => SKLEARN_ADAM,
        _ => F64,
    };
    if sizes.rule.is_none() {
        let loss = apart(&vec![0.0; ours.len()], ours, theirs);
        return said(loss <= tolerance.loss, format!("the outputs differ by {loss:.1e}"));
    }
    let (losses, after) = ours.split_at(STEPS);
    let (their_losses, their_after) = theirs.split_at(STEPS);
    let relative = losses.iter().zip(their_losses).take(tolerance.steps).map(|(a, b)| (a - b).abs() / a.abs());
    // Unlike `f64::max`, this keeps what is not a number.
    let loss = relative.fold(0.0, |most, x| if x <= most { most } else { x });
    let update = apart(start, after, their_after);
    let falls = their_losses[STEPS - 1] < their_losses[0];
    let mut text =
        format!("losses of {} steps differ by {loss:.1e}, the first update by {update:.1e}", tolerance.steps);
    if tolerance.update.is_infinite() {
        text = format!("the first loss differs by {loss:.1e}");
    }
    if !falls {
        text.push_str(", and the loss does not fall");
    }
    said(loss <= tolerance.loss && update <= tolerance.update && falls, text)
}

fn said(good: bool, text: String) -> (bool, String) {
    (good, if good { text } else { format!("NOT THE SAME WORK: {text}") })
}

/// Norm of the difference of two ways from `start`, relative to the first.
fn apart(start: &[f64], ours: &[f64], theirs: &[f64]) -> f64 {
    let squares = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    (squares(ours, theirs) / squares(start, ours)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(rest: &str) -> Sizes {
        Sizes::parse(&format!("widths = [2, 1]\nbatch = 1\n{rest}")).unwrap()
    }

    /// A start, features and label included, and what ours makes of it.
    const START: [f64; 6] = [0.5, -0.5, 0.25, 0.1, 0.2, 0.0];
    const OURS: [f64; 8] = [2.0, 1.9, 1.8, 1.7, 1.6, 0.4, -0.4, 0.35];

    #[track_caller]
    fn check(sizes: &Sizes, name: &str, change: impl Fn(&mut [f64; 8]), good: bool) {
        let mut theirs = OURS;
        change(&mut theirs);
        let verdict = verdict(sizes, name, &START, &OURS, &theirs);
        assert_eq!(verdict.0, good, "{}", verdict.1);
    }

    #[test]
    fn each_difference_is_noticed_in_f64() {
        let adam = sizes("loss = \"mse\"\ndtype = \"f64\"\n[optimizer]\nrule = \"adam\"");
        check(&adam, "jax", |_| {}, true);
        check(&adam, "jax", |x| x[2] *= 1.0 + 1e-6, true);
        check(&adam, "jax", |x| x[2] *= 1.0 + 1e-4, false);
        check(&adam, "jax", |x| x[4] *= 1.0 + 1e-4, true);
        check(&adam, "jax", |x| x[7] += 1e-6, true);
        check(&adam, "jax", |x| x[7] += 1e-4, false);
        check(&adam, "jax", |x| x[4] = 2.5, false);
        check(&adam, "jax", |x| x[0] = f64::NAN, false);
        check(&adam, "jax", |x| x[6] = f64::NAN, false);
        check(&adam, "sklearn", |x| x[7] += 1e-3, true);
        check(&adam, "sklearn", |x| x[7] += 1e-1, false);
        assert!(!verdict(&adam, "jax", &START, &OURS, &OURS[..7]).0);
        let sgd = sizes("loss = \"mse\"\ndtype = \"f64\"\n[optimizer]\nrule = \"sgd\"");
        check(&sgd, "sklearn", |x| x[7] += 1e-3, false);
    }

    #[test]
    fn the_first_loss_alone_is_compared_in_f32() {
        let adam = sizes("loss = \"mse\"\n[optimizer]\nrule = \"adam\"");
        check(&adam, "jax", |x| x[1] += 0.1, true);
        check(&adam, "jax", |x| x[7] += 0.1, true);
        check(&adam, "jax", |x| x[0] += 1e-4, false);
        check(&adam, "jax", |x| x[4] = 2.5, false);
    }

    #[test]
    fn outputs_are_compared_where_there_is_no_loss() {
        let forward = sizes("loss = \"none\"");
        check(&forward, "jax", |x| x[3] += 1e-6, true);
        check(&forward, "jax", |x| x[3] += 1e-3, false);
    }
}
