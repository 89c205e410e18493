//! The init doctor: what theory says of the size of signals in every layer, against what they are.

use std::collections::HashMap;
use std::fmt;

use layerwise_autograd::{Tape, Var};
use layerwise_nn_layers::Module;
use layerwise_tensor::{Mode, Params, Scalar, Stream};
use ndarray::{ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::finding::{Code, Finding};
use super::init_rules;
use super::mean_field::Moments;
use super::snapshot::{flat_below, layer_slots, path_of};
use crate::acts::{name_of, op_of};

/// What the init doctor found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InitReport {
    /// The layers in the order of the forward pass.
    pub layers: Vec<InitLayer>,
    /// What is wrong; nothing where all is well.
    pub findings: Vec<Finding>,
}

/// One layer before the first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InitLayer {
    /// Where it stands in the model.
    pub path: String,
    /// The operation, such as `linear_act`.
    pub op: String,
    /// The activation it ends with, if any.
    pub activation: Option<String>,
    /// `inputs * E[w²]` of its weights, if it has some: what it multiplies the mean square of its input by.
    pub gain: Option<f64>,
    /// Variance of its values over rows and outputs as the theory has it from the input of the model on, with weights of these moments.
    pub predicted: f64,
    /// The same variance as it is.
    pub measured: f64,
    /// Mean square of its values over that of its inputs, as the theory has it from the measured inputs; `None` where it has no theory.
    pub predicted_growth: Option<f64>,
    /// The same as it is.
    pub measured_growth: f64,
    /// `outputs * E[w²] * E[f'²]`: what a gradient's mean square is multiplied by on its way back through this layer;
    /// `None` where there is no theory.
    pub gradient_growth: Option<f64>,
}

impl InitReport {
    /// The factor by which a layer's growth differs from the prediction, in the geometric mean over the layers that have one: 1 where
    /// theory holds.
    ///
    /// Single layers of a network of width `n` scatter by about `sqrt(5 / n)` (ReLU, rows alike), a tenth at 512; over a deep network
    /// that adds up in the variances themselves (B. Hanin, D. Rolnick, 2018) and averages out here.
    pub fn growth_error(&self) -> f64 {
        let logs = self.layers.iter().filter_map(|l| Some((l.measured_growth / l.predicted_growth?).ln()));
        let logs: Vec<f64> = logs.filter(|l| l.is_finite()).collect();
        if logs.is_empty() { 1.0 } else { (logs.iter().sum::<f64>() / logs.len() as f64).exp() }
    }
}

/// Predicts the variance of every layer's values from the moments of the input and of the weights, measures it, and names what is wrong
/// with the weights before the first step.
///
/// The theory is the mean field of wide networks: a product with many independent weights is normal with
/// `q = inputs E[w²] E[x²] + E[b²]`, an activation makes `E[f(z)²]` of it (by numerical integration over the normal `z`), a norm makes
/// `E[gain²] + E[bias²]`, and sums add up. Of weights it takes the moments they have, so it needs no initializer's name. What it has no
/// theory of (dropout, gates, convolution), it measures and goes on from there. Rows run in [`Mode::Eval`], with batch norm in
/// [`Mode::Train`], whose running statistics know nothing yet.
///
/// Findings: `InitTooSmall`, `InitTooLarge` by the gains (as [`super::TrainingDoctor`]) or because the mean square shrinks or grows by more
/// than 10⁴ from the first hidden layer to the last; `DeadUnits` and `Saturated` by what is measured; `VanishingGradients`,
/// `ExplodingGradients` where the predicted mean square of the gradient changes by more than 10⁶ on the way back through a network without
/// ways around. The first kind silences the others.
///
/// G. Glorot, Y. Bengio (2010); K. He et al. (2015); B. Poole et al., "Exponential expressivity in deep neural networks through transient
/// chaos" (2016); S. Schoenholz et al., "Deep information propagation" (2017).
///
/// ```
/// use layerwise_nn_layers::{Activation, BuildModel, Init, Mlp};
/// use layerwise_tensor::{Stream, ndarray::Array2};
/// use layerwise_train::diagnostics::{Code, init_doctor};
/// let mut x = Array2::<f32>::zeros((64, 100));
/// Stream::new(1).normal(0, x.as_slice_mut().unwrap());
/// let net = |init| Mlp::builder(100).hidden(&[100; 20]).outputs(10).activation(Activation::RELU).init(init);
///
/// let (mlp, params) = net(Init::HE_NORMAL).create::<f32>(1)?;
/// assert!(init_doctor(&mlp, &params, x.view()).findings.is_empty());
/// let (mlp, params) = net(Init::GLOROT_NORMAL).create::<f32>(1)?;
/// let report = init_doctor(&mlp, &params, x.view());
/// assert_eq!(report.findings[0].code, Code::InitTooSmall);
/// println!("{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If `x` has no row, or not the number of columns the model takes.
#[track_caller]
pub fn init_doctor<T: Scalar>(
    model: &(impl Module<T> + ?Sized),
    params: &Params<T>,
    x: ArrayView2<'_, T>,
) -> InitReport {
    assert!(x.nrows() > 0, "the init doctor needs rows to send through the model");
    let batch_norm = init_rules::has_batch_norm(params.layout());
    let mut tape = Tape::new();
    let mut g = tape.graph(params, if batch_norm { Mode::Train } else { Mode::Eval }, Stream::new(0));
    g.skip_penalties();
    let input = g.input(x);
    model.forward(&mut g, input);
    let mut theory = Theory { tape: &tape, params, known: HashMap::new() };
    let slots = layer_slots(&tape);
    let mut layers = Vec::with_capacity(slots.len());
    let mut saturated: (f64, String) = (0.0, String::new());
    let mut dead = saturated.clone();
    let mut slopes = Vec::new();
    for var in tape.slots() {
        theory.visit(var);
        let Some((_, info)) = slots.iter().find(|(v, _)| *v == var) else { continue };
        layers.push(theory.layer(var, path_of(info)));
        if tape.slopes(var, params, &mut slopes) {
            let columns = (0..info.cols).filter(|c| slopes.iter().skip(*c).step_by(info.cols).all(|s| *s == T::zero()));
            let share = columns.count() as f64 / info.cols.max(1) as f64;
            dead = if share > dead.0 { (share, path_of(info)) } else { dead };
            let flat = tape.act(var).and_then(flat_below).unwrap_or(0.0);
            let share = slopes.iter().filter(|s| s.as_f64().abs() < flat).count() as f64 / slopes.len().max(1) as f64;
            saturated = if share > saturated.0 { (share, path_of(info)) } else { saturated };
        }
    }
    let ways_around = tape.slots().any(|v| {
        let values = tape.inputs(v).iter().filter(|i| tape.param_of(*i).is_none()).count();
        tape.slot(v).op == "add" && values > 1
    });
    let findings = findings(params, &layers, dead, saturated, ways_around);
    InitReport { layers, findings }
}

