//! Negative log-likelihoods of single values, with their derivatives by the parameters that a model puts out.

use layerwise_tensor::{Scalar, math};

use crate::special::{digamma, ln_gamma};

/// A variance below it counts as it.
const SMALLEST_VARIANCE: f64 = 1e-6;

/// The dispersions that a negative binomial distribution may have.
const DISPERSION: [f64; 2] = [1e-4, 1e6];

/// `(t - y)^2 / 2`.
#[inline(always)]
pub(super) fn gaussian<T: Scalar>(y: T, t: T) -> T {
    let d = y - t;
    T::of(0.5) * d * d
}

#[inline(always)]
pub(super) fn d_gaussian<T: Scalar>(y: T, t: T) -> T {
    y - t
}

/// `(s + (t - m)^2 e^-s) / 2`.
#[inline(always)]
pub(super) fn gaussian_nll<T: Scalar>([m, s]: [T; 2], t: T) -> T {
    let s = at_least(s, T::of(SMALLEST_VARIANCE.ln()));
    let d = t - m;
    T::of(0.5) * (s + d * d * math::exp(-s))
}

#[inline(always)]
pub(super) fn d_gaussian_nll<T: Scalar>([m, s]: [T; 2], t: T) -> [T; 2] {
    let least = T::of(SMALLEST_VARIANCE.ln());
    let precision = math::exp(-at_least(s, least));
    let d = m - t;
    let ds = if s < least { T::zero() } else { T::of(0.5) * (T::one() - d * d * precision) };
    [d * precision, ds]
}

/// `softplus(z) - z t`.
#[inline(always)]
pub(super) fn bernoulli<T: Scalar>(z: T, t: T) -> T {
    math::softplus(z) - z * t
}

#[inline(always)]
pub(super) fn d_bernoulli<T: Scalar>(z: T, t: T) -> T {
    math::sigmoid(z) - t
}

/// `e^y - t y`.
#[inline(always)]
pub(super) fn poisson<T: Scalar>(y: T, t: T) -> T {
    math::exp(y) - t * y
}

#[inline(always)]
pub(super) fn d_poisson<T: Scalar>(y: T, t: T) -> T {
    math::exp(y) - t
}

/// The larger one, but NaN where `s` is: a network that fails must be seen.
#[inline(always)]
fn at_least<T: Scalar>(s: T, least: T) -> T {
    if s < least { least } else { s }
}

/// `-ln P(t)` of the negative binomial distribution of mean `e^y` and dispersion `e^s`. In `f64` throughout: large terms cancel.
#[inline(always)]
pub(super) fn negative_binomial<T: Scalar>(outputs: [T; 2], t: T) -> T {
    let ([y, s], t) = (outputs.map(T::as_f64), t.as_f64());
    let s = within(s);
    let r = math::exp(s);
    let constants = ln_gamma(r) + ln_gamma(t + 1.0) - ln_gamma(t + r);
    T::of(constants + r * math::softplus(y - s) + t * math::softplus(s - y))
}

#[inline(always)]
pub(super) fn d_negative_binomial<T: Scalar>(outputs: [T; 2], t: T) -> [T; 2] {
    let ([y, free], t) = (outputs.map(T::as_f64), t.as_f64());
    let s = within(free);
    let r = math::exp(s);
    let (q, rest) = (math::sigmoid(y - s), math::sigmoid(s - y));
    let ds = r * (digamma(r) - digamma(t + r) + math::softplus(y - s) - q) + t * rest;
    [r * q - t * rest, if s == free { ds } else { 0.0 }].map(T::of)
}

/// By the count.
#[inline(always)]
pub(super) fn negative_binomial_by_target<T: Scalar>(outputs: [T; 2], t: T) -> T {
    let ([y, s], t) = (outputs.map(T::as_f64), t.as_f64());
    let s = within(s);
    T::of(digamma(t + 1.0) - digamma(t + math::exp(s)) + math::softplus(s - y))
}

#[inline(always)]
fn within(s: f64) -> f64 {
    let [least, most] = DISPERSION.map(f64::ln);
    let s = at_least(s, least);
    if s > most { most } else { s }
}

/// `sum_j t_j (ln sum_k e^(z_k) - z_j)`.
#[inline(always)]
pub(super) fn categorical<T: Scalar>(z: &[T], t: &[T]) -> T {
    let lse = log_sum_exp(z);
    z.iter().zip(t).fold(T::zero(), |sum, (z, t)| sum + *t * (lse - *z))
}

/// `dz_j += dl (softmax(z)_j sum(t) - t_j)`.
#[inline(always)]
pub(super) fn d_categorical<T: Scalar>(dl: T, z: &[T], t: &[T], dz: &mut [T]) {
    let (lse, sum) = (log_sum_exp(z), t.iter().fold(T::zero(), |sum, t| sum + *t));
    for ((dz, z), t) in dz.iter_mut().zip(z).zip(t) {
        *dz += dl * (math::exp(*z - lse) * sum - *t);
    }
}

/// `dt_j += dl (ln sum_k e^(z_k) - z_j)`.
#[inline(always)]
pub(super) fn categorical_by_target<T: Scalar>(dl: T, z: &[T], dt: &mut [T]) {
    let lse = log_sum_exp(z);
    dt.iter_mut().zip(z).for_each(|(dt, z)| *dt += dl * (lse - *z));
}

#[inline(always)]
fn log_sum_exp<T: Scalar>(z: &[T]) -> T {
    let largest = z.iter().fold(T::neg_infinity(), |m, z| m.max(*z));
    let sum = z.iter().fold(T::zero(), |sum, z| sum + math::exp(*z - largest));
    largest + math::log(sum)
}
