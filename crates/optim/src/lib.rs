#![doc = include_str!("../README.md")]

mod blend;
pub mod clip;
mod config;
pub mod constraint;
mod ema;
mod error;
mod group;
pub mod lbfgs;
mod lookahead;
mod named;
mod newton_schulz;
mod optimizer;
mod pass;
mod penalty;
mod plateau;
pub mod rule;
pub mod schedule;
mod state;
mod swa;
mod units;

pub use clip::Clip;
pub use config::OptimizerConfig;
pub use constraint::{Constraint, ConstraintFn, MaxNorm, NonNegative, SharedConstraint, UnitNorm};
pub use ema::Ema;
pub use error::OptimError;
pub use group::{DecayOn, Group};
pub use lbfgs::{Lbfgs, LbfgsConfig, LbfgsMeta, LbfgsReport, LineSearch, Stop};
pub use lookahead::Lookahead;
pub use optimizer::{Optimizer, StepReport};
pub use penalty::{L1Style, Penalty};
pub use plateau::{Goal, Margin, Plateau, PlateauState};
pub use rule::{
    AdaGrad, Adadelta, Adam, AdamW, Adamax, DecayStyle, Lion, Muon, MuonScale, NAdam, RAdam, RmsProp, RuleFn, RuleStep,
    Sgd, SharedRule, UpdateRule,
};
pub use schedule::{
    Anneal, Chained, Constant, Cosine, Exponential, Linear, MultiStep, OneCycle, Polynomial, Schedule, Sequential,
    SharedSchedule, Step, Sutskever, WarmRestarts, Warmup,
};
pub use state::{StateMeta, StateTensor};
pub use swa::Swa;
