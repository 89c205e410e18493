//! The optimizer itself.

use std::sync::Arc;

use layerwise_tensor::{Gradients, Layout, Params, Scalar, kernel};

use super::config::{LbfgsConfig, LineSearch};
use super::history::History;
use super::line_search::{Limits, Point, strong_wolfe};
use super::report::{LbfgsReport, Stop};
use super::vectors::{Sums, change, put, scale, walk};
use crate::blend::require_layout;
use crate::error::{OptimError, require_not_negative};

/// The quasi-Newton method with limited memory, for losses without noise: all data at once, the same dropout mask in every evaluation.
///
/// ```text
/// d = -H g,   w += t * d
/// ```
///
/// with the gradient `g` and the inverse Hessian `H` that fits the last [`LbfgsConfig::history`] steps best, and `t` the rate or found by a
/// line search. One [`Lbfgs::step`] is many iterations, up to [`LbfgsConfig::max_iter`]; each costs the product `H d` by inner products
/// with the history. It keeps two vectors for each remembered pair and six more; once the history is full, nothing is allocated.
///
/// Gradients are not clipped and nothing decays: add a penalty to the loss and its gradient inside the closure
/// ([`Penalty`](crate::Penalty)), or on the tape. Parameters that are frozen, or that the first backward pass of a step does not reach, stay; when
/// another set of parameters is trained than before, the history starts anew.
///
/// Where we differ from PyTorch's `LBFGS`: a trial whose loss is not finite counts as too high, and a step that reaches such a point without a
/// line search goes back, whereas there the NaN spreads; pending updates of buffers (batch norm) are applied once a step, not once an
/// evaluation.
///
/// Source: J. Nocedal, *Updating quasi-Newton matrices with limited storage* (1980); D. C. Liu, J. Nocedal, *On the limited memory BFGS method
/// for large scale optimization* (1989).
///
/// ```
/// use layerwise_optim::{Lbfgs, LbfgsConfig};
/// use layerwise_tensor::{Constant, Layout, Gradients, ParamKind, Params, Stream};
///
/// let mut layout = Layout::new();
/// let w = layout.scope().param("w", ParamKind::Weight, 1, 2, Constant(-1.0));
/// let mut params = Params::<f64>::init(layout, &Stream::new(0));
/// let mut grads = Gradients::new(&params);
/// let mut optimizer = Lbfgs::new(LbfgsConfig::default().strong_wolfe().max_iter(100), &params);
///
/// // Rosenbrock's valley.
/// let report = optimizer.step(&mut params, &mut grads, |params, grads| {
///     let [x, y] = [params.get(w)[0], params.get(w)[1]];
///     let bend = y - x * x;
///     grads.slot(w).0.copy_from_slice(&[-2.0 * (1.0 - x) - 400.0 * x * bend, 200.0 * bend]);
///     (1.0 - x).powi(2) + 100.0 * bend * bend
/// });
/// assert!(report.loss < 1e-12, "{report:?}");
/// assert!((params.get(w)[0] - 1.0).abs() < 1e-6);
/// ```
#[derive(Clone, Debug)]
pub struct Lbfgs<T: Scalar> {
    pub(super) config: LbfgsConfig,
    pub(super) layout: Arc<Layout>,
    pub(super) rate: f64,
    pub(super) history: History<T>,
    /// Which parameters the history is about, by index.
    pub(super) trained: Vec<bool>,
    /// Whether `d` and `g[0]` tell of a last iteration.
    pub(super) started: bool,
    /// Where the iteration began.
    x: Vec<T>,
    /// The direction; after the move, the move.
    pub(super) d: Vec<T>,
    /// First the gradient at `x`, then three of trials.
    pub(super) g: [Vec<T>; 4],
    pub(super) sums: Sums,
    pub(super) steps: u64,
    pub(super) iterations: u64,
    pub(super) evaluations: u64,
}

impl<T: Scalar> Lbfgs<T> {
    /// An optimizer for parameters in the layout of `params`.
    ///
    /// # Panics
    /// If a number of the configuration is out of range; [`LbfgsConfig::build`] returns that as an error.
    #[track_caller]
    pub fn new(config: LbfgsConfig, params: &Params<T>) -> Self {
        match config.build(params) {
            Ok(optimizer) => optimizer,
            Err(error) => panic!("lbfgs: {error}"),
        }
    }

