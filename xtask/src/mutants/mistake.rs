//! What a mutant is made of: a place in the text and what would stand there by mistake.

use std::fmt;
use std::ops::Range;

/// The kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A sum for a difference, a value for its negative.
    Sign,
    /// A term, a factor, a branch or a whole contribution left out.
    Drop,
    /// What belongs to one input or to the output taken from, or given to, another.
    Swap,
    /// A gradient that replaces what it should be added to, or the reverse.
    Accumulate,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Sign, Self::Drop, Self::Swap, Self::Accumulate];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Sign => "sign",
            Kind::Drop => "drop",
            Kind::Swap => "swap",
            Kind::Accumulate => "accumulate",
        })
    }
}

/// One mistake that a site can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) kind: Kind,
    /// What would stand there instead.
    pub(crate) text: String,
}

/// A range of a file that can be mistaken, and its mistakes.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) range: Range<usize>,
    pub(crate) function: String,
    pub(crate) mistakes: Vec<Mistake>,
}
