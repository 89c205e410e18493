//! A stack of layers as it is born: what signals and gradients become on their way through it.

use layerwise::autograd::Tape;
use layerwise::nn::{Activation, Init};
use layerwise::tensor::ndarray::{Array1, Array2};
use layerwise::tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Stream};
use nalgebra::DMatrix;

/// What a stack is made of: `layers` layers from `width` to `width` without biases.
#[derive(Clone, Copy)]
pub(super) struct Stack {
    pub(super) activation: Activation,
    pub(super) init: Init,
    pub(super) width: usize,
    pub(super) layers: usize,
    /// Examples: normal inputs, standard normal cotangents.
    pub(super) batch: usize,
    /// Standard deviation of the inputs.
    pub(super) input: f32,
}

/// What was seen at one layer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Mean square of its outputs.
    pub(super) signal: f64,
    /// Norm of the gradient at its outputs.
    pub(super) gradient: f64,
    /// Norm of the gradient of its weights.
    pub(super) weight_gradient: f64,
    /// Mean singular value of its Jacobian at the first example; not a number unless asked for.
    pub(super) singular: f64,
}

impl Stack {
    /// Draws the weights, passes a batch forward and back; from the input side to the output side.
    pub(super) fn look(&self, stream: &Stream, singular: bool) -> Vec<Seen> {
        let mut layout = Layout::new();
        let weight = |layout: &mut Layout, l: usize| {
            layout.scope().child(l).param("weight", ParamKind::Weight, self.width, self.width, self.init)
        };
        let weights: Vec<_> = (0..self.layers).map(|l| weight(&mut layout, l)).collect();
        let params = Params::<f32>::init(layout, &stream.child("init"));
        let normal = |name: &str| {
            let mut values = vec![0.0f32; self.batch * self.width];
            stream.child(name).normal(0, &mut values);
            values
        };
        let x = normal("input");
        let x = Array2::from_shape_fn((self.batch, self.width), |(i, j)| self.input * x[i * self.width + j]);
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
        let mut g = tape.graph(&params, Mode::Train, stream.child("step"));
        let mut h = g.leaf(x.view());
        let input = h;
        // The tape keeps the gradients of leaves: a leaf of zeros, added to a layer's output, gets the gradient at that output.
        let zeros = Array2::zeros((self.batch, self.width));
        let mut probes = Vec::new();
        for w in &weights {
            let w = g.param(*w);
            let (output, probe) = (g.linear_act(h, w, None, self.activation.act()), g.leaf(zeros.view()));
            h = g.add(output, probe);
            probes.push((h, probe));
        }
        g.backward_from(h, &normal("cotangent"), &mut grads, Accum::Replace);
        let square = |v: &f32| f64::from(*v).powi(2);
        let mut before = input;
        let mut seen = Vec::with_capacity(self.layers);
        for (w, (after, probe)) in weights.into_iter().zip(probes) {
            let signal = tape.value(after).map_or(f64::NAN, |h| h.iter().map(square).sum::<f64>() / h.len() as f64);
            let gradient = tape.grad(probe).map_or(0.0, |d| d.iter().map(square).sum::<f64>().sqrt());
            let weight_gradient = grads.get(w).map_or(0.0, |d| d.iter().map(square).sum::<f64>().sqrt());
            let row = tape.value(before).map(|h| h.row(0).to_owned());
            let singular = match row.filter(|_| singular) {
                Some(row) => self.mean_singular(params.get(w), &row),
                None => f64::NAN,
            };
            seen.push(Seen { signal, gradient, weight_gradient, singular });
            before = after;
        }
        seen
    }

    /// Of the Jacobian `diag(f'(W'x)) W'` of one layer at `x`.
    fn mean_singular(&self, w: &[f32], x: &Array1<f32>) -> f64 {
        let n = self.width;
        let mut z: Vec<f64> = (0..n).map(|j| (0..n).map(|i| f64::from(w[i * n + j]) * f64::from(x[i])).sum()).collect();
        let mut slope = vec![0.0; n];
        self.activation.act().both(&mut z, &mut slope);
        let jacobian = DMatrix::from_fn(n, n, |j, i| slope[j] * f64::from(w[i * n + j]));
        jacobian.singular_values().mean()
    }
}