/// What is predicted of each slot so far.
struct Theory<'a, T: Scalar> {
    tape: &'a Tape<T>,
    params: &'a Params<T>,
    known: HashMap<usize, Moments>,
}

/// What theory says of a slot from the moments of its inputs.
struct Predicted {
    moments: Moments,
    gain: Option<f64>,
    gradient_growth: Option<f64>,
}

impl<T: Scalar> Theory<'_, T> {
    /// Predicts a slot from what is predicted of its inputs; what has no theory is as it is measured.
    fn visit(&mut self, var: Var) {
        let predicted = self.predict(var, |theory, v| theory.known.get(&v.index()).copied());
        let moments = predicted.map(|p| p.moments).unwrap_or_else(|| self.measure(var));
        self.known.insert(var.index(), moments);
    }

    fn layer(&self, var: Var, path: String) -> InitLayer {
        // From measured inputs: what this layer alone does.
        let alone = self.predict(var, |theory, v| Some(theory.measure(v)));
        let (measured, input) = (self.measure(var), self.tape.inputs(var).iter().next().map(|v| self.measure(v)));
        let input = input.map_or(1.0, |m| m.square);
        InitLayer {
            path,
            op: op_of(self.tape, var).to_owned(),
            activation: self.tape.act(var).map(|act| name_of(act).to_owned()),
            gain: alone.as_ref().and_then(|p| p.gain),
            predicted: self.known.get(&var.index()).map_or(f64::NAN, |m| m.variance()),
            measured: measured.variance(),
            predicted_growth: alone.as_ref().map(|p| p.moments.square / input),
            measured_growth: measured.square / input,
            gradient_growth: alone.and_then(|p| p.gradient_growth),
        }
    }

    fn predict(&self, var: Var, of: impl Fn(&Self, Var) -> Option<Moments>) -> Option<Predicted> {
        let inputs: Vec<Var> = self.tape.inputs(var).iter().collect();
        let x = of(self, *inputs.first()?)?;
        let act = self.tape.act(var);
        let plain = |moments| Some(Predicted { moments, gain: None, gradient_growth: None });
        let op = self.tape.slot(var).op;
        match op {
            "linear" | "linear_act" | "tied_linear" => {
                let (w, width) = (self.moments_of_param(inputs[1])?, self.tape.slot(inputs[0]).cols);
                let b = inputs.get(2).and_then(|b| self.moments_of_param(*b));
                let z = x.linear(width, w, b.unwrap_or(Moments { mean: 0.0, square: 0.0 }));
                let (moments, slope) = act.map_or((z, 1.0), |act| z.through(act));
                // On the way back the sum runs over the outputs.
                let back = self.tape.slot(var).cols as f64 * w.square * slope;
                Some(Predicted { moments, gain: Some(width as f64 * w.square), gradient_growth: Some(back) })
            }
            "batch_norm" | "batch_norm_act" | "layer_norm" | "layer_norm_act" => {
                let gain = inputs.get(1).and_then(|v| self.moments_of_param(*v)).map_or(1.0, |m| m.square);
                let bias = inputs.get(2).and_then(|v| self.moments_of_param(*v));
                let bias = bias.unwrap_or(Moments { mean: 0.0, square: 0.0 });
                let z = Moments { mean: bias.mean, square: gain + bias.square };
                let (moments, slope) = act.map_or((z, 1.0), |act| z.through(act));
                let growth = slope * gain / self.normed_variance(inputs[0], op.starts_with("batch_norm"));
                Some(Predicted { moments, gain: None, gradient_growth: Some(growth) })
            }
            "add" => {
                let y = of(self, *inputs.get(1)?)?;
                let same = self.tape.slot(inputs[0]).rows == self.tape.slot(inputs[1]).rows;
                let square = x.square + y.square + 2.0 * x.mean * y.mean;
                if same { plain(Moments { mean: x.mean + y.mean, square }) } else { None }
            }
            _ => {
                let (moments, slope) = x.through(act?);
                Some(Predicted { moments, gain: None, gradient_growth: Some(slope) })
            }
        }
    }

    /// The mean variance by which a norm divides: of each column, or of each row.
    fn normed_variance(&self, var: Var, columns: bool) -> f64 {
        let Some(values) = self.tape.value(var) else { return f64::NAN };
        let lines = values.axis_iter(Axis(usize::from(columns)));
        let (count, sum) = lines.fold((0.0, 0.0), |(n, sum), line| {
            let line: Vec<T> = line.iter().copied().collect();
            (n + 1.0, sum + moments(&line).variance())
        });
        sum / count
    }

    fn moments_of_param(&self, var: Var) -> Option<Moments> {
        self.tape.param_of(var).map(|id| moments(self.params.get(id)))
    }

    fn measure(&self, var: Var) -> Moments {
        match self.tape.value(var) {
            Some(values) => moments(values.to_slice().unwrap_or(&[])),
            None => self.moments_of_param(var).unwrap_or(Moments { mean: 0.0, square: 0.0 }),
        }
    }
}

