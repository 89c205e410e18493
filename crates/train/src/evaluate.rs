//! Using a model without changing it: predictions and mean losses, batch by batch.

use layerwise_autograd::Tape;
use layerwise_nn_layers::{Loss, Module};
use layerwise_tensor::{Mode, Params, Scalar, Stream};
use ndarray::{Array2, ArrayView2, s};

use crate::batch::{target_in_place, weights_in_place};
use crate::data::Samples;
use crate::threads::Threads;

/// The outputs of `model` for `x` `(rows, inputs)`, computed `batch` rows at a time in [`Mode::Eval`].
///
/// The result does not depend on `batch` by more than rounding, and on nothing else. Work of some milliseconds or more is shared
/// among the threads of the rayon pool the caller is in or, outside any pool, among all cores; less stays with the caller.
///
/// # Panics
/// If `batch` is 0, or `x` has not the number of columns the model takes.
#[track_caller]
pub fn predict<T: Scalar>(
    model: &(impl Module<T> + ?Sized),
    params: &Params<T>,
    x: ArrayView2<'_, T>,
    batch: usize,
) -> Array2<T> {
    let mut evaluator = Evaluator::new(batch);
    on_all_cores(params, x.nrows(), || evaluator.predict(model, params, x))
}

/// The mean loss of `model` over the rows of `samples`, weighted as they say, with the penalties of its modules, computed `batch` rows at a time in [`Mode::Eval`], on as many threads as by
/// [`predict`].
///
/// # Panics
/// If `batch` is 0, or the samples do not fit the model or the loss.
#[track_caller]
pub fn evaluate<T: Scalar>(
    model: &(impl Module<T> + ?Sized),
    loss: &(impl Loss<T> + ?Sized),
    params: &Params<T>,
    samples: &Samples<'_, T>,
    batch: usize,
) -> f64 {
    let mut evaluator = Evaluator::new(batch);
    on_all_cores(params, samples.len(), || evaluator.run(model, params, samples.inputs(), Some((loss, samples)), None))
}

/// Multiply-adds from which on it is worth starting threads: some milliseconds of one core.
const WORTH_THREADS: usize = 1 << 27;

/// `f`, which takes `rows` rows through the parameters, on all cores if that is worth it.
fn on_all_cores<T: Scalar, R: Send>(params: &Params<T>, rows: usize, f: impl FnOnce() -> R + Send) -> R {
    if rows.saturating_mul(params.trainable().len()) < WORTH_THREADS {
        return f();
    }
    match Threads::new(0) {
        Ok(threads) => threads.run(f),
        // Where no thread can be started the caller's does the same work, to the same bits.
        Err(_) => f(),
    }
}

/// A tape kept for evaluation, so that evaluating again allocates nothing but the result; it works in the rayon pool it is called in.
#[derive(Debug)]
pub struct Evaluator<T: Scalar> {
    tape: Tape<T>,
    batch: usize,
}

impl<T: Scalar> Evaluator<T> {
    /// An evaluator that takes `batch` rows at a time.
    ///
    /// # Panics
    /// If `batch` is 0.
    #[track_caller]
    pub fn new(batch: usize) -> Self {
        assert!(batch > 0, "evaluation needs batches of at least one row");
        Self { tape: Tape::new(), batch }
    }

    /// As the function [`predict`].
    ///
    /// # Panics
    /// If `x` has not the number of columns the model takes.
    #[track_caller]
    pub fn predict(
        &mut self,
        model: &(impl Module<T> + ?Sized),
        params: &Params<T>,
        x: ArrayView2<'_, T>,
    ) -> Array2<T> {
        let mut outputs = Array2::zeros((0, 0));
        self.run(model, params, x, None::<(&dyn Loss<T>, _)>, Some(&mut outputs));
        outputs
    }

    /// One pass over the rows of `x`: the mean loss, if one is given, and the outputs, if they are wanted.
    pub(crate) fn run(
        &mut self,
        model: &(impl Module<T> + ?Sized),
        params: &Params<T>,
        x: ArrayView2<'_, T>,
        measure: Option<(&(impl Loss<T> + ?Sized), &Samples<'_, T>)>,
        mut outputs: Option<&mut Array2<T>>,
    ) -> f64 {
        let rows = x.nrows();
        // Losses are means over what counts, penalties over the rows.
        let (mut first, mut sum, mut weight, mut penalties) = (0, 0.0, 0.0, 0.0);
        loop {
            let end = (first + self.batch).min(rows);
            // What samples in use too (DropConnect in its Gaussian form) draws the same each time.
            let mut g = self.tape.graph(params, Mode::Eval, Stream::new(0));
            if measure.is_none() {
                g.skip_penalties();
            }
            let x = g.input_ref(x.slice_move(s![first..end, ..]));
            let y = model.forward(&mut g, x);
            if let Some(outputs) = &mut outputs {
                if first == 0 {
                    **outputs = Array2::zeros((rows, g.shape(y).1));
                }
                outputs.slice_mut(s![first..end, ..]).assign(&g.value(y));
            }
            if let Some((loss, samples)) = measure {
                let (target, weights) =
                    (target_in_place(samples, first, end, x), weights_in_place(samples, first, end));
                let batch = loss.weighted(&mut g, y, target, &weights);
                sum += g.scalar(batch.loss) * batch.weight;
                weight += batch.weight;
                if let Some(found) = g.penalties() {
                    penalties += g.scalar(found) * (end - first) as f64;
                }
            }
            first = end;
            // The loop body runs once for no rows too: only the model knows how many outputs it has.
            if first == rows {
                return sum / weight + penalties / rows as f64;
            }
        }
    }
}
