//! The optimizer of a workload: candle's SGD and AdamW, the others and clipping with its tensors.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW, SGD};

use crate::workload::{Rule, RuleName};

pub(crate) struct AnyOptimizer {
    variables: Vec<Var>,
    rule: Rule,
    update: Update,
}

enum Update {
    Sgd(SGD),
    /// With a decay of 0 it is Adam.
    AdamW(AdamW),
    /// One velocity for each variable, from the first step on.
    Momentum(Vec<Tensor>),
    /// One mean of squares for each variable.
    RmsProp(Vec<Tensor>),
}

impl AnyOptimizer {
    pub(crate) fn new(rule: &Rule, variables: Vec<Var>) -> Result<Self> {
        let update = match rule.rule {
            RuleName::Sgd if rule.momentum == 0.0 => Update::Sgd(SGD::new(variables.clone(), rule.rate)?),
            RuleName::Sgd => Update::Momentum(Vec::new()),
            RuleName::Adam | RuleName::AdamW => {
                let apart = if rule.rule == RuleName::AdamW { rule.weight_decay } else { 0.0 };
                let params = ParamsAdamW { lr: rule.rate, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: apart };
                Update::AdamW(AdamW::new(variables.clone(), params)?)
            }
            RuleName::RmsProp => Update::RmsProp(variables.iter().map(|v| v.zeros_like()).collect::<Result<_>>()?),
        };
        Ok(Self { variables, rule: rule.clone(), update })
    }

    pub(crate) fn step(&mut self, mut grads: GradStore) -> Result<()> {
        if let Some(most) = self.rule.clip_norm {
            self.clip(&mut grads, most)?;
        }
        if self.rule.weight_decay != 0.0 && self.rule.rule != RuleName::AdamW {
            for v in &self.variables {
                let grad = (gradient(&grads, v)? + (v.as_detached_tensor() * self.rule.weight_decay)?)?;
                grads.insert(v, grad);
            }
        }
        let rate = self.rule.rate;
        match &mut self.update {
            Update::Sgd(sgd) => sgd.step(&grads),
            Update::AdamW(adamw) => adamw.step(&grads),
            Update::Momentum(velocities) => {
                for (i, v) in self.variables.iter().enumerate() {
                    let grad = gradient(&grads, v)?.detach();
                    let velocity = match velocities.get(i) {
                        Some(velocity) => ((velocity * self.rule.momentum)? + grad)?,
                        None => grad,
                    };
                    v.set(&(v.as_detached_tensor() - (&velocity * rate)?)?)?;
                    if i < velocities.len() {
                        velocities[i] = velocity;
                    } else {
                        velocities.push(velocity);
                    }
                }
                Ok(())
            }
            Update::RmsProp(squares) => {
                for (v, square) in self.variables.iter().zip(squares) {
                    let grad = gradient(&grads, v)?.detach();
                    *square = ((&*square * 0.99)? + (grad.sqr()? * 0.01)?)?;
                    let step = (grad / (square.sqrt()? + 1e-8)?)?;
                    v.set(&(v.as_detached_tensor() - (step * rate)?)?)?;
                }
                Ok(())
            }
        }
    }

    /// Scales all gradients so that their norm is at most `most`, as the workloads have it.
    fn clip(&self, grads: &mut GradStore, most: f64) -> Result<()> {
        let mut sum = 0.0;
        for v in &self.variables {
            let square = gradient(grads, v)?.sqr()?.sum_all()?;
            sum += square.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        }
        let factor = most / (sum.sqrt() + 1e-6);
        if factor < 1.0 {
            for v in &self.variables {
                let scaled = (gradient(grads, v)? * factor)?;
                grads.insert(v, scaled);
            }
        }
        Ok(())
    }
}

fn gradient<'a>(grads: &'a GradStore, v: &Var) -> Result<&'a Tensor> {
    match grads.get(v) {
        Some(grad) => Ok(grad),
        None => candle_core::bail!("a variable without gradient"),
    }
}
