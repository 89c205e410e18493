//! Sine and cosine of a fraction of a turn, for normal random numbers.

use super::coefficients::f64_table::{COS, SIN};
use super::native::{Native, polynomial};

/// `(sin(2 pi u), cos(2 pi u))` for `0 <= u < 1`; absolute error below 2^-52.
///
/// The quarter turn nearest to `u` is taken off exactly; the rest, at most an eighth of a turn, goes through two polynomials.
#[inline(always)]
pub(crate) fn sin_cos_of_turn(u: f64) -> (f64, f64) {
    let quarters = (u * 4.0).nearest();
    let t = quarters.fma(-0.25, u) * std::f64::consts::TAU;
    let z = t * t;
    let sin = (t * z).fma(polynomial(z, &SIN), t);
    let cos = (z * z).fma(polynomial(z, &COS), z.fma(-0.5, 1.0));
    // quarters is 0, 1, 2, 3 or 4 (0 again).
    let odd = quarters == 1.0 || quarters == 3.0;
    let (s, c) = if odd { (cos, sin) } else { (sin, cos) };
    let s = if quarters == 2.0 || quarters == 3.0 { -s } else { s };
    let c = if quarters == 1.0 || quarters == 2.0 { -c } else { c };
    (s, c)
}
