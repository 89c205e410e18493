//! Where the randomness of a fit comes from.

use layerwise_tensor::Stream;

/// The named streams below one seed: what a trainer reads, and a loop by hand as well.
///
/// | stream | read by |
/// |---|---|
/// | `init` | the first values of the parameters, each below its own path |
/// | `shuffle` | the order of the rows, below the number of the epoch |
/// | `step` | what is random within a step: dropout masks and noise, each below the number of the step |
///
/// No stream has a state, so a fit gives the same bits whatever else was drawn before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// First values of parameters.
    pub init: Stream,
    /// Order of the rows.
    pub shuffle: Stream,
    /// Dropout and noise.
    pub step: Stream,
}

impl Streams {
    /// The streams of this seed.
    pub fn new(seed: u64) -> Self {
        let root = Stream::new(seed);
        Self { init: root.child("init"), shuffle: root.child("shuffle"), step: root.child("step") }
    }
}
