//! One look at a model: a forward and a backward pass of a few rows, layer by layer.

use layerwise_autograd::{Act, SlotInfo, Tape, Var};
use layerwise_nn_layers::{Loss, Module};
use layerwise_tensor::{Accum, Gradients, Mode, ParamId, ParamKind, Params, Scalar, Stream};
use serde::{Deserialize, Serialize};

use super::stats::Stats;
use crate::acts::{name_of, op_of};
use crate::batch::Batch;
use crate::data::Samples;

/// What one look saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Steps taken before the look.
    pub step: u64,
    /// Mean loss of the rows looked at, in training mode.
    pub loss: f64,
    /// The layers in the order of the forward pass.
    pub layers: Vec<LayerStats>,
}

/// One layer in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerStats {
    /// Where it stands in the model, such as `encoder.0`; two slots of one layer share it.
    pub path: String,
    /// The operation, such as `linear_act`, or `activate` of an activation alone.
    pub op: String,
    /// The activation it ends with, if any, by its name in configurations.
    pub activation: Option<String>,
    /// Number of its outputs.
    pub outputs: usize,
    /// Its values over rows and outputs.
    pub values: Stats,
    /// Its gradients over rows and outputs: of its values or, where the activation is fused with the layer, in front of that. `None`
    /// where no path of the loss arrives.
    pub gradients: Option<Stats>,
    /// Share of the outputs whose activation has the slope 0 on every row looked at: they learn nothing.
    pub dead: f64,
    /// Share of the values where the slope of an activation that is bounded on both sides (tanh, sigmoid) is below a twentieth of its
    /// slope at 0; 0 for other activations.
    pub saturated: f64,
    /// The matrix it multiplies by, if any.
    pub weight: Option<String>,
    /// Norm of the last update of that matrix divided by its norm, where a [`Recorder`](super::Recorder) saw two steps.
    pub update_ratio: Option<f64>,
}

/// Looks at a model by its first rows, again and again; keeps its memory.
pub(crate) struct Probe<'a, T: Scalar> {
    model: &'a dyn Module<T>,
    loss: &'a dyn Loss<T>,
    samples: Samples<'a, T>,
    rows: Vec<usize>,
    tape: Tape<T>,
    memory: Batch<T>,
    scratch: Vec<f64>,
    slopes: Vec<T>,
    pub(crate) elements: u64,
}

impl<'a, T: Scalar> Probe<'a, T> {
    /// A probe of `rows` rows, spread evenly over the samples, which may be sorted by class.
    pub(crate) fn new(model: &'a dyn Module<T>, loss: &'a dyn Loss<T>, samples: &Samples<'a, T>, rows: usize) -> Self {
        let (tape, memory, samples) = (Tape::new(), Batch::new(), *samples);
        let (scratch, slopes) = (Vec::new(), Vec::new());
        Self { model, loss, samples, rows: spread(samples.len(), rows), tape, memory, scratch, slopes, elements: 0 }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn set_rows(&mut self, rows: usize) {
        self.rows = spread(self.samples.len(), rows);
    }

    /// The pass in training mode, as batch norm and dropout have it, under a stream of its own: nothing of the training changes.
    pub(crate) fn look(&mut self, params: &Params<T>, step: u64) -> Snapshot {
        let mut grads = Gradients::new(params);
        let mut g = self.tape.graph(params, Mode::Train, Stream::new(0).child("probe").at(step));
        let (x, target, weights) = self.memory.gather(&mut g, &self.samples, &self.rows);
        let y = self.model.forward(&mut g, x);
        let loss = self.loss.weighted(&mut g, y, target, &weights).loss;
        let loss = g.total(loss);
        let loss = g.backward(loss, &mut grads, Accum::Replace);
        let layers = layer_slots(&self.tape);
        let layers = layers.iter().map(|(var, info)| self.layer(*var, info, params)).collect();
        Snapshot { step, loss, layers }
    }

    fn layer(&mut self, var: Var, info: &SlotInfo, params: &Params<T>) -> LayerStats {
        let act = self.tape.act(var);
        let mut stats = |values: Option<ndarray::ArrayView2<'_, T>>| {
            let values = values?;
            self.elements += values.len() as u64;
            Some(Stats::of(values.to_slice().unwrap_or(&[]), &mut self.scratch))
        };
        let values = stats(self.tape.value(var)).unwrap_or_default();
        let gradients = stats(self.tape.delta(var));
        let known = self.tape.slopes(var, params, &mut self.slopes);
        let slopes = if known { self.slopes.as_slice() } else { &[] };
        let dead = (0..info.cols).filter(|c| {
            let mut column = slopes.iter().skip(*c).step_by(info.cols);
            !slopes.is_empty() && column.all(|s| *s == T::zero())
        });
        let saturated = act.and_then(flat_below).map_or(0.0, |flat| {
            let count = slopes.iter().filter(|s| s.as_f64().abs() < flat).count();
            count as f64 / slopes.len().max(1) as f64
        });
        LayerStats {
            path: path_of(info),
            op: op_of(&self.tape, var).to_owned(),
            activation: act.map(|act| name_of(act).to_owned()),
            outputs: info.cols,
            dead: dead.count() as f64 / info.cols.max(1) as f64,
            saturated,
            values,
            gradients,
            weight: weight_of(&self.tape, var, params).map(|id| params.layout().spec(id).name.clone()),
            update_ratio: None,
        }
    }
}

