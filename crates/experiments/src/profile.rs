//! How thorough a run is, and how sure a published number is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How thorough a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Seconds: shows that everything runs.
    Smoke,
    /// Minutes: decides most criteria.
    #[default]
    Quick,
    /// Up to an hour or two: decides all.
    Full,
}

impl Profile {
    /// The one called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        [Profile::Smoke, Profile::Quick, Profile::Full].into_iter().find(|p| p.to_string() == name)
    }

    /// One of three values, for this profile.
    pub fn pick<V: Copy>(self, smoke_quick_full: [V; 3]) -> V {
        smoke_quick_full[self as usize]
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Profile::Smoke => "smoke",
            Profile::Quick => "quick",
            Profile::Full => "full",
        })
    }
}

/// How sure a number from the literature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Tag {
    /// Read in the paper, its repository or its result files.
    V,
    /// Read second-hand, in a reproduction or summary that quotes it.
    V2,
    /// Recomputed by us.
    R,
    /// From memory, unverified.
    M,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_ordered_and_named() {
        assert!(Profile::Smoke < Profile::Quick && Profile::Quick < Profile::Full);
        for p in [Profile::Smoke, Profile::Quick, Profile::Full] {
            assert_eq!(Profile::parse(&p.to_string()), Some(p));
        }
        assert_eq!(Profile::parse("slow"), None);
    }
}
