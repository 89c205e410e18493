//! First weights that follow the data: every linear layer puts out variance 1.

use layerwise_autograd::{Tape, Var};
use layerwise_tensor::kernel::{self, Par};
use layerwise_tensor::{Initializer, Mode, ParamId, ParamKind, Params, Scalar, Stream};
use ndarray::ArrayView2;

use crate::init::Init;
use crate::module::Module;

/// How [`lsuv`] works; the defaults are those of the source.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Lsuv {
    /// How far from 1 a variance may be; by default 0.1.
    pub tolerance: f64,
    /// How often a layer is scaled at most; by default 10.
    pub tries: usize,
    /// Whether all weights are first drawn orthonormal, and biases set to 0; by default yes. Else the weights there are get scaled.
    pub orthonormal: bool,
}

impl Default for Lsuv {
    fn default() -> Self {
        Self { tolerance: 0.1, tries: 10, orthonormal: true }
    }
}

impl Lsuv {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With variances within `tolerance` of 1.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// With at most so many scalings of a layer.
    pub fn tries(self, tries: usize) -> Self {
        Self { tries, ..self }
    }

    /// With or without an orthonormal start.
    pub fn orthonormal(self, orthonormal: bool) -> Self {
        Self { orthonormal, ..self }
    }
}

/// What [`lsuv`] did to one layer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LsuvLayer {
    /// Path of its weights, such as `0.weight`.
    pub name: String,
    /// Variance of its output, before the activation, when its turn came.
    pub before: f64,
    /// That variance at the end of its turn.
    pub after: f64,
    /// How often its weights were scaled.
    pub scalings: usize,
}

/// What [`lsuv`] did, layer by layer, in the order of the forward pass.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "a layer whose output does not vary on the batch is left as it is: see `LsuvReport::settled`"]
pub struct LsuvReport {
    /// The layers.
    pub layers: Vec<LsuvLayer>,
    tolerance: f64,
}

impl LsuvReport {
    /// Whether every layer ended within the tolerance of variance 1.
    pub fn settled(&self) -> bool {
        self.layers.iter().all(|layer| within(layer.after, self.tolerance))
    }
}

/// Layer-sequential unit-variance initialisation: draws the weights of all linear layers orthonormal, then goes through the layers in the
/// order of the forward pass and divides the weights of each by the standard deviation of its output on the rows of `x`, until its
/// variance is within the tolerance of 1.
///
/// The output is that of the product, `x w + b`, before the activation, with one variance for all its values together. Any model will
/// do: the forward pass is run in [`Mode::Eval`] and the linear operations are found on its tape. What is scaled is a weight that such an
/// operation reads directly and that is not frozen, once, at its first use: so a tied weight is scaled as that of the encoder, and the
/// layers that compute their weights (weight norm, spectral norm) are left out. `stream` draws the orthonormal matrices, each from a child
/// named by the path of the weight, as [`Params::init`] does. It takes one forward pass for each layer.
///
/// A layer whose output does not vary (a batch of one row, units that are all off) or is not finite is left as it is; the report tells.
///
/// # Panics
/// If `x` has another width than the model was built for.
///
/// # Example
/// ```
/// use layerwise_nn_layers::{BuildModel, Lsuv, Mlp, lsuv};
/// use layerwise_tensor::{Stream, ndarray::Array2};
///
/// let (mlp, mut params) = Mlp::builder(3).hidden(&[64; 8]).outputs(2).create::<f32>(7)?;
/// let x = Array2::from_shape_fn((128, 3), |(i, j)| ((i * (j + 3)) % 17) as f32 * 0.01);
/// let report = lsuv(&mlp, &mut params, x.view(), &Stream::new(7).child("lsuv"), &Lsuv::new());
/// assert_eq!(report.layers.len(), 9);
/// assert!(report.settled());
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
///
/// D. Mishkin and J. Matas, "All you need is a good init", 2016, arXiv:1511.06422.
#[track_caller]
pub fn lsuv<T: Scalar, M: Module<T> + ?Sized>(
    model: &M,
    params: &mut Params<T>,
    x: ArrayView2<'_, T>,
    stream: &Stream,
    how: &Lsuv,
) -> LsuvReport {
    let mut tape = Tape::new();
    if how.orthonormal {
        for linear in &linears(model, params, &mut tape, x) {
            draw(params, linear.weight, Init::ORTHOGONAL, stream);
            if let Some(bias) = linear.bias.filter(|bias| !params.is_frozen(*bias)) {
                params.get_mut(bias).fill(T::zero());
            }
        }
    }
    let mut layers = Vec::new();
    loop {
        // Layers before this one have changed, and its input with them.
        let linears = linears(model, params, &mut tape, x);
        let Some(linear) = linears.get(layers.len()) else {
            return LsuvReport { layers, tolerance: how.tolerance };
        };
        let input: Vec<T> = tape.value(linear.input).into_iter().flatten().copied().collect();
        layers.push(settle(params, linear, &input, how));
    }
}

