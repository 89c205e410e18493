//! Columns of random numbers by name.

use layerwise_tensor::Stream;

/// `n` numbers uniform in `low..high`.
pub(super) fn uniform(stream: &Stream, name: &str, n: usize, low: f64, high: f64) -> Vec<f64> {
    let mut values = vec![0.0; n];
    stream.child(name).uniform(0, &mut values);
    values.iter_mut().for_each(|v| *v = low + (high - low) * *v);
    values
}

/// `n` normal numbers.
pub(super) fn normal(stream: &Stream, name: &str, n: usize, mean: f64, std: f64) -> Vec<f64> {
    let mut values = vec![0.0; n];
    stream.child(name).normal(0, &mut values);
    values.iter_mut().for_each(|v| *v = mean + std * *v);
    values
}

/// `n` whole numbers below `below`, equally likely.
pub(super) fn choice(stream: &Stream, name: &str, n: usize, below: usize) -> Vec<usize> {
    uniform(stream, name, n, 0.0, below as f64).iter().map(|&v| (v as usize).min(below.saturating_sub(1))).collect()
}