    /// One step: iterations until something of [`Stop`] holds.
    ///
    /// `closure` computes the loss of the parameters it is given and writes their gradients, which are cleared before; it is called up to
    /// [`LbfgsConfig::max_eval`] times (once more in a line search, as in PyTorch), and must be the same function each time. The gradients are cleared after the step.
    ///
    /// # Panics
    /// If `params` or `grads` have another layout than the parameters this optimizer was made for.
    #[track_caller]
    pub fn step(
        &mut self,
        params: &mut Params<T>,
        grads: &mut Gradients<T>,
        mut closure: impl FnMut(&Params<T>, &mut Gradients<T>) -> f64,
    ) -> LbfgsReport {
        require_layout("lbfgs", &self.layout, params.layout());
        require_layout("lbfgs", &self.layout, grads.layout());
        let LbfgsConfig { max_iter, tolerance_grad, tolerance_change, line_search, .. } = self.config;
        let max_eval = self.config.evaluations();

        let mut loss = evaluate(params, grads, &mut closure, &mut self.g[1]);
        let mut report = LbfgsReport {
            first_loss: loss,
            loss,
            grad_max: kernel::max_abs(&self.g[1]),
            iterations: 0,
            evaluations: 1,
            stop: Stop::NotFinite,
        };
        self.evaluations += 1;
        if !loss.is_finite() || !report.grad_max.is_finite() {
            grads.clear();
            return report;
        }
        self.steps += 1;
        self.look_who_is_trained(params, grads);
        grads.apply_updates(params);
        if report.grad_max <= tolerance_grad {
            grads.clear();
            return LbfgsReport { stop: Stop::Gradient, ..report };
        }

        // Which gradient is that of the parameters as they stand.
        let mut now = 1;
        report.stop = loop {
            report.iterations += 1;
            let first = !self.started;
            self.next_direction(now);
            let slope = self.sums.dot(&self.g[0], &self.d);
            // A direction that overflows gives no number, or an infinite one.
            if !slope.is_finite() || slope > -tolerance_change {
                self.d.fill(T::zero());
                break Stop::Slope;
            }
            self.x.copy_from_slice(params.trainable());
            let first_trial =
                if first { self.rate * (1.0 / self.sums.magnitudes(&self.g[0])).min(1.0) } else { self.rate };
            let (before, seen) = (loss, report.evaluations);
            let t = match line_search {
                LineSearch::StrongWolfe => {
                    let direction_max = kernel::max_abs(&self.d);
                    let limits =
                        Limits { tolerance_change, direction_max, trials: max_eval.saturating_sub(report.evaluations) };
                    let start = Point { t: 0.0, loss, slope, grad: 0 };
                    let (end, evaluations) = strong_wolfe(start, first_trial, limits, |t, grad| {
                        self.move_to(params, t);
                        let loss = evaluate(params, grads, &mut closure, &mut self.g[grad]);
                        (loss, self.sums.dot(&self.g[grad], &self.d))
                    });
                    report.evaluations += evaluations;
                    (loss, now) = (end.loss, end.grad);
                    if now == 0 {
                        let [start, trial, ..] = &mut self.g;
                        trial.copy_from_slice(start);
                        now = 1;
                    }
                    self.move_to(params, end.t);
                    end.t
                }
                LineSearch::None => {
                    self.move_to(params, first_trial);
                    // In the last iteration the next step will evaluate, as in PyTorch.
                    if report.iterations < max_iter {
                        report.evaluations += 1;
                        now = 1;
                        let new = evaluate(params, grads, &mut closure, &mut self.g[1]);
                        if !new.is_finite() || !kernel::max_abs(&self.g[1]).is_finite() {
                            self.move_to(params, 0.0);
                            self.d.fill(T::zero());
                            self.evaluations += 1;
                            break Stop::NotFinite;
                        }
                        loss = new;
                    }
                    first_trial
                }
            };
            self.evaluations += report.evaluations - seen;
            scale(&mut self.d, t);
            report.grad_max = kernel::max_abs(&self.g[now]);
            report.loss = loss;
            if report.iterations == max_iter {
                break Stop::Iterations;
            }
            if report.evaluations >= max_eval {
                break Stop::Evaluations;
            }
            if report.grad_max <= tolerance_grad {
                break Stop::Gradient;
            }
            if kernel::max_abs(&self.d) <= tolerance_change || (loss - before).abs() < tolerance_change {
                break Stop::Change;
            }
        };
        self.iterations += report.iterations;
        grads.clear();
        report
    }

