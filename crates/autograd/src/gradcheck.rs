//! Numerical checks of gradients, in `f64`.
//!
//! For a function `y(x)` with Jacobian `J` two random vectors are drawn, and `<u, J v>` by central differences must equal
//! `<J^T u, v>` by the backward pass: one number for all entries of all inputs and parameters at once. Where it does not, every entry
//! is checked alone and the worst are named.

use std::fmt;

use layerwise_tensor::{Accum, Gradients, Mode, ParamId, Params, Stream};
use ndarray::{Array2, ArrayView2};

use crate::graph::Graph;
use crate::tape::Tape;
use crate::var::Var;

/// Checks the gradient of `f` with the default [`GradCheck`].
///
/// ```
/// use layerwise_autograd::gradcheck;
/// use layerwise_tensor::{Layout, Params, Stream};
/// use ndarray::array;
///
/// let params = Params::init(Layout::new(), &Stream::new(0));
/// let x = array![[0.3, -1.2], [2.0, 0.7]];
/// gradcheck::check(&params, &[x], |g, x| {
///     let y = g.exp(x[0]);
///     g.mul(y, x[0])
/// });
/// ```
///
/// # Panics
/// If the check fails, with the report.
#[track_caller]
pub fn check(params: &Params<f64>, inputs: &[Array2<f64>], f: impl Fn(&mut Graph<'_, f64>, &[Var]) -> Var) -> Report {
    GradCheck::new().run(params, inputs, f).unwrap_or_else(|failure| panic!("{failure}"))
}

/// A `(rows, cols)` matrix of numbers uniform in `[lo, hi)`, for checks.
pub fn random(rows: usize, cols: usize, lo: f64, hi: f64, stream: &Stream) -> Array2<f64> {
    let mut x = vec![0.0; rows * cols];
    stream.uniform(0, &mut x);
    Array2::from_shape_fn((rows, cols), |(i, j)| lo + (hi - lo) * x[i * cols + j])
}

/// How a gradient is checked.
#[derive(Clone, Debug)]
pub struct GradCheck {
    tolerance: f64,
    step: f64,
    seed: u64,
    mode: Mode,
    kinks: Vec<f64>,
    distance: f64,
}

impl GradCheck {
    /// Relative error below `1e-6`, step `1e-3`, [`Mode::Train`], no kinks.
    pub fn new() -> Self {
        Self { tolerance: 1e-6, step: 1e-3, seed: 0, mode: Mode::Train, kinks: Vec::new(), distance: 0.0 }
    }

    /// The largest relative error that passes.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The step of the differences, relative to the size of each entry.
    #[must_use]
    pub fn step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// The seed of projection, direction and of the function's own randomness, which is the same at every evaluation.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Training or use.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Moves entries of the inputs that lie nearer than `distance` to one of `points` to that distance: a kink within reach of the
    /// differences makes them meaningless.
    ///
    /// Kinks inside the function cannot be moved away from; for them the check is repeated with a tenth and a hundredth of the step.
    /// That brings a right gradient into tolerance, and never a wrong one.
    #[must_use]
    pub fn keep_away(mut self, points: &[f64], distance: f64) -> Self {
        self.kinks = points.to_vec();
        self.distance = distance;
        self
    }

    /// Checks the gradient of `f` with respect to `inputs` and to all parameters that are not frozen.
    ///
    /// `f` gets the inputs as variables, in order, and may return a value of any shape; penalties it adds to the step are checked with
    /// it.
    ///
    /// # Errors
    /// If the relative error exceeds the tolerance.
    pub fn run(
        &self,
        params: &Params<f64>,
        inputs: &[Array2<f64>],
        f: impl Fn(&mut Graph<'_, f64>, &[Var]) -> Var,
    ) -> Result<Report, Failure> {
        let mut point = Point { params: params.clone(), inputs: inputs.to_vec() };
        for x in point.inputs.iter_mut().flatten() {
            for kink in &self.kinks {
                if (*x - kink).abs() < self.distance {
                    *x = kink + self.distance.copysign(*x - kink);
                }
            }
        }
        let entries = point.entries();
        let stream = Stream::new(self.seed);
        let (tape, grads) = (Tape::new(), Gradients::new(&point.params));
        let mut eval = Evaluation { tape, grads, f, mode: self.mode, stream: stream.child("function") };
        let y = eval.value(&point);
        let mut u = vec![0.0; y.len()];
        stream.child("projection").normal(0, &mut u);
        // Twice: the second time the places of the gradients are full of the first one's numbers, which must be replaced.
        eval.gradient(&point, &entries, &u);
        let gradient = eval.gradient(&point, &entries, &u);
        let mut v = vec![0.0; entries.len()];
        stream.child("direction").uniform(0, &mut v);
        for (v, e) in v.iter_mut().zip(&entries) {
            // Between half a step and a whole one, of either sign: no entry counts for little.
            let r = *v - 0.5;
            *v = (r + 0.5f64.copysign(r)) * point.size(*e);
        }
        let analytic = inner(&gradient, &v);
        let scale: f64 = gradient.iter().zip(&v).map(|(g, v)| (g * v).abs()).sum();
        let height: f64 = u.iter().zip(&y).map(|(u, y)| (u * y).abs()).sum();
        let mut best = Report { error: f64::INFINITY, analytic, numeric: f64::NAN, step: self.step, entries: v.len() };
        for step in [self.step, self.step * 0.1, self.step * 0.01] {
            let numeric = eval.difference(&point, &entries, &v, &u, step);
            // What cancellation in the differences may hide: nothing below it can be measured.
            let noise = 4.0 * f64::EPSILON * height / step;
            let error = relative(analytic, numeric, (1e-2 * scale).max(noise / self.tolerance));
            if error < best.error {
                best = Report { error, numeric, step, ..best };
            }
            if best.error <= self.tolerance {
                return Ok(best);
            }
        }
        let mut worst: Vec<Entry> = (0..entries.len())
            .map(|i| {
                let mut axis = vec![0.0; entries.len()];
                axis[i] = point.size(entries[i]);
                let numeric = eval.difference(&point, &entries, &axis, &u, best.step) / axis[i];
                let noise = 4.0 * f64::EPSILON * height / (best.step * axis[i]);
                let error = relative(gradient[i], numeric, noise / self.tolerance);
                let (row, col) = point.place(entries[i]);
                Entry { name: point.name(entries[i]), row, col, analytic: gradient[i], numeric, error }
            })
            .filter(|e| e.error.is_nan() || e.error > self.tolerance)
            .collect();
        worst.sort_by(|a, b| b.error.total_cmp(&a.error));
        Err(Failure { report: best, tolerance: self.tolerance, entries: worst })
    }
}

impl Default for GradCheck {
    fn default() -> Self {
        Self::new()
    }
}

/// A check that was made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Relative error.
    pub error: f64,
    /// `<J^T u, v>` by the backward pass.
    pub analytic: f64,
    /// `<u, J v>` by differences.
    pub numeric: f64,
    /// The step that gave the smallest error.
    pub step: f64,
    /// Number of entries of inputs and parameters that took part.
    pub entries: usize,
}

/// A gradient that is wrong, or a function that is not smooth here.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The check of all entries at once.
    pub report: Report,
    /// What would have passed.
    pub tolerance: f64,
    /// The entries that fail alone, worst first.
    pub entries: Vec<Entry>,
}

