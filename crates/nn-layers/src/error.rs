//! What can be wrong with a configuration.

use std::fmt;

/// A configuration from which no model can be built: where, what was expected, what was found, what to do.
///
/// Configurations come from files and command lines, so what is wrong with them is a value and never a panic.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A name that stands in no table.
    #[error("{}no {shelf} is called `{found}`: expected one of {known}{}", At(path), DidYouMean(nearest))]
    UnknownName {
        /// Path of the layer; empty at the root.
        path: String,
        /// The table that was searched.
        shelf: &'static str,
        /// The name that was found.
        found: String,
        /// The names of the table.
        known: String,
        /// The known name that resembles it most, if one does.
        nearest: Option<String>,
    },
    /// An option that its owner does not have.
    #[error("{}{owner} has no option `{key}`: expected one of {known}{}", At(path), DidYouMean(nearest))]
    UnknownKey {
        /// Path of the layer; empty at the root.
        path: String,
        /// What the option was meant for.
        owner: String,
        /// The option that was found.
        key: String,
        /// The options it has.
        known: String,
        /// The option that resembles it most, if one does.
        nearest: Option<String>,
    },
    /// A value outside its range.
    #[error("{}{what} must be {expected}, found {found}; {remedy}", At(path))]
    BadValue {
        /// Path of the layer; empty at the root.
        path: String,
        /// Whose value it is.
        what: String,
        /// The range.
        expected: String,
        /// What was found.
        found: String,
        /// What to do about it.
        remedy: String,
    },
    /// A configuration of the wrong form: a missing option, a string where a number belongs, broken JSON.
    #[error("{}{owner}: {message}", At(path))]
    Malformed {
        /// Path of the layer; empty at the root.
        path: String,
        /// What was being read.
        owner: String,
        /// What is wrong with it.
        message: String,
    },
}

impl ConfigError {
    /// A value outside its range.
    pub fn bad_value(
        path: &str,
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl fmt::Display,
        remedy: impl Into<String>,
    ) -> Self {
        Self::BadValue {
            path: path.to_owned(),
            what: what.into(),
            expected: expected.into(),
            found: found.to_string(),
            remedy: remedy.into(),
        }
    }

    /// A name that stands in no table.
    pub fn unknown_name<'a>(
        path: &str,
        shelf: &'static str,
        found: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        Self::UnknownName {
            path: path.to_owned(),
            shelf,
            found: found.to_owned(),
            nearest: nearest(found, known.clone()),
            known: listed(known),
        }
    }

    /// An option that `owner` does not have.
    pub fn unknown_key<'a>(path: &str, owner: &str, key: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
        Self::UnknownKey {
            path: path.to_owned(),
            owner: owner.to_owned(),
            key: key.to_owned(),
            nearest: nearest(key, known.clone()),
            known: listed(known),
        }
    }

    /// A configuration of the wrong form.
    pub fn malformed(path: &str, owner: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::Malformed { path: path.to_owned(), owner: owner.into(), message: message.to_string() }
    }

    /// Where it is wrong: the path of the layer, empty at the root.
    pub fn path(&self) -> &str {
        match self {
            Self::UnknownName { path, .. }
            | Self::UnknownKey { path, .. }
            | Self::BadValue { path, .. }
            | Self::Malformed { path, .. } => path,
        }
    }
}

struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "layer `{}`: ", self.0) }
    }
}

struct DidYouMean<'a>(&'a Option<String>);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |name| write!(f, "; did you mean `{name}`?"))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|n| format!("`{n}`")).collect();
    if names.is_empty() { "nothing (it has no options)".to_owned() } else { names.join(", ") }
}

/// The name closest to `found`, unless every one of them differs in more than a third of its letters (at least two may differ).
fn nearest<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let allowed = (found.chars().count() / 3).max(2);
    known
        .map(|name| (distance(found, name), name))
        .filter(|(d, _)| *d <= allowed)
        .min()
        .map(|(_, name)| name.to_owned())
}

/// How many letters to insert, drop, change or swap with their neighbour (Damerau and Levenshtein's distance, no letter touched twice).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Row i holds the distances of the first i letters of a from the first j of b.
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(row[j - 1] + 1).min(above[j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        assert_eq!(distance("relu", "relu"), 0);
        assert_eq!(distance("rleu", "relu"), 1);
        assert_eq!(distance("rleu", "elu"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        let known = ["hidden", "outputs", "dropout"];
        assert_eq!(nearest("output", known.into_iter()).as_deref(), Some("outputs"));
        assert_eq!(nearest("temperature", known.into_iter()), None);
    }

    #[test]
    fn the_message_says_where_what_and_what_to_do() {
        let e = ConfigError::unknown_key("0", "layer `linear`", "output", ["outputs", "bias"].into_iter());
        assert_eq!(
            e.to_string(),
            "layer `0`: layer `linear` has no option `output`: expected one of `outputs`, `bias`; did you mean `outputs`?"
        );
    }
}
