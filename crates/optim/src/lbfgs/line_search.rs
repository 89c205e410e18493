//! The strong Wolfe line search.

/// A point on the line, and where its gradient is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// Distance from the start, in directions.
    pub(super) t: f64,
    pub(super) loss: f64,
    /// Derivative of the loss by `t`.
    pub(super) slope: f64,
    /// Which of the gradients belongs to it; the start has 0, the others 1 to 3.
    pub(super) grad: usize,
}

/// What the search must keep to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A bracket in which no parameter can move by this much is small enough.
    pub(super) tolerance_change: f64,
    /// Largest magnitude in the direction.
    pub(super) direction_max: f64,
    /// Trials after the first.
    pub(super) trials: u64,
}

const FALL: f64 = 1e-4;
const FLATTEN: f64 = 0.9;

/// Looks for a point beyond `start` that fulfils the strong Wolfe conditions, first at `t`; returns it, or the lowest point found, and the
/// number of evaluations.
///
/// `evaluate(t, grad)` puts the gradient at `t` into the given place and returns loss and slope. A loss that is not finite counts as
/// higher than any, so that a step out of the domain is taken back; elsewhere this is PyTorch's search, trial by trial.
///
/// Source: J. Nocedal, S. J. Wright, *Numerical optimization* (2006), algorithms 3.5 and 3.6, as in M. Schmidt's minFunc.
pub(super) fn strong_wolfe(
    start: Point,
    t: f64,
    limits: Limits,
    mut evaluate: impl FnMut(f64, usize) -> (f64, f64),
) -> (Point, u64) {
    let mut evaluations = 0;
    let mut look = |t: f64, kept: [Point; 2]| {
        evaluations += 1;
        // One of three places is not taken by the two points that are kept.
        let grad = (1..=3).find(|i| kept.iter().all(|p| p.grad != *i)).unwrap_or(3);
        let (loss, slope) = evaluate(t, grad);
        let finite = loss.is_finite() && slope.is_finite();
        if finite { Point { t, loss, slope, grad } } else { Point { t, loss: f64::INFINITY, slope: f64::NAN, grad } }
    };
    let high = |p: Point| p.loss > start.loss + FALL * p.t * start.slope;
    let flat = |p: Point| p.slope.abs() <= -FLATTEN * start.slope;

    // Go on until a good point lies between two trials.
    let (mut before, mut new) = (start, look(t, [start, start]));
    let mut trials = 0;
    let mut bracket = None;
    while trials < limits.trials {
        if high(new) || (trials > 1 && new.loss >= before.loss) {
            bracket = Some([before, new]);
            break;
        }
        if flat(new) {
            return (new, evaluations);
        }
        if new.slope >= 0.0 {
            bracket = Some([before, new]);
            break;
        }
        let bounds = (new.t + 0.01 * (new.t - before.t), new.t * 10.0);
        let t = cubic(before, new, bounds);
        (before, new) = (new, look(t, [new, new]));
        trials += 1;
    }
    let mut bracket = bracket.unwrap_or([start, new]);

    // Narrow it down.
    let mut stuck = false;
    let (mut low, mut high_end) = lower_first(&bracket);
    while trials < limits.trials {
        let (left, right) = (bracket[0].t.min(bracket[1].t), bracket[0].t.max(bracket[1].t));
        if (right - left) * limits.direction_max < limits.tolerance_change {
            break;
        }
        let mut t = cubic(bracket[0], bracket[1], (left, right));
        // A trial close to an end learns little: the second in a row, or one on the end, is moved inwards by a tenth.
        let margin = 0.1 * (right - left);
        if (right - t).min(t - left) < margin {
            if stuck || t >= right || t <= left {
                t = if (t - right).abs() < (t - left).abs() { right - margin } else { left + margin };
                stuck = false;
            } else {
                stuck = true;
            }
        } else {
            stuck = false;
        }
        let new = look(t, bracket);
        trials += 1;
        if high(new) || new.loss >= bracket[low].loss {
            bracket[high_end] = new;
            (low, high_end) = lower_first(&bracket);
        } else {
            let done = flat(new);
            if !done && new.slope * (bracket[high_end].t - bracket[low].t) >= 0.0 {
                bracket[high_end] = bracket[low];
            }
            bracket[low] = new;
            if done {
                break;
            }
        }
    }
    (bracket[low], evaluations)
}

/// Which end has the lower loss, and the other.
fn lower_first(bracket: &[Point; 2]) -> (usize, usize) {
    if bracket[0].loss <= bracket[1].loss { (0, 1) } else { (1, 0) }
}

/// The minimum of the cubic through both points with their slopes, held within `bounds`; their middle if there is none.
fn cubic(a: Point, b: Point, bounds: (f64, f64)) -> f64 {
    let (left, right) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    let d2 = square.sqrt();
    let t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2.0 * d2));
    if t.is_finite() { t.max(bounds.0).min(bounds.1) } else { (bounds.0 + bounds.1) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(f: impl Fn(f64) -> (f64, f64), t: f64) -> (Point, u64) {
        let (loss, slope) = f(0.0);
        let start = Point { t: 0.0, loss, slope, grad: 0 };
        let limits = Limits { tolerance_change: 1e-9, direction_max: 1.0, trials: 25 };
        strong_wolfe(start, t, limits, |t, _| f(t))
    }

    #[test]
    fn the_point_found_fulfils_both_conditions() {
        // A parabola, a valley behind a hill, one with a wall, and a steep exponential.
        let functions: [fn(f64) -> (f64, f64); 4] = [
            |t| ((t - 3.0).powi(2), 2.0 * (t - 3.0)),
            |t| (-(1.7 * t).sin() - 0.1 * t, -1.7 * (1.7 * t).cos() - 0.1),
            |t| if t < 2.0 { (-t - (2.0 - t).ln(), -1.0 + 1.0 / (2.0 - t)) } else { (f64::NAN, f64::NAN) },
            |t| ((t - 1.0).exp() - 2.0 * t, (t - 1.0).exp() - 2.0),
        ];
        for (i, f) in functions.iter().enumerate() {
            let (loss, slope) = f(0.0);
            assert!(slope < 0.0);
            for t in [1e-3, 0.5, 1.0, 7.0, 100.0] {
                let (end, evaluations) = search(f, t);
                assert!(end.loss <= loss + FALL * end.t * slope, "function {i} from {t}: {end:?}");
                assert!(end.slope.abs() <= -FLATTEN * slope, "function {i} from {t}: {end:?}");
                assert!(evaluations <= 26);
            }
        }
    }

    #[test]
    fn a_cubic_is_minimised_at_once() {
        let f = |t: f64| (t * t * t - 3.0 * t, 3.0 * t * t - 3.0);
        let at = |t: f64| Point { t, loss: f(t).0, slope: f(t).1, grad: 0 };
        assert!((cubic(at(0.0), at(2.0), (0.0, 2.0)) - 1.0).abs() < 1e-15);
        assert!((cubic(at(2.0), at(0.5), (0.5, 2.0)) - 1.0).abs() < 1e-15);
        // A straight line has no minimum: the middle.
        let line = |t: f64| Point { t, loss: -t, slope: -1.0, grad: 0 };
        assert_eq!(cubic(line(0.0), line(1.0), (0.0, 1.0)), 0.5);
    }
}
