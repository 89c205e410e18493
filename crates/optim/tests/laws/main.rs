//! The laws of optimizers: what every entry of the tables must do.

mod averages;
mod closed_forms;
mod constraints;
mod convergence;
mod fused;
mod lbfgs;
mod muon;
mod persistence;
mod schedules;
mod selection;
mod subnormals;
mod threads;

use layerwise_optim::rule::{self, Sample};
use layerwise_tensor::{Constant, Gradients, Initializer, Layout, ParamId, ParamKind, Params, Scalar, Stream};

/// Every rule of the table in each of its forms.
fn samples() -> Vec<Sample> {
    rule::table().iter().flat_map(|entry| entry.samples()).collect()
}

/// One weight `(1, values.len())` that starts at `values`.
fn vector<T: Scalar>(values: &[f64]) -> (Params<T>, Gradients<T>, ParamId) {
    let mut layout = Layout::new();
    let id = layout.scope().param("w", ParamKind::Weight, 1, values.len(), Constant(0.0));
    let mut params = Params::init(layout, &Stream::new(0));
    for (w, v) in params.get_mut(id).iter_mut().zip(values) {
        *w = T::of(*v);
    }
    let grads = Gradients::new(&params);
    (params, grads, id)
}

/// Values that differ from place to place and know no pattern.
#[derive(Clone, Copy, Debug)]
struct Waves;

impl Initializer for Waves {
    fn fill(&self, rows: usize, _cols: usize, _stream: &Stream, out: &mut [f64]) {
        for (i, v) in out.iter_mut().enumerate() {
            *v = 0.4 + wave(i, rows);
        }
    }
}

fn wave(i: usize, t: usize) -> f64 {
    (1.3 * i as f64 + 0.7 * t as f64).sin() + 0.5 * (0.11 * (i * (t + 1)) as f64).cos()
}

/// A model with parameters of every kind; its first matrix alone is larger than what one thread works on at a time.
fn model<T: Scalar>() -> (Params<T>, Gradients<T>) {
    let mut layout = Layout::new();
    let mut root = layout.scope();
    root.child("0").param("weight", ParamKind::Weight, 301, 167, Waves);
    root.child("0").param("bias", ParamKind::Bias, 1, 167, Waves);
    root.child("1").param("weight", ParamKind::Scale, 1, 167, Waves);
    root.child("1").param("running_mean", ParamKind::Buffer, 1, 167, Constant(0.0));
    root.child("2").param("weight", ParamKind::Weight, 167, 3, Waves);
    let params = Params::init(layout, &Stream::new(0));
    let grads = Gradients::new(&params);
    (params, grads)
}

/// Marks every gradient and fills it with the numbers of step `t`.
fn fill<T: Scalar>(grads: &mut Gradients<T>, t: usize) {
    grads.clear();
    let layout = grads.layout().clone();
    for id in layout.ids().filter(|id| !layout.spec(*id).is_buffer()) {
        for (i, g) in grads.slot(id).0.iter_mut().enumerate() {
            *g = T::of(wave(i + id.index(), t));
        }
    }
}
