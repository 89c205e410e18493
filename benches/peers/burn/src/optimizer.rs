//! The optimizer of a workload, one of burn's. Its defaults differ from those of the workloads, so all is said.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};

use crate::workload::{Rule, RuleName};

pub(crate) fn of(rule: &Rule) -> ModuleOptimizer {
    let decay = (rule.weight_decay != 0.0).then(|| WeightDecayConfig::new(rule.weight_decay as f32));
    match rule.rule {
        RuleName::Sgd => {
            let momentum = MomentumConfig::new().with_momentum(rule.momentum).with_dampening(0.0);
            let momentum = (rule.momentum != 0.0).then_some(momentum);
            SgdConfig::new().with_momentum(momentum).with_weight_decay(decay).init()
        }
        RuleName::Adam => AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init(),
        RuleName::AdamW => AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(rule.weight_decay as f32).init(),
        RuleName::RmsProp => RmsPropConfig::new().with_momentum(0.0).with_epsilon(1e-8).with_weight_decay(decay).init(),
    }
}
