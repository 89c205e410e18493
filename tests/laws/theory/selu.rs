//! The fixed point of self-normalising networks, by numerical integration of our own activation.
//!
//! G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, *Self-normalizing neural networks*, arXiv 1706.02515 (2017), theorem 1.

use std::f64::consts::{PI, TAU};

use layerwise::nn::Activation;

use super::measured;

const NODES: usize = 20;

/// Nodes and weights of Gauss and Legendre on `[-1, 1]`: the roots of the polynomial by Newton's method.
fn legendre() -> [(f64, f64); NODES] {
    std::array::from_fn(|i| {
        let n = NODES as f64;
        let mut x = (PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 0.0;
        for _ in 0..100 {
            let (mut p, mut before) = (x, 1.0);
            for k in 2..=NODES {
                let k = k as f64;
                (p, before) = (((2.0 * k - 1.0) * x * p - (k - 1.0) * before) / k, p);
            }
            slope = n * (x * p - before) / (x * x - 1.0);
            x -= p / slope;
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    })
}

/// `E f(z)` for a standard normal `z`, with a seam at `kink`: panels of one half, where every integrand here is analytic, out to 14 standard
/// deviations, beyond which lies less than 1e-43.
fn expectation(kink: f64, f: impl Fn(f64) -> f64) -> f64 {
    let nodes = legendre();
    let mut sum = 0.0;
    for panel in -29..29 {
        let (from, to) = (kink + 0.5 * f64::from(panel), kink + 0.5 * f64::from(panel + 1));
        for (x, weight) in nodes {
            let z = 0.5 * (from + to) + 0.25 * x;
            sum += 0.25 * weight * f(z) * (-0.5 * z * z).exp() / TAU.sqrt();
        }
    }
    sum
}

/// Mean and variance of SELU for a normal input with this mean and variance.
fn moments(mean: f64, variance: f64) -> (f64, f64) {
    let (deviation, selu) = (variance.sqrt(), Activation::SELU);
    let kink = -mean / deviation;
    let first = expectation(kink, |z| selu.value(mean + deviation * z));
    let second = expectation(kink, |z| selu.value(mean + deviation * z).powi(2));
    (first, second - first * first)
}

#[test]
fn the_integration_is_exact() {
    let error = |found: f64, expected: f64| (found - expected).abs();
    let worst = [
        error(expectation(0.3, |_| 1.0), 1.0),
        error(expectation(0.3, |z| z * z), 1.0),
        error(expectation(0.0, |z| z.max(0.0)), 1.0 / TAU.sqrt()),
        error(expectation(0.0, |z| z.powi(8)), 105.0) / 105.0,
        error(expectation(0.0, |z| (0.5 * z).exp()), 0.125f64.exp()),
    ];
    measured("gauss-legendre", worst.into_iter().fold(0.0, f64::max), 1e-14);
}

#[test]
fn mean_zero_and_variance_one_are_a_fixed_point() {
    let (mean, variance) = moments(0.0, 1.0);
    measured("selu fixed point, mean", mean.abs(), 1e-12);
    measured("selu fixed point, variance", (variance - 1.0).abs(), 1e-12);
}

/// With weights that sum to 0 and whose squares sum to 1, the mean of the next layer's input is 0 and its variance that of the outputs; the
/// slopes of the map at the fixed point are below 1.
#[test]
fn the_fixed_point_attracts() {
    let selu = Activation::SELU;
    // d/dv E f(sqrt(v) z) = E z f'(z) / 2 at v = 1.
    let of_mean = expectation(0.0, |z| 0.5 * z * selu.derivative(z));
    let of_variance = expectation(0.0, |z| z * selu.value(z) * selu.derivative(z));
    // The same by hand: with the integrals of e^(s z) over the negative half, and Φ(-1), Φ(-2).
    let (scale, alpha) = (selu.derivative(1.0), -selu.value(-40.0) / selu.derivative(1.0));
    let (one, two) = (0.5f64.exp() * 0.158_655_253_931_457_05, 2f64.exp() * 0.022_750_131_948_179_21);
    let root = TAU.sqrt();
    let mean_by_hand = 0.5 * scale * (1.0 / root + alpha * (one - 1.0 / root));
    let variance_by_hand = scale * scale * (0.5 + alpha * alpha * (2.0 * two - one));
    measured("selu jacobian, mean by variance", (of_mean - mean_by_hand).abs(), 1e-12);
    measured("selu jacobian, variance by variance", (of_variance - variance_by_hand).abs(), 1e-12);
    measured("selu contraction, norm of the jacobian", of_mean.hypot(of_variance), 0.788);

    let mut slowest = 0.0f64;
    for start in [0.05, 0.5, 0.8, 1.5, 3.0, 16.0] {
        let mut variance: f64 = start;
        for _ in 0..160 {
            let next = moments(0.0, variance).1;
            if (variance - 1.0).abs() > 1e-6 {
                slowest = slowest.max((next - 1.0).abs() / (variance - 1.0).abs());
            }
            variance = next;
        }
        measured(&format!("selu variance after 160 layers from {start}"), (variance - 1.0).abs(), 1e-12);
    }
    measured("selu contraction, slowest layer", slowest, 0.999);
}
