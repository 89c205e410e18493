//! What can be wrong with a configuration or a checkpoint.

/// Why an optimizer could not be configured or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A table has no entry of this name.
    #[error("no {what} is called `{name}`: choose one of {known}")]
    Unknown {
        /// Which table: `rule`, `schedule` or `constraint`.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A configuration does not have the form its entry asks for.
    #[error("{what} cannot be read from this configuration: {reason}")]
    Config {
        /// Which part: `rule`, `schedule`, `rule \`adam\`` ...
        what: String,
        /// What the parser says: unknown or missing key, wrong type.
        reason: String,
    },
    /// A number lies outside its range.
    #[error("`{name}` must be {expected}, but is {found}")]
    OutOfRange {
        /// Which hyperparameter.
        name: &'static str,
        /// The range, in words.
        expected: &'static str,
        /// The value given.
        found: f64,
    },
    /// A schedule moves the momentum of a rule that has none, or has one of its own.
    #[error(
        "the schedule moves the momentum, but this rule has none to move: {rule} (take one with momentum, such as `adam` or `sgd` with \
         `momentum` above 0, or a schedule that leaves it, such as `one_cycle` with `momentum` null)"
    )]
    NoMomentum {
        /// The rule with its hyperparameters.
        rule: String,
    },
    /// A parameter group applies to nothing.
    #[error("group {index} ({group}) matches no parameter: the first parameters are called {known}")]
    EmptyGroup {
        /// Its place in the list of groups.
        index: usize,
        /// The group in words.
        group: String,
        /// Some of the names there are.
        known: String,
    },
    /// A checkpoint belongs to another rule or another model.
    #[error("the optimizer's state does not fit: {what} (expected {expected}, found {found})")]
    State {
        /// What differs.
        what: String,
        /// What this optimizer needs.
        expected: String,
        /// What the checkpoint holds.
        found: String,
    },
}

/// `Ok` if `ok`, else [`OptimError::OutOfRange`]; a NaN makes every comparison false and is refused with the rest.
pub(crate) fn require(ok: bool, name: &'static str, expected: &'static str, found: f64) -> Result<(), OptimError> {
    if ok { Ok(()) } else { Err(OptimError::OutOfRange { name, expected, found }) }
}

/// A finite number that is not negative.
pub(crate) fn require_not_negative(name: &'static str, found: f64) -> Result<(), OptimError> {
    require(found >= 0.0 && found.is_finite(), name, "finite and at least 0", found)
}

/// A rate of forgetting in `[0, 1)`.
pub(crate) fn require_fraction(name: &'static str, found: f64) -> Result<(), OptimError> {
    require((0.0..1.0).contains(&found), name, "in [0, 1)", found)
}
