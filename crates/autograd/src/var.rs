//! Handles of values on a tape.

/// A value on the tape of one step: an index, so it is `Copy` and carries no lifetime.
///
/// A `Var` is valid for the step that made it. Every use compares its stamp with the tape's, so a handle that was kept from an
/// earlier step, or belongs to another tape, is refused with a panic instead of reading the wrong slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var {
    index: u32,
    stamp: u32,
}

impl Var {
    pub(crate) fn new(index: usize, stamp: u32) -> Self {
        let index = u32::try_from(index).unwrap_or_else(|_| panic!("a tape holds at most 2^32 values"));
        Self { index, stamp }
    }

    /// Position on the tape: inputs of an operation have smaller indices than its result.
    #[inline]
    pub fn index(self) -> usize {
        self.index as usize
    }

    #[inline]
    pub(crate) fn stamp(self) -> u32 {
        self.stamp
    }
}

/// The values an operation reads, up to six of them, without allocation.
///
/// ```
/// # use layerwise_autograd::{Inputs, Var};
/// fn inputs(x: Var, w: Var, bias: Option<Var>) -> Inputs {
///     Inputs::new(&[x, w]).and(bias)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs {
    vars: [Option<Var>; Inputs::MAX],
    len: usize,
}

impl Inputs {
    /// How many inputs an operation may have.
    pub const MAX: usize = 6;

    /// These inputs, in order.
    ///
    /// # Panics
    /// With more than [`Inputs::MAX`] of them.
    #[track_caller]
    pub fn new(vars: &[Var]) -> Self {
        vars.iter().fold(Self::default(), |inputs, v| inputs.and(Some(*v)))
    }

    /// One more input, if there is one.
    ///
    /// # Panics
    /// With more than [`Inputs::MAX`] of them.
    #[track_caller]
    #[must_use]
    pub fn and(mut self, var: Option<Var>) -> Self {
        if var.is_some() {
            assert!(self.len < Self::MAX, "an operation has at most {} inputs", Self::MAX);
            self.vars[self.len] = var;
            self.len += 1;
        }
        self
    }

    /// The inputs in order.
    pub fn iter(&self) -> impl Iterator<Item = Var> + '_ {
        self.vars.iter().flatten().copied()
    }
}
