//! Uniform, normal and Bernoulli numbers over slices.
//!
//! Sixteen blocks make a group, computed together; within a group the elements lie word by word
//! (first the first words of all sixteen blocks), so that a vector of blocks is stored as it stands.

use super::Stream;
use super::philox::{block, block_of_two};
use crate::math::{Native, log, sin_cos_of_turn, vectorize};
use crate::scalar::Scalar;

/// Blocks of a group.
const LANES: usize = 16;

/// Keeps the kinds of numbers of one stream apart.
const UNIFORM: u64 = 0x8F1B_BCDC_BFA5_3E0B;
const NORMAL: u64 = 0x2545_F491_4F6C_DD1D;
const BERNOULLI: u64 = 0xD6E8_FEB8_6659_FD93;

impl Stream {
    /// `out[i]` uniform in `[0, 1)`, the value of element `first + i`, whatever the slice's edges.
    ///
    /// Multiples of 2^-52 in `f64`, of 2^-24 in `f32`; the `f32` form is the `f64` form cut off.
    pub fn uniform<T: Scalar>(&self, first: u64, out: &mut [T]) {
        let (key, place) = (self.key ^ UNIFORM, self.place);
        vectorize(
            #[inline(always)]
            move || {
                fill::<T, { 2 * LANES }>(
                    first,
                    out,
                    #[inline(always)]
                    move |group, out| {
                        for l in 0..LANES {
                            let [a, b] = block_of_two(key, group * LANES as u64 + l as u64, place);
                            out[l] = T::of_bits_in_unit(a);
                            out[LANES + l] = T::of_bits_in_unit(b);
                        }
                    },
                );
            },
        );
    }

    /// `out[i]` standard normal, the value of element `first + i`, whatever the slice's edges.
    ///
    /// `sqrt(-2 ln u) cos(2 pi v)` and the same with the sine (G. E. P. Box, M. E. Muller 1958), in `f64` with this crate's own functions;
    /// the `f32` form is the `f64` form rounded. No value lies beyond 8.5.
    pub fn normal<T: Scalar>(&self, first: u64, out: &mut [T]) {
        let (key, place) = (self.key ^ NORMAL, self.place);
        vectorize(
            #[inline(always)]
            move || {
                fill::<T, { 2 * LANES }>(
                    first,
                    out,
                    #[inline(always)]
                    move |group, out| {
                        for l in 0..LANES {
                            let [a, b] = block_of_two(key, group * LANES as u64 + l as u64, place);
                            let radius = (-2.0 * log(1.0 - f64::of_bits_in_unit(a))).sqrt();
                            let (sin, cos) = sin_cos_of_turn(f64::of_bits_in_unit(b));
                            out[l] = T::of(radius * cos);
                            out[LANES + l] = T::of(radius * sin);
                        }
                    },
                );
            },
        );
    }

    /// `out[i]` is `scale` with probability `keep`, else 0: the mask of inverted dropout when `scale = 1 / keep`.
    ///
    /// The value of element `first + i`, whatever the slice's edges. `keep` is rounded to a multiple of 2^-32;
    /// `f32` and `f64` keep the same elements.
    ///
    /// # Panics
    /// If `keep` is not within `0..=1`.
    #[track_caller]
    pub fn bernoulli<T: Scalar>(&self, first: u64, keep: f64, scale: f64, out: &mut [T]) {
        assert!((0.0..=1.0).contains(&keep), "bernoulli: a probability lies within 0..=1, got {keep}");
        // Compared in the 64-bit lanes where the words are: no narrowing, and keep = 1 is a threshold like any other.
        let below = (keep * (1u64 << 32) as f64).round() as u64;
        let (key, place, scale) = (self.key ^ BERNOULLI, self.place, T::of(scale));
        vectorize(
            #[inline(always)]
            move || {
                fill::<T, { 4 * LANES }>(
                    first,
                    out,
                    #[inline(always)]
                    move |group, out| {
                        for l in 0..LANES {
                            let words = block(key, group * LANES as u64 + l as u64, place);
                            for j in 0..4 {
                                out[j * LANES + l] = if words[j] < below { scale } else { T::zero() };
                            }
                        }
                    },
                );
            },
        );
    }
}

/// Writes the elements `first..first + out.len()`, `N` at a time; `draw(g, ..)` gives the elements `g N..(g + 1) N`.
#[inline(always)]
fn fill<T: Scalar, const N: usize>(first: u64, out: &mut [T], draw: impl Fn(u64, &mut [T; N])) {
    let mut group = first / N as u64;
    let from = (first % N as u64) as usize;
    let (head, rest) = out.split_at_mut(if from == 0 { 0 } else { (N - from).min(out.len()) });
    if !head.is_empty() {
        part(&draw, group, from, head);
        group += 1;
    }
    let (whole, tail) = rest.as_chunks_mut::<N>();
    for chunk in whole {
        draw(group, chunk);
        group += 1;
    }
    if !tail.is_empty() {
        part(&draw, group, 0, tail);
    }
}

/// The elements of one group from `from` on.
#[inline(always)]
fn part<T: Scalar, const N: usize>(draw: &impl Fn(u64, &mut [T; N]), group: u64, from: usize, out: &mut [T]) {
    let mut buffer = [T::zero(); N];
    draw(group, &mut buffer);
    out.copy_from_slice(&buffer[from..from + out.len()]);
}
