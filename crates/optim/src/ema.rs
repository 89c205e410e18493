//! The exponential moving average of a model's parameters.

use layerwise_tensor::{Params, Scalar};

use crate::blend::{blend, require_layout};

/// An average that forgets: `mean += (1 - decay) * (w - mean)` at each update, from the parameters it was made with.
///
/// It smooths out the noise of the last steps; a decay of `1 - 1/n` looks back about `n` updates. Averages are taken of what is trained;
/// buffers (running statistics, counters) are those of the last update, as in PyTorch's `AveragedModel`. An update allocates nothing.
///
/// Source: B. T. Polyak, A. B. Juditsky, *Acceleration of stochastic approximation by averaging* (1992), whose average is [`Swa`](crate::Swa);
/// the exponential form as PyTorch's `get_ema_multi_avg_fn`.
///
/// ```
/// use layerwise_optim::Ema;
/// # use layerwise_tensor::{Constant, Layout, ParamKind, Params, Stream};
/// # let mut layout = Layout::new();
/// # let w = layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(1.0));
/// # let mut params = Params::<f64>::init(layout, &Stream::new(0));
/// let mut ema = Ema::new(0.75, &params);
/// // After each step of the optimizer:
/// params.get_mut(w)[0] = 5.0;
/// ema.update(&params);
/// assert_eq!(ema.params().get(w), [2.0]);
///
/// // To evaluate or save the averages in place, and go on:
/// ema.swap(&mut params);
/// assert_eq!(params.get(w), [2.0]);
/// ema.swap(&mut params);
/// assert_eq!(params.get(w), [5.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Ema<T: Scalar> {
    mean: Params<T>,
    decay: f64,
    warmup: bool,
    updates: u64,
}

impl<T: Scalar> Ema<T> {
    /// An average that begins at `params`.
    ///
    /// # Panics
    /// If the decay is not in `[0, 1]`.
    #[track_caller]
    pub fn new(decay: f64, params: &Params<T>) -> Self {
        assert!((0.0..=1.0).contains(&decay), "ema: the decay must be in [0, 1], but is {decay}");
        Self { mean: params.clone(), decay, warmup: false, updates: 0 }
    }

    /// With the smaller decay `(1 + n) / (10 + n)` at the first updates, `n` those before: first parameters are forgotten soon.
    pub fn warmup(self) -> Self {
        Self { warmup: true, ..self }
    }

    /// Takes the parameters into the average.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn update(&mut self, params: &Params<T>) {
        require_layout("ema", self.mean.layout(), params.layout());
        let n = self.updates as f64;
        let decay = if self.warmup { self.decay.min((1.0 + n) / (10.0 + n)) } else { self.decay };
        blend(self.mean.trainable_mut(), params.trainable(), 1.0 - decay);
        self.mean.buffers_mut().copy_from_slice(params.buffers());
        self.updates += 1;
    }

    /// The averages.
    pub fn params(&self) -> &Params<T> {
        &self.mean
    }

    /// Exchanges the averages and `params`, buffers included. Exchange them again before the next update.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn swap(&mut self, params: &mut Params<T>) {
        require_layout("ema", self.mean.layout(), params.layout());
        self.mean.trainable_mut().swap_with_slice(params.trainable_mut());
        self.mean.buffers_mut().swap_with_slice(params.buffers_mut());
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Goes on from averages and their number of updates that were saved.
    ///
    /// # Panics
    /// If they belong to another model.
    #[track_caller]
    pub fn resume(&mut self, mean: &Params<T>, updates: u64) {
        require_layout("ema", self.mean.layout(), mean.layout());
        self.mean.copy_from(mean);
        self.updates = updates;
    }
}