/// `rows` of `n` rows at even distances: at least one, at most all.
pub(crate) fn spread(n: usize, rows: usize) -> Vec<usize> {
    let rows = rows.clamp(1, n);
    (0..rows).map(|i| i * n / rows).collect()
}

/// The slots that stand for layers: operations that read a parameter or end with an activation.
pub(crate) fn layer_slots<T: Scalar>(tape: &Tape<T>) -> Vec<(Var, SlotInfo)> {
    let is_layer = |var: &Var| {
        let reads = tape.inputs(*var).iter().any(|v| tape.param_of(v).is_some());
        reads || tape.act(*var).is_some()
    };
    tape.slots().filter(is_layer).map(|var| (var, tape.slot(var))).collect()
}

/// The scope of a slot; for a model without scopes the path of its parameter, else its place.
pub(crate) fn path_of(info: &SlotInfo) -> String {
    let of_param = || info.param.as_ref().map(|p| p.rsplit_once('.').map_or(p.clone(), |(path, _)| path.to_owned()));
    info.label.clone().or_else(of_param).unwrap_or_else(|| format!("slot {}", info.index))
}

/// The first matrix of weights that a slot reads.
pub(crate) fn weight_of<T: Scalar>(tape: &Tape<T>, var: Var, params: &Params<T>) -> Option<ParamId> {
    let mut ids = tape.inputs(var).iter().filter_map(|v| tape.param_of(v)).collect::<Vec<_>>().into_iter();
    ids.find(|id| params.layout().spec(*id).kind == ParamKind::Weight)
}

/// The slope below which an activation counts as saturated; `None` unless it is bounded on both sides and rises at 0.
///
/// Bounded means that it moves by less than 1 between 500 and 1000, where softsign moves by a thousandth and ReLU by 500.
pub(crate) fn flat_below(act: Act) -> Option<f64> {
    let mut y: [f64; 4] = [-1000.0, -500.0, 500.0, 1000.0];
    act.forward(&mut y);
    let mut at_zero = [0.0f64];
    if act.needs() == layerwise_autograd::Needs::Output {
        act.forward(&mut at_zero);
    }
    let mut slope = [1.0];
    act.backward(&at_zero, &mut slope);
    let bounded = (y[1] - y[0]).abs() < 1.0 && (y[3] - y[2]).abs() < 1.0;
    (bounded && slope[0] > 0.0).then_some(slope[0] / 20.0)
}
