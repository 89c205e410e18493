//! Averages of the parameters that a fit keeps beside them, and the lookahead that draws them back.

use layerwise_autograd::Tape;
use layerwise_datasets::Batches;
use layerwise_nn_layers::Module;
use layerwise_optim::{Ema, Lookahead, Swa};
use layerwise_tensor::{Gradients, Mode, Params, Scalar, Stream};

use crate::batch::Batch;
use crate::data::Samples;
use crate::error::TrainError;

/// Forward passes after which running statistics with the usual momentum of 0.1 have forgotten where they came from: `0.9^100 < 1e-4`.
const ENOUGH: usize = 100;

/// Which averages a fit keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Averaging {
    /// Decay of the exponential average.
    pub(crate) ema: Option<f64>,
    /// The first epoch that the equal average takes in.
    pub(crate) swa: Option<usize>,
    /// Steps between two meetings, and the share of the way.
    pub(crate) lookahead: Option<(u64, f64)>,
    /// Whether validation looks at the averages and the fit returns them.
    pub(crate) evaluate: bool,
}

impl Default for Averaging {
    fn default() -> Self {
        Self { ema: None, swa: None, lookahead: None, evaluate: true }
    }
}

impl Averaging {
    /// Refuses what cannot work.
    pub(crate) fn check(&self, epochs: usize) -> Result<(), TrainError> {
        let refuse = |name, problem| Err(TrainError::Setting { name, problem });
        match (self.ema, self.swa, self.lookahead) {
            (Some(decay), ..) if !(0.0..=1.0).contains(&decay) => {
                refuse("ema", format!("the decay must be in [0, 1], found {decay}"))
            }
            (Some(_), Some(_), _) => {
                refuse("swa", "an exponential average is kept already; only one can be evaluated, choose one".into())
            }
            (_, Some(from), _) if from >= epochs => {
                refuse("swa", format!("it begins with epoch {from}, but there are only {epochs}, counted from 0"))
            }
            (.., Some((0, _))) => refuse("lookahead", "`every` must be at least 1, found 0".into()),
            (.., Some((_, alpha))) if !(0.0..=1.0).contains(&alpha) => {
                refuse("lookahead", format!("alpha must be in [0, 1], found {alpha}"))
            }
            _ => Ok(()),
        }
    }
}

/// The averages of a fit.
#[derive(Debug)]
pub(crate) struct Averages<T: Scalar> {
    pub(crate) ema: Option<Ema<T>>,
    pub(crate) swa: Option<Swa<T>>,
    pub(crate) lookahead: Option<Lookahead<T>>,
    how: Averaging,
    /// The equal average with statistics of its own.
    gathered: Option<Params<T>>,
}

impl<T: Scalar> Averages<T> {
    /// Averages that begin at `params`.
    pub(crate) fn new(how: Averaging, params: &Params<T>) -> Self {
        Self {
            ema: how.ema.map(|decay| Ema::new(decay, params)),
            swa: how.swa.map(|_| Swa::new(params)),
            lookahead: how.lookahead.map(|(every, alpha)| Lookahead::new(every, alpha, params)),
            how,
            gathered: None,
        }
    }

    /// After each step of the optimizer; lookahead may change `params`. Allocates nothing.
    pub(crate) fn after_step(&mut self, params: &mut Params<T>) {
        if let Some(lookahead) = &mut self.lookahead {
            lookahead.step(params);
        }
        if let Some(ema) = &mut self.ema {
            ema.update(params);
        }
    }

    /// After each epoch, before it is validated.
    pub(crate) fn after_epoch(&mut self, epoch: usize, params: &Params<T>) {
        if let (Some(swa), Some(from)) = (&mut self.swa, self.how.swa)
            && epoch >= from
        {
            swa.update(params);
        }
    }

    /// Gathers the running statistics of the equal average, which those of the trained parameters do not fit: forward passes over the
    /// batches in their order, in training mode. The same averages give the same statistics.
    pub(crate) fn gather(&mut self, model: &dyn Module<T>, samples: &Samples<'_, T>, batches: Batches, stream: Stream) {
        let Some(swa) = self.swa.as_ref().filter(|swa| swa.updates() > 0) else { return };
        let gathered = self.gathered.get_or_insert_with(|| swa.params().clone());
        gathered.copy_from(swa.params());
        if gathered.buffers().is_empty() {
            return;
        }
        let (mut tape, mut memory, mut grads) = (Tape::new(), Batch::new(), Gradients::new(gathered));
        let mut batches = batches;
        let passes = ENOUGH.div_ceil(batches.per_epoch().max(1));
        let mut place = 0;
        for _ in 0..passes {
            for order in batches.epoch(0) {
                let mut g = tape.graph(gathered, Mode::Train, stream.at(place));
                g.skip_penalties();
                let (x, ..) = memory.gather(&mut g, samples, order);
                model.forward(&mut g, x);
                g.finish(&mut grads);
                grads.apply_updates(gathered);
                place += 1;
            }
        }
    }

    /// The averages, once there are any.
    pub(crate) fn average(&self) -> Option<&Params<T>> {
        self.ema.as_ref().map(Ema::params).or(self.gathered.as_ref())
    }

    /// What is validated and returned: the averages, or `params`.
    pub(crate) fn evaluated<'p>(&'p self, params: &'p Params<T>) -> &'p Params<T> {
        self.average().filter(|_| self.how.evaluate).unwrap_or(params)
    }
}
