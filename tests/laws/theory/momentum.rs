//! Momentum on a quadratic function is a linear recursion of two steps: its iterates and rates are known exactly.
//!
//! B. T. Polyak (1964); Yu. Nesterov (1983); the roots as in B. O'Donoghue, E. Candès, *Adaptive restart for accelerated gradient schemes* (2015).

use layerwise::optim::{OptimizerConfig, Sgd};
use layerwise::tensor::{Constant, Gradients, Layout, ParamKind, Params, Stream};

use super::measured;

/// The iterates from 1 down `slope`, and the updates.
fn walk(rule: Sgd, rate: f64, steps: usize, slope: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(1.0));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut optimizer = OptimizerConfig::new(rule).rate(rate).build(&params).expect("a valid configuration");
    let mut iterates = vec![1.0];
    for _ in 0..steps {
        let w = params.get(id)[0];
        grads.clear();
        grads.slot(id).0[0] = slope(w);
        optimizer.step(&mut params, &mut grads);
        iterates.push(params.get(id)[0]);
    }
    iterates
}

/// The companion matrix of the recursion `w'' = p w' - q w` for curvature `c`, as trace `p` and determinant `q`, and its second value.
fn recursion(nesterov: bool, rate: f64, momentum: f64, c: f64) -> (f64, f64, f64) {
    let shrunk = 1.0 - rate * c;
    if nesterov {
        ((1.0 + momentum) * shrunk, momentum * shrunk, shrunk - rate * momentum * c)
    } else {
        (1.0 + momentum - rate * c, momentum, shrunk)
    }
}

/// The solution of the recursion from 1 and `second`, by the roots of `r² - p r + q`.
fn closed_form(p: f64, q: f64, second: f64, t: i32) -> f64 {
    let disc = p * p - 4.0 * q;
    if disc < 0.0 {
        let (radius, angle) = (q.sqrt(), (-disc).sqrt().atan2(p));
        let sine = (second / radius - angle.cos()) / angle.sin();
        let turn = f64::from(t) * angle;
        radius.powi(t) * (turn.cos() + sine * turn.sin())
    } else {
        // The root far from 0 first, the other from the product, so that neither loses digits.
        let large = 0.5 * (p + disc.sqrt().copysign(p));
        let small = q / large;
        let share = (second - small) / (large - small);
        share * large.powi(t) + (1.0 - share) * small.powi(t)
    }
}

const CURVATURES: [f64; 5] = [0.03, 0.4, 1.0, 2.5, 10.0];

#[test]
fn iterates_of_both_kinds_are_the_powers_of_the_companion_matrix() {
    for (name, nesterov) in [("heavy ball", false), ("nesterov", true)] {
        let mut worst = 0.0f64;
        for (rate, momentum) in [(0.1, 0.9), (0.05, 0.5), (0.01, 0.99), (0.15, 0.3)] {
            let rule = if nesterov { Sgd::default().nesterov(momentum) } else { Sgd::default().momentum(momentum) };
            for c in CURVATURES {
                let (p, q, second) = recursion(nesterov, rate, momentum, c);
                if p.abs() < 1e-9 && q.abs() < 1e-9 {
                    // Both roots are 0: at rest after two steps, and the formula divides by them.
                    continue;
                }
                for (t, w) in walk(rule, rate, 300, |w| c * w).into_iter().enumerate() {
                    worst = worst.max((w - closed_form(p, q, second, t as i32)).abs());
                }
            }
        }
        measured(&format!("{name}, iterates on a quadratic"), worst, 1e-10);
    }
}

/// Of a recursion `w'' = p w' - q w`, `w w'' - w'²` shrinks by exactly `q` a step, which gives the rate `sqrt(q)` of a complex pair without
/// its oscillation: `sqrt(momentum)` for the heavy ball, `sqrt(momentum (1 - rate c))` for Nesterov.
#[test]
fn convergence_rates_are_the_spectral_radii() {
    for (name, nesterov) in [("heavy ball", false), ("nesterov", true)] {
        let mut worst = 0.0f64;
        for (rate, momentum) in [(0.1, 0.9), (0.02, 0.95), (0.05, 0.81)] {
            let rule = if nesterov { Sgd::default().nesterov(momentum) } else { Sgd::default().momentum(momentum) };
            for c in CURVATURES {
                let (p, q, _) = recursion(nesterov, rate, momentum, c);
                if p * p >= 4.0 * q {
                    continue;
                }
                let w = walk(rule, rate, 40, |w| c * w);
                let wronskian = |t: usize| w[t] * w[t + 2] - w[t + 1] * w[t + 1];
                let found = (wronskian(30) / wronskian(2)).abs().powf(0.5 / 28.0);
                let expected = if nesterov { (momentum * (1.0 - rate * c)).sqrt() } else { momentum.sqrt() };
                worst = worst.max((found - expected).abs());
            }
        }
        measured(&format!("{name}, rate of convergence"), worst, 1e-10);
    }
}

/// With the best constants for curvatures between `l` and `L` both ends shrink by `(sqrt(κ) - 1) / (sqrt(κ) + 1)` a step, where gradient
/// descent has `(κ - 1) / (κ + 1)`.
#[test]
fn the_best_heavy_ball_needs_the_root_of_the_condition_number() {
    let (low, high) = (1.0f64, 100.0f64);
    let root = (high / low).sqrt();
    let best = (root - 1.0) / (root + 1.0);
    let rate = 4.0 / (low.sqrt() + high.sqrt()).powi(2);
    for c in [low, high] {
        // A double root r: w_t = (1 + b t) r^t, from which b and then r^2 = momentum follow.
        let w = walk(Sgd::default().momentum(best * best), rate, 60, |w| c * w);
        let r = if c == low { best } else { -best };
        let b = (1.0 - rate * c) / r - 1.0;
        let worst = w.iter().enumerate().map(|(t, w)| (w - (1.0 + b * t as f64) * r.powi(t as i32)).abs());
        measured(&format!("best heavy ball at curvature {c}"), worst.fold(0.0, f64::max), 1e-10);
    }
    let plain = walk(Sgd::default(), 2.0 / (low + high), 60, |w| low * w);
    let shrink = (high / low - 1.0) / (high / low + 1.0);
    measured("best gradient descent", (plain[60] - shrink.powi(60)).abs(), 1e-12);
}

/// A gradient that stays the same is followed at `rate (1 - momentum^t) / (1 - momentum)`: in the end `rate / (1 - momentum)`.
#[test]
fn momentum_multiplies_the_rate() {
    for momentum in [0.5f64, 0.9, 0.99] {
        let (rate, gradient) = (0.01, -3.0);
        for (name, nesterov) in [("heavy ball", 0), ("nesterov", 1)] {
            let rule = Sgd::default();
            let rule = if nesterov == 1 { rule.nesterov(momentum) } else { rule.momentum(momentum) };
            let w = walk(rule, rate, 4000, |_| gradient);
            let mut worst = 0.0f64;
            for t in 1..=4000 {
                let expected = rate * gradient * (1.0 - momentum.powi(t as i32 + nesterov)) / (1.0 - momentum);
                worst = worst.max(((w[t - 1] - w[t]) / expected - 1.0).abs());
            }
            // A difference of numbers up to 12000, each rounded.
            measured(&format!("effective rate of {name} {momentum}"), worst, 1e-9);
            let last = (w[3999] - w[4000]) / gradient;
            measured(&format!("final rate of {name} {momentum}"), (last * (1.0 - momentum) / rate - 1.0).abs(), 1e-9);
        }
    }
}
