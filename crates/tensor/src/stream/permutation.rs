//! Permutations that are computed, not stored.

use super::Stream;
use super::philox::block_of_two;

/// Rounds of the network; the tests hold that orders of few elements are all equally likely.
const ROUNDS: usize = 12;
const PERMUTATION: u64 = 0xA076_1D64_78BD_642F;

/// A permutation of `0..n`, computed place by place: `O(1)` time, no table.
///
/// A Feistel network over the pairs of `0..rows` and `0..cols` (`cols` a power of two near `sqrt n`, `rows = ceil(n / cols)`) that adds
/// a keyed hash of one half to the other, repeated while the result lies beyond `n` (cycle walking; J. Black, P. Rogaway, "Ciphers with
/// arbitrary finite domains", CT-RSA 2002). Fewer than `cols` of the pairs lie beyond, so a second pass is rare.
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    len: usize,
    rows: u64,
    cols: u64,
    keys: [u64; ROUNDS],
}

impl Stream {
    /// A permutation of `0..n` with `O(1)` access to any place.
    pub fn permutation(&self, n: usize) -> Permutation {
        let bits = usize::BITS - n.saturating_sub(1).leading_zeros();
        let cols = 1u64 << bits.div_ceil(2);
        let mut keys = [0; ROUNDS];
        for (i, pair) in keys.chunks_exact_mut(2).enumerate() {
            pair.copy_from_slice(&block_of_two(self.key ^ PERMUTATION, i as u64, self.place));
        }
        Permutation { len: n, rows: (n as u64).div_ceil(cols), cols, keys }
    }
}

impl Permutation {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What stands at place `i`.
    ///
    /// # Panics
    /// If there is no such place.
    #[track_caller]
    pub fn get(&self, i: usize) -> usize {
        assert!(i < self.len, "permutation: place {i} of a permutation of {} elements", self.len);
        let (shift, mask) = (self.cols.trailing_zeros(), self.cols - 1);
        let mut x = i as u64;
        loop {
            let (mut row, mut col) = (x >> shift, x & mask);
            for [a, b] in self.keys.as_chunks::<2>().0 {
                row += below(mix(col ^ a), self.rows);
                row -= if row >= self.rows { self.rows } else { 0 };
                col = col.wrapping_add(mix(row ^ b)) & mask;
            }
            x = row << shift | col;
            if x < self.len as u64 {
                return x as usize;
            }
        }
    }
}

/// Evenly spread over `0..n`, `n <= 2^32`.
#[inline(always)]
fn below(hash: u64, n: u64) -> u64 {
    ((hash >> 32) * n) >> 32
}

/// The finalizer of SplitMix64 (G. L. Steele, D. Lea, C. H. Flood 2014).
#[inline(always)]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
