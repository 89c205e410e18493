//! What the formulas need of `f32` and `f64`: fused multiply-add, bits, tables of coefficients.

use super::coefficients::{f32_table, f64_table};

/// What [`Scalar`](crate::Scalar) needs from this module; not for use by name.
///
/// Every method is a few instructions without a branch and without a conversion between integers and floats,
/// so that a loop over any composition of them vectorises. Integers ride in the low bits of a float that was
/// pushed to where its unit in the last place is 1 (`+ ROUND`), instead of `as i32`, whose saturating semantics cost a comparison
/// and a blend, and which has no 64-bit form below AVX-512.
#[doc(hidden)]
pub trait Native: Copy + 'static {
    const EXP: &'static [Self];
    const LOG: &'static [Self];
    const TANH: &'static [Self];
    const ERF_NEAR: &'static [Self];
    const ERF_FAR: &'static [Self];
    /// Empty where a normal distribution is computed from `erf` and `exp`.
    const NORMAL_TAIL: &'static [Self];
    const NORMAL_HAZARD: &'static [Self];
    /// Where the two formulas of `erf` meet, and where `erf` has become 1.
    const ERF_RANGE: (f64, f64);
    /// Below the first `exp` is 0, above the second it is infinite.
    const EXP_RANGE: (f64, f64);
    /// Below this `exp_m1` is -1.
    const EXP_M1_LOW: f64;
    /// `ln 2` rounded to this type, and the rest.
    const LN_2: (Self, Self);

    /// `self * a + b` with one rounding.
    fn fma(self, a: Self, b: Self) -> Self;

    /// The nearest whole number (ties to even); `|self|` below a quarter of the range of the significand.
    fn nearest(self) -> Self;

    /// `2^self` for a whole number that is the exponent of a normal value.
    fn pow2(self) -> Self;

    /// `(e, m)` with `self = 2^e m` and `sqrt(1/2) <= m < sqrt(2)`; self positive and finite, subnormals included.
    fn exponent_and_significand(self) -> (Self, Self);

    /// A value in `[0, 1)` from the upper bits: a multiple of 2^-24 or 2^-52.
    fn of_bits_in_unit(bits: u64) -> Self;
}

macro_rules! native {
    (
        $float:ident, $bits:ident, $table:ident, significand bits $significand:literal,
        normal $tail:expr, $hazard:expr, unit $unit:expr, erf $erf:expr, exp $exp:expr, exp_m1 $exp_m1:expr, ln2 rest $rest:expr
    ) => {
        impl Native for $float {
            const EXP: &'static [Self] = &$table::EXP;
            const LOG: &'static [Self] = &$table::LOG;
            const TANH: &'static [Self] = &$table::TANH;
            const ERF_NEAR: &'static [Self] = &$table::ERF_NEAR;
            const ERF_FAR: &'static [Self] = &$table::ERF_FAR;
            const NORMAL_TAIL: &'static [Self] = $tail;
            const NORMAL_HAZARD: &'static [Self] = $hazard;
            const ERF_RANGE: (f64, f64) = $erf;
            const EXP_RANGE: (f64, f64) = $exp;
            const EXP_M1_LOW: f64 = $exp_m1;
            const LN_2: (Self, Self) = (std::$float::consts::LN_2, $rest);

            #[inline(always)]
            fn fma(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }

            #[inline(always)]
            fn nearest(self) -> Self {
                const ROUND: $float = 1.5 * (1u64 << $significand) as $float;
                (self + ROUND) - ROUND
            }

            #[inline(always)]
            fn pow2(self) -> Self {
                const ROUND: $float = 1.5 * (1u64 << $significand) as $float;
                const BIAS: $bits = $float::MAX_EXP as $bits - 1;
                $float::from_bits((self + ROUND).to_bits().wrapping_add(BIAS) << $significand)
            }

            #[inline(always)]
            fn exponent_and_significand(self) -> (Self, Self) {
                const SCALE: $float = (1u64 << $significand) as $float;
                const BIAS: $float = ($float::MAX_EXP - 1) as $float;
                const SQRT_HALF: $bits = std::$float::consts::FRAC_1_SQRT_2.to_bits();
                const ONE: $bits = (1.0 as $float).to_bits();
                const MASK: $bits = (1 << $significand) - 1;
                let subnormal = self < $float::MIN_POSITIVE;
                let x = if subnormal { self * SCALE } else { self };
                let bits = x.to_bits().wrapping_add(ONE - SQRT_HALF);
                // The biased exponent, put into the low bits of 2^significand, becomes a float by a subtraction.
                let e = $float::from_bits((bits >> $significand) | SCALE.to_bits()) - SCALE;
                let m = $float::from_bits((bits & MASK).wrapping_add(SQRT_HALF));
                let bias = if subnormal { BIAS + $significand as $float } else { BIAS };
                (e - bias, m)
            }

            #[inline(always)]
            fn of_bits_in_unit(bits: u64) -> Self {
                $unit(bits)
            }
        }
    };
}

native!(
    f32, u32, f32_table, significand bits 23, normal &f32_table::NORMAL_TAIL, &f32_table::NORMAL_HAZARD,
    unit |bits: u64| (bits >> 40) as i32 as f32 * (1.0 / (1 << 24) as f32), erf (0.93, 4.0), exp (-104.0, 89.0), exp_m1 -20.0, ln2 rest -1.904_654_3e-9
);
native!(
    f64, u64, f64_table, significand bits 52, normal &[], &[],
    unit |bits: u64| f64::from_bits(bits >> 12 | 1f64.to_bits()) - 1.0, erf (1.0, 6.0), exp (-746.0, 710.0), exp_m1 -40.0, ln2 rest 2.319_046_813_846_299_6e-17
);

/// `c[0] + c[1] x + c[2] x^2 + ...` by Horner's rule with fused multiply-adds.
#[inline(always)]
pub(super) fn polynomial<T: crate::Scalar>(x: T, c: &[T]) -> T {
    let mut sum = c[c.len() - 1];
    for i in (0..c.len() - 1).rev() {
        sum = sum.fma(x, c[i]);
    }
    sum
}
