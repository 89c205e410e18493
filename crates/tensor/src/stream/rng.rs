//! A stream as a generator of `rand`.

use rand::RngCore;
use rand::rand_core::impls::{fill_bytes_via_next, next_u64_via_u32};

use super::Stream;
use super::philox::block;

/// A [`Stream`] as a generator for `rand`'s and `ndarray-rand`'s distributions: the words of its Philox blocks, one after the other.
///
/// ```
/// use layerwise_tensor::Stream;
/// use rand::Rng;
/// let die = Stream::new(7).child("die").rng().random_range(1..=6);
/// assert!((1..=6).contains(&die));
/// ```
#[derive(Clone, Debug)]
pub struct StreamRng {
    stream: Stream,
    next_block: u64,
    words: [u64; 4],
    used: usize,
}

impl Stream {
    /// A generator for `rand`'s distributions, positioned at the start of this stream.
    pub fn rng(&self) -> StreamRng {
        StreamRng { stream: *self, next_block: 0, words: [0; 4], used: 4 }
    }
}

impl RngCore for StreamRng {
    fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.words = block(self.stream.key, self.next_block, self.stream.place);
            self.next_block = self.next_block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        word as u32
    }

    fn next_u64(&mut self) -> u64 {
        next_u64_via_u32(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        fill_bytes_via_next(self, dest);
    }
}
