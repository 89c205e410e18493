//! Update rules: how a gradient changes a parameter.
//!
//! A rule is one file that holds a struct of hyperparameters and one loop ([`RuleFn::update`]), and one line in [`table()`].
//! Clipping, the L1 and L2 penalties and decoupled decay ride on the same pass through [`RuleStep`].

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod lion;
mod muon;
mod nadam;
mod radam;
mod rmsprop;
mod sgd;
mod shared;
mod step;
mod table;

use std::fmt::Debug;

use layerwise_tensor::{Scalar, math};
use serde::{Deserialize, Serialize};

use crate::error::OptimError;

pub use adadelta::Adadelta;
pub use adagrad::AdaGrad;
pub use adam::Adam;
pub use adamax::Adamax;
pub use adamw::AdamW;
pub use lion::Lion;
pub use muon::{Muon, MuonScale};
pub use nadam::NAdam;
pub use radam::RAdam;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
pub use shared::SharedRule;
pub(crate) use step::sign;
pub use step::{Prepared, RuleStep};
pub use table::{RuleEntry, Sample, from_config, table};

/// How `weight_decay` acts: each rule has its own way, which [`OptimizerConfig::decay_style`](crate::OptimizerConfig) overrules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayStyle {
    /// As an L2 penalty: `weight_decay * w` is added to the gradient (after clipping, before the rule), as PyTorch's SGD and Adam.
    Coupled,
    /// Beside the rule: `w` shrinks by `1 - rate * weight_decay` first, as AdamW.
    Decoupled,
}

/// The buffers a rule keeps for a stretch of parameters, in the order of [`RuleFn::slots`]; those it does not use are empty.
pub type State<'a, T> = [&'a mut [T]; 3];

/// What the author of a rule writes: hyperparameters that serialize, and one loop over slices, generic over the element type.
///
/// [`UpdateRule`] is implemented for every `RuleFn`.
pub trait RuleFn: Debug + Send + Sync + Serialize + 'static {
    /// The name in configurations.
    const NAME: &'static str;
    /// The rate where none is given.
    const RATE: f64;
    /// The weight decay where none is given.
    const DECAY: f64 = 0.0;
    /// How weight decay acts.
    const DECAY_STYLE: DecayStyle = DecayStyle::Coupled;

    /// Names of the state buffers (at most three), as PyTorch's `state_dict` calls them.
    fn slots(&self) -> &'static [&'static str];

    /// What a state buffer holds before the first step.
    fn first_state(&self, _slot: usize) -> f64 {
        0.0
    }

    /// Whether a schedule can move the momentum: whether [`RuleFn::update`] reads [`RuleStep::momentum`].
    fn takes_momentum(&self) -> bool {
        false
    }

    /// Whether the hyperparameters are in range.
    fn check(&self) -> Result<(), OptimError>;

    /// Changes `w` by the gradient `g`, both of the same length as each state buffer in use.
    ///
    /// One pass; each element depends on its own place only, so that the pass can be cut anywhere. Begin with
    /// `let s = step.prepare::<T>()`, read the gradient through `s.gradient(w, g)`; mark it `#[inline(always)]`.
    fn update<T: Scalar>(&self, step: &RuleStep, w: &mut [T], g: &[T], state: State<'_, T>);

    /// For a rule that looks at a weight as a whole, the values of scratch it needs for one of this shape: then
    /// [`RuleFn::update_matrix`] takes the place of [`RuleFn::update`] for weights, and [`RuleFn::for_others`] says what takes the rest.
    fn matrix_scratch(&self, _rows: usize, _cols: usize) -> Option<usize> {
        None
    }

    /// The rule of parameters that this one cannot take, where no group gives them one.
    fn for_others(&self) -> Option<SharedRule> {
        None
    }

    /// Changes the weight `w`, `(in, out)`, by the gradient `g`, a copy that it may change.
    ///
    /// The same bits at any number of threads, no allocation but in products.
    fn update_matrix<T: Scalar>(
        &self,
        _step: &RuleStep,
        _shape: (usize, usize),
        _w: &mut [T],
        _g: &mut [T],
        _state: State<'_, T>,
        _scratch: &mut [T],
    ) {
        unreachable!("`{}` updates element by element", Self::NAME)
    }
}

