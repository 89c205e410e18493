//! A model as a table: layers, shapes, parameters, operations.

use std::collections::HashSet;
use std::fmt;

use layerwise_autograd::{Tape, Var};
use layerwise_nn_layers::Module;
use layerwise_tensor::{DType, Mode, ParamId, Params, Scalar, Stream};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::acts::{name_of, op_of};

/// A model as a table: what each layer is, puts out, holds and costs.
///
/// It is read off a tape: one row of zeros runs through the model in [`Mode::Eval`], so what is not run in that mode (dropout, noise) is not
/// listed, and any model has one, also one of one's own. A floating-point operation is an addition or a multiplication of a matrix
/// product: `2 inputs outputs` for a row of a linear layer, as much again on the way back for the gradient of its weights, and once more for
/// that of its inputs, which the first layer does not need. Biases, activations and norms are not counted (as by PyTorch's
/// `FlopCounterMode`), nor is the loss.
///
/// ```
/// use layerwise_nn_layers::{BuildModel, Mlp};
/// use layerwise_train::Summary;
/// let (mlp, params) = Mlp::builder(784).hidden(&[100]).outputs(10).create::<f32>(1)?;
/// let summary = Summary::of(&mlp, &params, 784);
/// assert_eq!((summary.parameters, summary.bytes), (784 * 100 + 100 + 100 * 10 + 10, 318_040));
/// assert_eq!(summary.forward, 2 * (784 * 100 + 100 * 10));
/// assert_eq!(summary.backward, 2 * (784 * 100 + 2 * 100 * 10));
/// println!("{summary}");
/// # Ok::<(), layerwise_nn_layers::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// The layers in the order of the forward pass.
    pub layers: Vec<SummaryLayer>,
    /// Trainable parameters, those of no layer included.
    pub parameters: u64,
    /// Parameters that are frozen, of those.
    pub frozen: u64,
    /// Values of buffers, such as running statistics.
    pub buffers: u64,
    /// Bytes of parameters and buffers.
    pub bytes: u64,
    /// Operations of the products for one row, forwards.
    pub forward: u64,
    /// Operations of the products for one row, backwards.
    pub backward: u64,
    /// Matrix products of operations this table does not know, which are not counted; 0 for all layers of these crates.
    pub uncounted_products: u64,
}

/// One line of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SummaryLayer {
    /// Where it stands in the model, such as `encoder.0`.
    pub path: String,
    /// The operation, such as `linear_act`, and the activation it ends with.
    pub kind: String,
    /// Number of its outputs for a row.
    pub outputs: usize,
    /// Values of the parameters it reads and no layer before it has read.
    pub parameters: u64,
    /// Operations of its products for one row, forwards.
    pub forward: u64,
    /// Operations of its products for one row, backwards.
    pub backward: u64,
}

impl Summary {
    /// The table of `model`, which takes rows of `inputs` values.
    ///
    /// # Panics
    /// If the model takes another number of values, or `params` are of another model.
    #[track_caller]
    pub fn of<T: Scalar>(model: &(impl Module<T> + ?Sized), params: &Params<T>, inputs: usize) -> Self {
        let mut tape = Tape::new();
        let mut g = tape.graph(params, Mode::Eval, Stream::new(0));
        g.skip_penalties();
        let x = g.input(Array2::zeros((1, inputs)).view());
        model.forward(&mut g, x);
        let layout = params.layout();
        let (mut seen, mut counted) = (HashSet::new(), 0);
        let mut layers = Vec::new();
        for var in tape.slots() {
            let product = Product::of(&tape, var);
            counted += u64::from(product.is_some());
            let of_param: Vec<ParamId> = tape.inputs(var).iter().filter_map(|v| tape.param_of(v)).collect();
            if of_param.is_empty() && tape.act(var).is_none() && product.is_none() {
                continue;
            }
            let fresh = of_param.into_iter().filter(|id| seen.insert(*id));
            let info = tape.slot(var);
            let kind = match tape.act(var) {
                Some(act) if op_of(&tape, var) == "activate" => name_of(act).to_owned(),
                Some(act) => format!("{} {}", info.op, name_of(act)),
                None => info.op.to_owned(),
            };
            let stem = |p: &String| p.rsplit_once('.').map_or(String::new(), |(path, _)| path.to_owned());
            layers.push(SummaryLayer {
                path: info.label.clone().or(info.param.as_ref().map(stem)).unwrap_or_default(),
                kind,
                outputs: info.cols,
                parameters: fresh.map(|id| layout.spec(id).len() as u64).sum(),
                forward: product.map_or(0, |p| p.once),
                backward: product.map_or(0, |p| p.once * p.gradients),
            });
        }
        let frozen = layout.ids().filter(|id| !layout.spec(*id).is_buffer() && params.is_frozen(*id));
        let (parameters, buffers) = (layout.trainable_len() as u64, layout.buffer_len() as u64);
        Self {
            parameters,
            frozen: frozen.map(|id| layout.spec(id).len() as u64).sum(),
            buffers,
            bytes: (parameters + buffers) * if T::DTYPE == DType::F32 { 4 } else { 8 },
            forward: layers.iter().map(|l| l.forward).sum(),
            backward: layers.iter().map(|l| l.backward).sum(),
            uncounted_products: tape.products() - counted,
            layers,
        }
    }
}

/// A matrix product on the tape.
#[derive(Clone, Copy)]
struct Product {
    /// Operations of one such product.
    once: u64,
    /// Gradients that are wanted of its factors, each another product of that size.
    gradients: u64,
}

impl Product {
    fn of<T: Scalar>(tape: &Tape<T>, var: Var) -> Option<Self> {
        let info = tape.slot(var);
        if !matches!(info.op, "linear" | "linear_act" | "linear_act_dropout" | "tied_linear" | "matmul") {
            return None;
        }
        let factors: Vec<Var> = tape.inputs(var).iter().take(2).collect();
        let first = tape.slot(*factors.first()?);
        // The first factor holds `rows x inner` values, turned or not.
        let inner = first.rows * first.cols / info.rows.max(1);
        let gradients = factors.iter().filter(|v| tape.wants_grad(**v)).count() as u64;
        Some(Self { once: 2 * (info.rows * inner * info.cols) as u64, gradients })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = ["layer", "kind", "outputs", "parameters", "forward", "backward"].map(str::to_owned);
        let mut lines = vec![title];
        for l in &self.layers {
            let numbers = [l.parameters, l.forward, l.backward].map(grouped);
            let [parameters, forward, backward] = numbers;
            lines.push([l.path.clone(), l.kind.clone(), l.outputs.to_string(), parameters, forward, backward]);
        }
        let [parameters, forward, backward] = [self.parameters, self.forward, self.backward].map(grouped);
        lines.push(["total".into(), String::new(), String::new(), parameters, forward, backward]);
        let width = |c: usize| lines.iter().map(|l| l[c].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        for line in &lines {
            let [a, b, c, d, e, g] = &widths;
            let text = format!(
                "{:<a$}  {:<b$}  {:>c$}  {:>d$}  {:>e$}  {:>g$}",
                line[0], line[1], line[2], line[3], line[4], line[5]
            );
            writeln!(f, "{}", text.trim_end())?;
        }
        let frozen = if self.frozen > 0 { format!(", {} of them frozen", grouped(self.frozen)) } else { String::new() };
        write!(
            f,
            "{} parameters{frozen}, {} values of buffers, {} bytes; operations are those of the products for one row",
            grouped(self.parameters),
            grouped(self.buffers),
            grouped(self.bytes)
        )
    }
}

/// A number with a space between its thousands.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