/// One entry of an input or a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `input 0`, or the path of a parameter.
    pub name: String,
    /// Row.
    pub row: usize,
    /// Column.
    pub col: usize,
    /// Its gradient by the backward pass.
    pub analytic: f64,
    /// Its gradient by differences.
    pub numeric: f64,
    /// Relative error.
    pub error: f64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { error, analytic, numeric, entries, .. } = self.report;
        write!(
            f,
            "gradient check failed: backward pass {analytic:e}, differences {numeric:e}, relative error {error:.1e} "
        )?;
        write!(f, "above {:.0e}; {} of {entries} entries fail alone", self.tolerance, self.entries.len())?;
        for e in self.entries.iter().take(10) {
            write!(f, "\n  {} [{}, {}]: backward pass {:e}, ", e.name, e.row, e.col, e.analytic)?;
            write!(f, "differences {:e}, relative error {:.1e}", e.numeric, e.error)?;
        }
        if self.entries.len() > 10 {
            write!(f, "\n  ...")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// Where an entry lies.
#[derive(Clone, Copy)]
enum Place {
    Input(usize, usize),
    Param(ParamId, usize),
}

struct Point {
    params: Params<f64>,
    inputs: Vec<Array2<f64>>,
}

impl Point {
    fn entries(&self) -> Vec<Place> {
        let layout = self.params.layout();
        let trained = layout.ids().filter(|id| !layout.spec(*id).is_buffer() && !self.params.is_frozen(*id));
        let inputs = self.inputs.iter().enumerate().flat_map(|(k, x)| (0..x.len()).map(move |i| Place::Input(k, i)));
        inputs.chain(trained.flat_map(|id| (0..layout.spec(id).len()).map(move |i| Place::Param(id, i)))).collect()
    }

    fn get(&self, place: Place) -> f64 {
        match place {
            Place::Input(k, i) => self.inputs[k][self.place(Place::Input(k, i))],
            Place::Param(id, i) => self.params.get(id)[i],
        }
    }

    fn set(&mut self, place: Place, value: f64) {
        let at = self.place(place);
        match place {
            Place::Input(k, _) => self.inputs[k][at] = value,
            Place::Param(id, i) => self.params.get_mut(id)[i] = value,
        }
    }

    /// The length that a step is relative to.
    fn size(&self, place: Place) -> f64 {
        self.get(place).abs().max(0.1)
    }

    fn place(&self, place: Place) -> (usize, usize) {
        let (i, cols) = match place {
            Place::Input(k, i) => (i, self.inputs[k].ncols()),
            Place::Param(id, i) => (i, self.params.layout().spec(id).cols),
        };
        (i / cols, i % cols)
    }

    fn name(&self, place: Place) -> String {
        match place {
            Place::Input(k, _) => format!("input {k}"),
            Place::Param(id, _) => format!("`{}`", self.params.layout().spec(id).name),
        }
    }
}

struct Evaluation<F> {
    tape: Tape<f64>,
    grads: Gradients<f64>,
    f: F,
    mode: Mode,
    stream: Stream,
}

impl<F: Fn(&mut Graph<'_, f64>, &[Var]) -> Var> Evaluation<F> {
    fn value(&mut self, at: &Point) -> Vec<f64> {
        let mut g = self.tape.graph(&at.params, self.mode, self.stream);
        let vars: Vec<Var> = at.inputs.iter().map(|x| g.leaf(x.view())).collect();
        let y = output(&self.f, &mut g, &vars);
        g.slice(y).to_vec()
    }

    /// `J^T u`, entry by entry; 0 where no path leads.
    fn gradient(&mut self, at: &Point, entries: &[Place], u: &[f64]) -> Vec<f64> {
        let mut g = self.tape.graph(&at.params, self.mode, self.stream);
        let vars: Vec<Var> = at.inputs.iter().map(|x| g.leaf(x.view())).collect();
        let y = output(&self.f, &mut g, &vars);
        g.backward_from(y, u, &mut self.grads, Accum::Replace);
        let grads = &self.grads;
        let leaves: Vec<Option<ArrayView2<'_, f64>>> = vars.iter().map(|v| self.tape.grad(*v)).collect();
        let of = |e: &Place| match *e {
            Place::Input(k, _) => leaves[k].as_ref().map_or(0.0, |dx| dx[at.place(*e)]),
            Place::Param(id, i) => grads.get(id).map_or(0.0, |dw| dw[i]),
        };
        entries.iter().map(of).collect()
    }

    /// `<u, dy/dt>` at `t = 0` along `x + t v`, by differences of fourth order.
    fn difference(&mut self, at: &Point, entries: &[Place], v: &[f64], u: &[f64], step: f64) -> f64 {
        let mut moved = Point { params: at.params.clone(), inputs: at.inputs.clone() };
        let mut at_step = |t: f64| {
            for (e, v) in entries.iter().zip(v) {
                moved.set(*e, at.get(*e) + t * v);
            }
            self.value(&moved)
        };
        let near = subtract(at_step(step), &at_step(-step));
        let far = subtract(at_step(2.0 * step), &at_step(-2.0 * step));
        (8.0 * inner(u, &near) - inner(u, &far)) / (12.0 * step)
    }
}

fn subtract(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
    a
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The difference relative to the larger one, or to `floor` where both are small.
fn relative(a: f64, b: f64, floor: f64) -> f64 {
    let size = a.abs().max(b.abs()).max(floor);
    if size == 0.0 { 0.0 } else { (a - b).abs() / size }
}

/// What `f` returns, with the penalties it asks for added to every entry.
fn output(f: &impl Fn(&mut Graph<'_, f64>, &[Var]) -> Var, g: &mut Graph<'_, f64>, vars: &[Var]) -> Var {
    let y = f(g, vars);
    match g.penalties() {
        Some(penalties) => g.add(y, penalties),
        None => y,
    }
}