fn moments<T: Scalar>(values: &[T]) -> Moments {
    let n = values.len().max(1) as f64;
    let sum = |f: fn(f64) -> f64| values.iter().map(|v| f(v.as_f64())).sum::<f64>() / n;
    Moments { mean: sum(|v| v), square: sum(|v| v * v) }
}

/// The variance of values may change by this factor over the hidden layers.
const SIGNAL_RATIO: f64 = 1e4;

fn findings<T: Scalar>(
    params: &Params<T>,
    layers: &[InitLayer],
    dead: (f64, String),
    saturated: (f64, String),
    ways_around: bool,
) -> Vec<Finding> {
    let weighted: Vec<&InitLayer> = layers.iter().filter(|l| l.gain.is_some()).collect();
    // Without the input layer, whose growth the features decide, and the output layer, which may be of any size.
    let hidden = weighted.get(1..weighted.len().saturating_sub(1)).unwrap_or(&[]);
    if let Some(finding) = init_rules::weights(params) {
        return vec![finding];
    }
    if let Some(last) = hidden.last() {
        let growth = last.measured / weighted[0].measured;
        let code = match growth {
            g if g < 1.0 / SIGNAL_RATIO => Some(Code::InitTooSmall),
            g if g > SIGNAL_RATIO => Some(Code::InitTooLarge),
            _ => None,
        };
        if let Some(code) = code {
            return vec![Finding::new(code, &last.path, &[("growth of the variance since the first layer", growth)])];
        }
    }
    let mut found = Vec::new();
    if dead.0 > init_rules::DEAD {
        found.push(Finding::new(Code::DeadUnits, dead.1, &[("dead share of the outputs", dead.0)]));
    }
    if saturated.0 > init_rules::SATURATED {
        found.push(Finding::new(Code::Saturated, saturated.1, &[("saturated share of the values", saturated.0)]));
    }
    // Beside a way around, what is multiplied along the layers is not what arrives.
    if found.is_empty() && !ways_around && hidden.len() > 1 {
        let at = |l: &InitLayer| layers.iter().position(|k| std::ptr::eq(k, l)).unwrap_or(0);
        let between = &layers[at(hidden[0])..at(weighted[weighted.len() - 1])];
        let square: f64 = between.iter().filter_map(|l| l.gradient_growth).product();
        let bound = init_rules::GRADIENT_RATIO * init_rules::GRADIENT_RATIO;
        let code = match square {
            s if s < 1.0 / bound => Some(Code::VanishingGradients),
            s if s > bound => Some(Code::ExplodingGradients),
            _ => None,
        };
        let evidence = [("growth of the gradient's mean square on the way back", square)];
        found.extend(code.map(|code| Finding::new(code, &hidden[0].path, &evidence)));
    }
    found
}

impl fmt::Display for InitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = ["layer", "gain", "predicted", "measured", "growth"];
        writeln!(f, "{:<20} {:>10} {:>10} {:>10} {:>10}", title[0], title[1], title[2], title[3], title[4])?;
        for l in &self.layers {
            let gain = l.gain.map_or_else(|| "-".to_owned(), |g| format!("{g:.3}"));
            let name = format!("{} {}", l.path, l.activation.as_deref().unwrap_or(&l.op));
            writeln!(
                f,
                "{name:<20} {gain:>10} {:>10.3e} {:>10.3e} {:>10.3}",
                l.predicted, l.measured, l.measured_growth
            )?;
        }
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}