    /// The configuration this optimizer was made from.
    pub fn config(&self) -> &LbfgsConfig {
        &self.config
    }

    /// The rate: the length of a step without a line search, or its first trial.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Changes the rate; the history stays.
    ///
    /// # Panics
    /// If the rate is negative or not finite.
    #[track_caller]
    pub fn set_rate(&mut self, rate: f64) {
        if let Err(error) = require_not_negative("rate", rate) {
            panic!("lbfgs: {error}");
        }
        self.rate = rate;
    }

    /// Steps taken: calls of [`Lbfgs::step`] with a finite loss and gradient.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Iterations of all steps.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Evaluations of all steps.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Takes the last move into the history, and puts the direction for the gradient `now` into `d` and that gradient into `g[0]`.
    fn next_direction(&mut self, now: usize) {
        let (before, trials) = self.g.split_at_mut(1);
        let (before, now) = (&mut before[0], &trials[now - 1]);
        if self.started {
            change(before, now);
            self.history.push(&self.d, before, &mut self.sums);
        }
        put(&mut self.d, -1.0, now);
        self.history.direction(&mut self.d, &mut self.sums);
        before.copy_from_slice(now);
        self.started = true;
    }

    /// `w = x + t * d`, for what is trained.
    fn move_to(&self, params: &mut Params<T>, t: f64) {
        for id in self.layout.ids().filter(|id| self.trained[id.index()]) {
            let here = self.layout.spec(id).range();
            walk(params.get_mut(id), &self.x[here.clone()], t, &self.d[here]);
        }
    }

    /// Forgets the history if it is about other parameters than those that the first evaluation of a step reached.
    fn look_who_is_trained(&mut self, params: &Params<T>, grads: &Gradients<T>) {
        let mut same = true;
        for id in self.layout.ids() {
            let now = is_trained(params, grads, id);
            same &= now == self.trained[id.index()];
            self.trained[id.index()] = now;
        }
        if !same {
            self.history.clear();
            self.started = false;
        }
    }
}

impl LbfgsConfig {
    /// An optimizer for parameters in the layout of `params`.
    ///
    /// # Errors
    /// If a number is out of range.
    pub fn build<T: Scalar>(&self, params: &Params<T>) -> Result<Lbfgs<T>, OptimError> {
        self.check()?;
        let layout = Arc::clone(params.layout());
        let zeros = || vec![T::zero(); layout.trainable_len()];
        Ok(Lbfgs {
            config: *self,
            rate: self.rate,
            history: History::new(self.history),
            trained: vec![false; layout.specs().len()],
            started: false,
            x: zeros(),
            d: zeros(),
            g: std::array::from_fn(|_| zeros()),
            sums: Sums::new(layout.trainable_len()),
            steps: 0,
            iterations: 0,
            evaluations: 0,
            layout,
        })
    }
}

/// Whether a parameter may move.
fn is_trained<T: Scalar>(params: &Params<T>, grads: &Gradients<T>, id: layerwise_tensor::ParamId) -> bool {
    !grads.layout().spec(id).is_buffer() && grads.is_written(id) && !params.is_frozen(id)
}

/// The loss; the gradient of what may move into `out`, zeros for the rest.
fn evaluate<T: Scalar>(
    params: &Params<T>,
    grads: &mut Gradients<T>,
    closure: &mut impl FnMut(&Params<T>, &mut Gradients<T>) -> f64,
    out: &mut [T],
) -> f64 {
    grads.clear();
    let loss = closure(params, grads);
    let layout = params.layout();
    for id in layout.ids().filter(|id| !layout.spec(*id).is_buffer()) {
        let out = &mut out[layout.spec(id).range()];
        match grads.get(id) {
            Some(g) if !params.is_frozen(id) => out.copy_from_slice(g),
            _ => out.fill(T::zero()),
        }
    }
    loss
}
