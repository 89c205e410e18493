//! What the law tests share.

pub mod shelves;

/// The guides and the pages on mathematics: every Rust block in them is compiled and run as a documentation test.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../docs/guide/from-a-table-to-an-alarm.md")]
    pub struct FromATableToAnAlarm;
    #[doc = include_str!("../docs/guide/from-a-table-to-a-classifier.md")]
    pub struct FromATableToAClassifier;
    #[doc = include_str!("../docs/guide/diagnosing-a-training.md")]
    pub struct DiagnosingATraining;
    #[doc = include_str!("../docs/guide/coming-from-pytorch.md")]
    pub struct ComingFromPytorch;
    #[doc = include_str!("../docs/guide/how-the-tape-works.md")]
    pub struct HowTheTapeWorks;
    #[doc = include_str!("../docs/guide/reproducibility.md")]
    pub struct Reproducibility;
    #[doc = include_str!("../docs/maths/README.md")]
    pub struct Mathematics;
    #[doc = include_str!("../docs/maths/activations.md")]
    pub struct Activations;
    #[doc = include_str!("../docs/maths/initialisation.md")]
    pub struct Initialisation;
    #[doc = include_str!("../docs/maths/normalisation.md")]
    pub struct Normalisation;
    #[doc = include_str!("../docs/maths/losses.md")]
    pub struct Losses;
    #[doc = include_str!("../docs/maths/optimizers.md")]
    pub struct Optimizers;
    #[doc = include_str!("../docs/maths/autoencoders.md")]
    pub struct Autoencoders;
}
