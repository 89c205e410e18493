//! Named, counter-based randomness.

mod draw;
mod permutation;
mod philox;
mod rng;
#[cfg(test)]
mod tests;

pub use permutation::Permutation;
use philox::block_of_two;
pub use rng::StreamRng;

/// A named source of randomness: a value without state, `Copy`, of which every number can be asked for by its place.
///
/// A stream is 128 bits of identity, the key and the upper half of the counter of Philox4x32-10 (Salmon et al. 2011); the lower half counts blocks.
/// [`child`](Self::child) and [`at`](Self::at) derive the identity of a stream below by Philox itself, so that different paths have
/// identities that differ as random ones do (a collision among `2^40` streams has probability below `2^-48`).
/// The numbers depend on seed, path and place only: not on threads, on what else was drawn, or on the machine.
///
/// ```
/// use layerwise_tensor::Stream;
/// let step = Stream::new(42).child("dropout").at(1000);
/// let (mut all, mut part) = ([0.0f32; 100], [0.0f32; 10]);
/// step.normal(0, &mut all);
/// step.normal(37, &mut part);
/// assert_eq!(part, all[37..47]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    key: u64,
    place: u64,
}

/// Keep the ways of deriving apart from each other and from the numbers drawn (Philox under another key).
const SEED: u64 = 0x6A09_E667_F3BC_C908;
const CHILD: u64 = 0xBB67_AE85_84CA_A73B;
const NAME: u64 = 0x3C6E_F372_FE94_F82B;
const AT: u64 = 0xA54F_F53A_5F1D_36F1;

impl Stream {
    /// The root stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { key: 0, place: 0 }.derive(SEED, seed)
    }

    /// The stream called `name` below this one.
    pub fn child(&self, name: &str) -> Self {
        let mut stream = self.derive(CHILD, name.len() as u64);
        for bytes in name.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            stream = stream.derive(NAME, u64::from_le_bytes(word));
        }
        stream
    }

    /// The stream of step (or epoch, layer, sample) `index` below this one.
    pub fn at(&self, index: u64) -> Self {
        self.derive(AT, index)
    }

    /// A bijection of (`place`, `value`) under each key and kind.
    fn derive(self, kind: u64, value: u64) -> Self {
        let [key, place] = block_of_two(self.key ^ kind, value, self.place);
        Self { key, place }
    }
}
