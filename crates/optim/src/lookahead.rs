//! Slow weights that follow the optimizer's.

use layerwise_tensor::{Params, Scalar};

use crate::blend::{blend, require_layout};

/// Lookahead: every `every` steps of any optimizer, slow weights go a share `alpha` of the way to the fast ones, which go on from there.
///
/// ```text
/// slow += alpha * (fast - slow);  fast = slow
/// ```
///
/// Values in use: every 5 or 10, alpha 0.5 or 0.8. The state of the optimizer stays as it is; buffers and frozen parameters are left alone.
///
/// Source: M. R. Zhang, J. Lucas, G. Hinton, J. Ba, *Lookahead optimizer: k steps forward, 1 step back*, arXiv 1907.08610 (2019).
///
/// ```
/// use layerwise_optim::Lookahead;
/// # use layerwise_tensor::{Constant, Layout, ParamKind, Params, Stream};
/// # let mut layout = Layout::new();
/// # let w = layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(1.0));
/// # let mut params = Params::<f64>::init(layout, &Stream::new(0));
/// let mut lookahead = Lookahead::new(2, 0.5, &params);
/// for _ in 0..2 {
///     params.get_mut(w)[0] += 1.0; // Here the optimizer takes a step.
///     lookahead.step(&mut params);
/// }
/// assert_eq!(params.get(w), [2.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Lookahead<T: Scalar> {
    slow: Params<T>,
    every: u64,
    alpha: f64,
    steps: u64,
}

impl<T: Scalar> Lookahead<T> {
    /// Slow weights that begin at `params`.
    ///
    /// # Panics
    /// If `every` is 0, or alpha not in `[0, 1]`.
    #[track_caller]
    pub fn new(every: u64, alpha: f64, params: &Params<T>) -> Self {
        assert!(every > 0, "lookahead: `every` must be at least 1");
        assert!((0.0..=1.0).contains(&alpha), "lookahead: alpha must be in [0, 1], but is {alpha}");
        Self { slow: params.clone(), every, alpha, steps: 0 }
    }

    /// To be called after every step of the optimizer; says whether the weights were drawn together.
    ///
    /// # Panics
    /// If `params` belong to another model.
    #[track_caller]
    pub fn step(&mut self, params: &mut Params<T>) -> bool {
        require_layout("lookahead", self.slow.layout(), params.layout());
        self.steps += 1;
        if !self.steps.is_multiple_of(self.every) {
            return false;
        }
        let ids = params.layout().ids();
        for id in ids {
            if !params.layout().spec(id).is_buffer() && !params.is_frozen(id) {
                let slow = self.slow.get_mut(id);
                blend(slow, params.get(id), self.alpha);
                params.get_mut(id).copy_from_slice(slow);
            }
        }
        true
    }

    /// The slow weights.
    pub fn params(&self) -> &Params<T> {
        &self.slow
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Goes on from slow weights and a number of steps that were saved.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn resume(&mut self, slow: &Params<T>, steps: u64) {
        require_layout("lookahead", self.slow.layout(), slow.layout());
        self.slow.copy_from(slow);
        self.steps = steps;
    }
}
