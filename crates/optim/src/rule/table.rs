//! The shelf of rules.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::RuleFn;
use super::adadelta::Adadelta;
use super::adagrad::AdaGrad;
use super::adam::Adam;
use super::adamax::Adamax;
use super::adamw::AdamW;
use super::lion::Lion;
use super::muon::{Muon, MuonScale};
use super::nadam::NAdam;
use super::radam::RAdam;
use super::rmsprop::RmsProp;
use super::sgd::Sgd;
use super::shared::SharedRule;
use crate::error::OptimError;
use crate::named::{self, Named};

/// One rule of the table.
#[derive(Debug)]
pub struct RuleEntry {
    /// The name in configurations.
    pub name: &'static str,
    /// The rule in one line.
    pub summary: &'static str,
    build: fn(Value) -> Result<SharedRule, serde_json::Error>,
    samples: fn() -> Vec<Sample>,
}

/// A rule to try a law on.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The rule.
    pub rule: SharedRule,
    /// A rate at which it comes down the quadratic and Rosenbrock's valley.
    pub rate: f64,
}

impl RuleEntry {
    /// Rules of this entry that differ in form (with and without momentum, centred ...): the laws run on each.
    pub fn samples(&self) -> Vec<Sample> {
        (self.samples)()
    }
}

impl Named for RuleEntry {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// Every rule there is, in alphabetical order.
pub fn table() -> &'static [RuleEntry] {
    &TABLE
}

static TABLE: [RuleEntry; 11] = [
    RuleEntry {
        name: "adadelta",
        summary: "the gradient in units of the parameter, by root mean squares of both",
        build: build::<Adadelta>,
        samples: || vec![sample(Adadelta::default(), 1.0), sample(Adadelta::default().rho(0.95).eps(1e-4), 0.3)],
    },
    RuleEntry {
        name: "adagrad",
        summary: "each component's rate falls with the squares of its gradients",
        build: build::<AdaGrad>,
        samples: || vec![sample(AdaGrad::default(), 0.5), sample(AdaGrad::default().initial_accumulator(0.1), 0.5)],
    },
    RuleEntry {
        name: "adam",
        summary: "mean of the gradient over the root mean square, bias-corrected",
        build: build::<Adam>,
        samples: || {
            let rule = Adam::default();
            vec![sample(rule, 2e-2), sample(rule.betas(0.8, 0.9).eps(1e-6), 2e-2), sample(rule.amsgrad(), 2e-2)]
        },
    },
    RuleEntry {
        name: "adamax",
        summary: "Adam by the largest gradient of late",
        build: build::<Adamax>,
        samples: || vec![sample(Adamax::default(), 2e-2), sample(Adamax::default().betas(0.8, 0.99).eps(1e-6), 2e-2)],
    },
    RuleEntry {
        name: "adamw",
        summary: "Adam with weight decay beside the rule",
        build: build::<AdamW>,
        samples: || vec![sample(AdamW::default(), 2e-2), sample(AdamW::default().amsgrad(), 2e-2)],
    },
    RuleEntry {
        name: "lion",
        summary: "the sign of a mean of gradient and momentum",
        build: build::<Lion>,
        samples: || vec![sample(Lion::default(), 3e-3), sample(Lion::default().betas(0.95, 0.98), 3e-3)],
    },
    RuleEntry {
        name: "muon",
        summary: "momentum whose singular values are made equal; AdamW for what is no weight",
        build: build::<Muon>,
        samples: || {
            let rule = Muon::default();
            let plain = rule.heavy_ball().momentum(0.8).polynomial([1.5, -0.5, 0.0], 12);
            vec![sample(rule, 1e-3), sample(plain.scale(MuonScale::MatchRmsAdamw), 2e-3)]
        },
    },
    RuleEntry {
        name: "nadam",
        summary: "Adam with Nesterov's momentum",
        build: build::<NAdam>,
        samples: || {
            let rule = NAdam::default();
            vec![sample(rule, 2e-2), sample(rule.betas(0.8, 0.95).momentum_decay(0.1), 2e-2)]
        },
    },
    RuleEntry {
        name: "radam",
        summary: "Adam that waits until its mean square can be trusted",
        build: build::<RAdam>,
        samples: || vec![sample(RAdam::default(), 5e-3), sample(RAdam::default().betas(0.8, 0.9).eps(1e-6), 5e-3)],
    },
    RuleEntry {
        name: "rmsprop",
        summary: "the gradient over its root mean square; centred, momentum",
        build: build::<RmsProp>,
        samples: || {
            let rule = RmsProp::default();
            vec![
                sample(rule, 1e-2),
                sample(rule.momentum(0.9), 1e-3),
                sample(rule.centered(), 1e-2),
                sample(rule.centered().momentum(0.5).alpha(0.9), 2e-3),
            ]
        },
    },
    RuleEntry {
        name: "sgd",
        summary: "gradient descent; momentum, Nesterov",
        build: build::<Sgd>,
        samples: || {
            let rule = Sgd::default();
            vec![
                sample(rule, 1e-3),
                sample(rule.momentum(0.9), 3e-4),
                sample(rule.momentum(0.8).dampening(0.5), 1e-3),
                sample(rule.nesterov(0.9), 3e-4),
            ]
        },
    },
];

fn sample(rule: impl Into<SharedRule>, rate: f64) -> Sample {
    Sample { rule: rule.into(), rate }
}

fn build<R: RuleFn + DeserializeOwned>(options: Value) -> Result<SharedRule, serde_json::Error> {
    Ok(SharedRule::from(serde_json::from_value::<R>(options)?))
}

/// Builds a rule from `{"name": "adam", "beta1": 0.9}`, or from the bare name; keys left out take their defaults.
///
/// # Errors
/// If the name is not in the table, a key is not known or of the wrong type, or a value is out of range.
pub fn from_config(config: &Value) -> Result<SharedRule, OptimError> {
    let (name, options) = named::split_name("rule", config)?;
    let entry = named::find("rule", table(), name)?;
    let rule = (entry.build)(options)
        .map_err(|e| OptimError::Config { what: format!("rule `{name}`"), reason: e.to_string() })?;
    rule.validate()?;
    Ok(rule)
}

impl<'de> Deserialize<'de> for SharedRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_config(&serde_json::Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