/// A rule without its type: what [`Optimizer`](crate::Optimizer) holds.
pub trait UpdateRule: Debug + Send + Sync {
    /// The name in configurations.
    fn name(&self) -> &'static str;
    /// The rate where none is given.
    fn default_rate(&self) -> f64;
    /// The weight decay where none is given.
    fn default_decay(&self) -> f64;
    /// How weight decay acts.
    fn decay_style(&self) -> DecayStyle;
    /// Names of the state buffers.
    fn state_slots(&self) -> &'static [&'static str];
    /// What a state buffer holds before the first step.
    fn initial_state(&self, slot: usize) -> f64;
    /// Whether a schedule can move the momentum.
    fn momentum_moves(&self) -> bool {
        false
    }
    /// Whether the hyperparameters are in range.
    fn validate(&self) -> Result<(), OptimError>;
    /// The rule as an object `{"name": .., hyperparameters}`, from which [`from_config`] builds it again.
    fn config(&self) -> serde_json::Value;
    /// One fused pass over 32-bit values.
    fn update_f32(&self, step: &RuleStep, w: &mut [f32], g: &[f32], state: State<'_, f32>);
    /// One fused pass over 64-bit values.
    fn update_f64(&self, step: &RuleStep, w: &mut [f64], g: &[f64], state: State<'_, f64>);
    /// For a rule that updates weights as a whole, the values of scratch it needs for one of this shape.
    fn matrix_scratch(&self, _rows: usize, _cols: usize) -> Option<usize> {
        None
    }
    /// For such a rule, the one that takes everything else where no group gives it one.
    fn companion(&self) -> Option<SharedRule> {
        None
    }
    /// The update of a whole weight of 32-bit values; see [`RuleFn::update_matrix`].
    fn update_matrix_f32(
        &self,
        _step: &RuleStep,
        _shape: (usize, usize),
        _w: &mut [f32],
        _g: &mut [f32],
        _state: State<'_, f32>,
        _scratch: &mut [f32],
    ) {
        unreachable!("`{}` updates element by element", self.name())
    }
    /// The update of a whole weight of 64-bit values; see [`RuleFn::update_matrix`].
    fn update_matrix_f64(
        &self,
        _step: &RuleStep,
        _shape: (usize, usize),
        _w: &mut [f64],
        _g: &mut [f64],
        _state: State<'_, f64>,
        _scratch: &mut [f64],
    ) {
        unreachable!("`{}` updates element by element", self.name())
    }
}

impl<R: RuleFn> UpdateRule for R {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn default_rate(&self) -> f64 {
        R::RATE
    }

    fn default_decay(&self) -> f64 {
        R::DECAY
    }

    fn decay_style(&self) -> DecayStyle {
        R::DECAY_STYLE
    }

    fn state_slots(&self) -> &'static [&'static str] {
        self.slots()
    }

    fn initial_state(&self, slot: usize) -> f64 {
        self.first_state(slot)
    }

    fn momentum_moves(&self) -> bool {
        self.takes_momentum()
    }

    fn validate(&self) -> Result<(), OptimError> {
        self.check()
    }

    fn config(&self) -> serde_json::Value {
        crate::named::with_name(R::NAME, self)
    }

    fn update_f32(&self, step: &RuleStep, w: &mut [f32], g: &[f32], state: State<'_, f32>) {
        math::vectorize(
            #[inline(always)]
            || self.update(step, w, g, state),
        );
    }

    fn update_f64(&self, step: &RuleStep, w: &mut [f64], g: &[f64], state: State<'_, f64>) {
        math::vectorize(
            #[inline(always)]
            || self.update(step, w, g, state),
        );
    }

    fn matrix_scratch(&self, rows: usize, cols: usize) -> Option<usize> {
        RuleFn::matrix_scratch(self, rows, cols)
    }

    fn companion(&self) -> Option<SharedRule> {
        self.for_others()
    }

    fn update_matrix_f32(
        &self,
        step: &RuleStep,
        shape: (usize, usize),
        w: &mut [f32],
        g: &mut [f32],
        state: State<'_, f32>,
        scratch: &mut [f32],
    ) {
        self.update_matrix(step, shape, w, g, state, scratch);
    }

    fn update_matrix_f64(
        &self,
        step: &RuleStep,
        shape: (usize, usize),
        w: &mut [f64],
        g: &mut [f64],
        state: State<'_, f64>,
        scratch: &mut [f64],
    ) {
        self.update_matrix(step, shape, w, g, state, scratch);
    }
}
