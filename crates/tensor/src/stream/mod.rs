//! Named, counter-based randomness (stub: replaced by the Philox streams).

use crate::params::Initializer;
use crate::scalar::Scalar;

/// A named source of randomness; `Copy`, without state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
    place: u64,
}

impl Stream {
    /// The root stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { key: seed, place: 0 }
    }

    /// The stream called `name` below this one.
    pub fn child(&self, name: &str) -> Self {
        let mut key = self.key ^ 0xcbf2_9ce4_8422_2325;
        for b in name.bytes() {
            key = (key ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self { key, place: self.place }
    }

    /// The stream of step (or epoch, layer, sample) `index` below this one.
    pub fn at(&self, index: u64) -> Self {
        Self { key: self.key.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index), place: self.place }
    }

    /// `out[i]` uniform in `[0, 1)`, the value of element `first + i`.
    pub fn uniform<T: Scalar>(&self, first: u64, out: &mut [T]) {
        for (i, v) in out.iter_mut().enumerate() {
            let mut z = (self.key ^ (first + i as u64)).wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            *v = T::of((z >> 11) as f64 / (1u64 << 53) as f64);
        }
    }

    /// `out[i]` standard normal, the value of element `first + i`.
    pub fn normal<T: Scalar>(&self, first: u64, out: &mut [T]) {
        for (i, v) in out.iter_mut().enumerate() {
            let mut u = [0.0f64; 2];
            self.uniform(2 * (first + i as u64), &mut u);
            *v = T::of((-2.0 * (1.0 - u[0]).ln()).sqrt() * crate::math::sin_cos_of_turn(u[1]).1);
        }
    }

    /// `out[i]` is `scale` with probability `keep`, else 0: the mask of inverted dropout when `scale = 1 / keep`.
    pub fn bernoulli<T: Scalar>(&self, first: u64, keep: f64, scale: f64, out: &mut [T]) {
        self.uniform(first, out);
        for v in out {
            *v = if v.as_f64() < keep { T::of(scale) } else { T::zero() };
        }
    }

    /// A permutation of `0..n` with `O(1)` access to any place.
    pub fn permutation(&self, n: usize) -> Permutation {
        let mut u = vec![0.0f64; n];
        self.uniform(0, &mut u);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| u[*a].total_cmp(&u[*b]));
        Permutation { order }
    }

    /// A generator for `rand`'s distributions, positioned at the start of this stream.
    pub fn rng(&self) -> StreamRng {
        StreamRng { stream: *self, next: 0 }
    }
}

/// A permutation of `0..n`.
#[derive(Clone, Debug)]
pub struct Permutation {
    order: Vec<usize>,
}

impl Permutation {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// What stands at place `i`.
    pub fn get(&self, i: usize) -> usize {
        self.order[i]
    }
}

/// [`Stream`] as a generator of `rand`.
#[derive(Clone, Debug)]
pub struct StreamRng {
    stream: Stream,
    next: u64,
}

impl rand::RngCore for StreamRng {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }
    fn next_u64(&mut self) -> u64 {
        let mut u = [0.0f64];
        self.stream.uniform(self.next, &mut u);
        self.next += 1;
        (u[0] * (1u64 << 53) as f64) as u64 * 2048
    }
    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for b in dest {
            *b = self.next_u64() as u8;
        }
    }
}

/// Every value the same: zeros for biases, ones for the gain of a norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant(
    /// The value.
    pub f64,
);

impl Initializer for Constant {
    fn fill(&self, _rows: usize, _cols: usize, _stream: &Stream, out: &mut [f64]) {
        out.fill(self.0);
    }
}