/// A linear operation on the tape.
struct Linear {
    input: Var,
    weight: ParamId,
    bias: Option<ParamId>,
}

/// The linear operations of a forward pass whose weights may be scaled, each weight once.
fn linears<T: Scalar, M: Module<T> + ?Sized>(
    model: &M,
    params: &Params<T>,
    tape: &mut Tape<T>,
    x: ArrayView2<'_, T>,
) -> Vec<Linear> {
    let mut g = tape.graph(params, Mode::Eval, Stream::new(0));
    g.skip_penalties();
    let x = g.input(x);
    model.forward(&mut g, x);
    let mut found: Vec<Linear> = Vec::new();
    for var in tape.slots() {
        if !tape.slot(var).op.starts_with("linear") {
            continue;
        }
        let inputs = tape.inputs(var);
        let mut inputs = inputs.iter();
        let (Some(input), Some(weight)) = (inputs.next(), inputs.next().and_then(|w| tape.param_of(w))) else {
            continue;
        };
        let is_weight = params.layout().spec(weight).kind == ParamKind::Weight && tape.param_of(input).is_none();
        if is_weight && !params.is_frozen(weight) && found.iter().all(|linear| linear.weight != weight) {
            found.push(Linear { input, weight, bias: inputs.next().and_then(|b| tape.param_of(b)) });
        }
    }
    found
}

/// Scales the weights of one layer, whose `input` stays the same meanwhile.
fn settle<T: Scalar>(params: &mut Params<T>, linear: &Linear, input: &[T], how: &Lsuv) -> LsuvLayer {
    let name = params.layout().spec(linear.weight).name.clone();
    let before = variance(params, linear, input);
    let (mut after, mut scalings) = (before, 0);
    while !within(after, how.tolerance) && scalings < how.tries && after > 0.0 && after.is_finite() {
        let factor = T::of(1.0 / after.sqrt());
        params.get_mut(linear.weight).iter_mut().for_each(|w| *w *= factor);
        after = variance(params, linear, input);
        scalings += 1;
    }
    LsuvLayer { name, before, after, scalings }
}

/// The variance of all values of `x w + b` together.
fn variance<T: Scalar>(params: &Params<T>, linear: &Linear, input: &[T]) -> f64 {
    let spec = params.layout().spec(linear.weight);
    let shape = kernel::LinearShape { batch: input.len() / spec.rows.max(1), inputs: spec.rows, outputs: spec.cols };
    let mut z = vec![T::zero(); shape.batch * shape.outputs];
    let bias = linear.bias.map(|b| params.get(b));
    kernel::linear_forward(shape, input, params.get(linear.weight), bias, &mut z, &mut [], None, Par::Auto);
    let mean = kernel::sum(&z) / z.len() as f64;
    z.iter_mut().for_each(|z| *z = T::of(z.as_f64() - mean));
    kernel::sum_of_squares(&z, Par::Auto) / z.len() as f64
}

fn within(variance: f64, tolerance: f64) -> bool {
    (variance - 1.0).abs() <= tolerance
}

/// New first values for one parameter.
fn draw<T: Scalar>(params: &mut Params<T>, id: ParamId, init: Init, stream: &Stream) {
    let spec = params.layout().spec(id);
    let mut values = vec![0.0; spec.len()];
    init.fill(spec.rows, spec.cols, &stream.child(&spec.name), &mut values);
    params.get_mut(id).iter_mut().zip(values).for_each(|(w, v)| *w = T::of(v));
}
