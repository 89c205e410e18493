//! The learning rate, step by step.

use std::ops::ControlFlow;

use layerwise_tensor::Scalar;

use super::{Callback, StepEnd, Stop};

/// Keeps the learning rate of every `k`-th step: what a schedule, a warmup and a plateau made of it.
///
/// ```
/// # use layerwise_nn_layers::{BuildModel, Mlp, Mse};
/// # use layerwise_optim::Cosine;
/// # use layerwise_train::{RateLog, Samples, Trainer};
/// # use layerwise_tensor::ndarray::array;
/// # let x = array![[0.0f32, 1.0], [1.0, 0.0]];
/// # let (mlp, mut params) = Mlp::builder(2).outputs(2).create(1)?;
/// let mut log = RateLog::default();
/// let trainer = Trainer::new(&mlp, Mse).epochs(3).rate(0.1).schedule(Cosine::new(2, 0.0));
/// trainer.callback(&mut log).fit(&mut params, &Samples::reconstruct(x.view())?)?;
/// assert_eq!(log.rates()[0], (0, 0.1));
/// assert!((log.rates()[1].1 - 0.05).abs() < 1e-15 && log.rates()[2].1 < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RateLog {
    every: u64,
    rates: Vec<(u64, f64)>,
}

impl RateLog {
    /// Every `k`-th step, from step 0 on.
    ///
    /// # Panics
    /// If `k` is 0.
    #[track_caller]
    pub fn new(k: u64) -> Self {
        assert!(k > 0, "a rate log keeps every step, or every second one, or .., found every 0th");
        Self { every: k, rates: Vec::new() }
    }

    /// Steps, counted from 0, and their rates.
    pub fn rates(&self) -> &[(u64, f64)] {
        &self.rates
    }
}

impl Default for RateLog {
    /// Every step.
    fn default() -> Self {
        Self::new(1)
    }
}

impl<T: Scalar> Callback<T> for RateLog {
    fn on_step_end(&mut self, step: &StepEnd<'_, T>) -> ControlFlow<Stop> {
        if step.step.is_multiple_of(self.every) {
            self.rates.push((step.step, step.rate));
        }
        ControlFlow::Continue(())
    }
}
