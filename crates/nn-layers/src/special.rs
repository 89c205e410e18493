//! The logarithm of the gamma function and its derivative, which likelihoods of counts need.

use layerwise_tensor::{Scalar, math};

/// Below it the argument is moved up, above it the series below is exact to the last digit.
const LARGE: f64 = 10.0;

/// `B_2k / (2k (2k - 1))` for `k = 1..=8`, with the numbers of Bernoulli.
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// `B_2k / 2k` for `k = 1..=8`.
const DIGAMMA: [f64; 8] =
    [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0, 1.0 / 12.0, -3617.0 / 8160.0];

/// `ln Gamma(x)` for `x > 0`; infinite at 0, NaN below.
///
/// `ln Gamma(x + 10)` by Stirling's series, less the logarithm of `x (x + 1) .. (x + 9)`; for `x >= 10` the series alone. Its derivative is
/// [`digamma`].
///
/// Error in `f64`: below `2e-14` where the value is below 1, else `1e-14` of the value; in `f32` the `f64` value rounded.
///
/// ```
/// use layerwise_nn_layers::special::ln_gamma;
/// assert!((ln_gamma(5.0f64) - 24f64.ln()).abs() < 1e-14);
/// ```
///
/// J. Stirling, "Methodus differentialis", 1730; M. Abramowitz and I. Stegun, "Handbook of mathematical functions", 1964, 6.1.41.
#[inline(always)]
pub fn ln_gamma<T: Scalar>(x: T) -> T {
    let x = x.as_f64();
    let (z, product, _) = moved_up(x);
    let w = 1.0 / z;
    let series = (z - 0.5) * math::log(z) - z + 0.5 * std::f64::consts::TAU.ln() + w * horner(w * w, &STIRLING);
    let value = series - math::log(product);
    T::of(if x >= 0.0 { value } else { f64::NAN })
}

/// `d ln Gamma(x) / dx` for `x > 0`; minus infinity at 0, NaN below.
///
/// Error in `f64`: below `2e-14` where the value is below 1, else `1e-14` of the value; in `f32` the `f64` value rounded.
///
/// ```
/// use layerwise_nn_layers::special::digamma;
/// // Minus the constant of Euler and Mascheroni.
/// assert!((digamma(1.0f64) + 0.577_215_664_901_532_9).abs() < 1e-14);
/// ```
///
/// M. Abramowitz and I. Stegun, "Handbook of mathematical functions", 1964, 6.3.18.
#[inline(always)]
pub fn digamma<T: Scalar>(x: T) -> T {
    let x = x.as_f64();
    let (z, product, derivative) = moved_up(x);
    let w = 1.0 / (z * z);
    let series = math::log(z) - 0.5 / z - w * horner(w, &DIGAMMA);
    let value = series - derivative / product;
    T::of(if x >= 0.0 { value } else { f64::NAN })
}

/// A number of at least 10, and `p(x) = x (x + 1) ..` with its derivative, such that `Gamma(z) = Gamma(x) p(x)`.
#[inline(always)]
fn moved_up(x: f64) -> (f64, f64, f64) {
    if x >= LARGE {
        return (x, 1.0, 0.0);
    }
    let (mut product, mut derivative) = (1.0, 0.0);
    for i in 0..10 {
        let factor = x + f64::from(i);
        derivative = derivative * factor + product;
        product *= factor;
    }
    (x + 10.0, product, derivative)
}

#[inline(always)]
fn horner(x: f64, coefficients: &[f64; 8]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}
