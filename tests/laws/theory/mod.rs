//! What the theory says, measured: each law prints a line `theory: NAME error=.. bound=..` and fails above its bound.

mod linear_models;
mod momentum;
mod propagation;
mod selu;

/// Prints how far a measurement is from what the theory says, and fails if that is farther than the bound.
#[track_caller]
fn measured(name: &str, error: f64, bound: f64) {
    println!("theory: {name} error={error:.3e} bound={bound:.3e}");
    assert!(error <= bound, "{name}: {error:e} from the theory, {bound:e} allowed");
}

/// `count` standard normal numbers.
fn normal(count: usize, seed: u64) -> Vec<f64> {
    let mut values = vec![0.0; count];
    layerwise::tensor::Stream::new(seed).child("theory").normal(0, &mut values);
    values
}
