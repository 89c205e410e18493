//! `f32` agrees with `f64`, and the bits are the same at any number of threads, where no other file says so of a shelf.

use std::sync::Arc;

use layerwise::autoencoder::{corruption, model as kind};
use layerwise::autograd::{Act, Tape};
use layerwise::nn::{Activation, AnyLoss, Init, Loss, Target, TargetKind, activation, init, loss};
use layerwise::tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Scalar, Stream};
use ndarray::Array2;

use crate::ledger::{BOTH, DOUBLE, law};
use crate::support::{bits, close, in_pool, normal, output, params, step};

/// Several tiles on any machine.
const ROWS: usize = 3000;

#[test]
fn activations_have_the_same_bits_on_any_number_of_threads() {
    fn pass<T: Scalar>(act: Act) -> Vec<u8> {
        let nothing = Params::<T>::init(Layout::new(), &Stream::new(0));
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&nothing));
        let mut g = tape.graph(&nothing, Mode::Train, Stream::new(0));
        let x = g.leaf(normal::<T>(ROWS, 17, 3).view());
        let y = g.activate(x, act);
        let mut all: Vec<T> = g.slice(y).to_vec();
        let loss = crate::support::mean_square(&mut g, y);
        g.backward(loss, &mut grads, Accum::Replace);
        all.extend(tape.grad(x).expect("the input wants a gradient").iter());
        bits(&all)
    }
    for entry in activation::table() {
        let act = Activation::new(entry).act();
        let (single, double) = (in_pool(1, || pass::<f32>(act)), in_pool(1, || pass::<f64>(act)));
        for threads in [2, 3, 8] {
            assert!(in_pool(threads, || pass::<f32>(act)) == single, "{} at {threads} threads", entry.name);
            assert!(in_pool(threads, || pass::<f64>(act)) == double, "{} at {threads} threads", entry.name);
        }
        law("threads", "activation").ran(entry.name, BOTH, 4);
    }
}

#[test]
fn initializers_draw_the_same_on_any_number_of_threads() {
    for entry in init::table() {
        let draw = || {
            let mut layout = Layout::new();
            layout.scope().param("weight", ParamKind::Weight, 301, 167, Init::new(entry));
            Params::<f64>::init(layout, &Stream::new(3)).to_le_bytes()
        };
        let one = in_pool(1, draw);
        assert!([2, 3, 8].into_iter().all(|threads| in_pool(threads, draw) == one), "{}", entry.name);
        law("threads", "init").ran(entry.name, DOUBLE, 4);
    }
}

#[test]
fn losses_agree_in_both_types_and_have_the_same_bits_on_any_number_of_threads() {
    /// Value and gradient. The numbers are exact in `f32`, so that both types derive at the same place.
    fn pass<T: Scalar>(loss: &(dyn AnyLoss + 'static), kind: TargetKind, rows: usize, seed: u64) -> Vec<T>
    where
        dyn AnyLoss: Loss<T>,
    {
        let exact = |v: f64| T::of(f64::from(v as f32));
        let cols = Loss::<T>::width(loss).unwrap_or(5);
        let outputs = Loss::<T>::outputs(loss, cols);
        let labels: Vec<u32> = (0..rows as u32).map(|i| (i * 7 + 1) % cols as u32).collect();
        let values: Array2<T> = normal::<f64>(rows, cols, seed + 1).mapv(|v| exact(1.0 / (1.0 + v.exp())));
        let target = match kind {
            TargetKind::Labels => Target::Labels(&labels),
            _ => Target::Values(values.view()),
        };
        let nothing = Params::<T>::init(Layout::new(), &Stream::new(0));
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&nothing));
        let mut g = tape.graph(&nothing, Mode::Train, Stream::new(0));
        let x = g.leaf(normal::<f64>(rows, outputs, seed).mapv(exact).view());
        let l = loss.loss(&mut g, x, target);
        let value = g.backward(l, &mut grads, Accum::Replace);
        let gradient = tape.grad(x).expect("the output wants a gradient");
        // The gradient of a mean shrinks with the rows; times them it can be compared with the value.
        std::iter::once(T::of(value)).chain(gradient.iter().map(|d| *d * T::of(rows as f64))).collect()
    }
    for entry in loss::table() {
        for sample in entry.samples {
            let loss = entry.build(&serde_json::from_str(sample).expect("samples are JSON")).expect("samples build");
            let single = pass::<f32>(&*loss, entry.target, 64, 5);
            // Some dozens of roundings in `f32`, of values and derivatives that are at most some hundred.
            let error = close(&single, &pass::<f64>(&*loss, entry.target, 64, 5), 1e-5, entry.name);
            law("types", "loss").ran_to(entry.name, BOTH, 1, error);
            let run32 = |n| in_pool(n, || bits(&pass::<f32>(&*loss, entry.target, ROWS, 5)));
            let run64 = |n| in_pool(n, || bits(&pass::<f64>(&*loss, entry.target, ROWS, 5)));
            let (one32, one64) = (run32(1), run64(1));
            assert!([2, 3, 8].into_iter().all(|n| run32(n) == one32 && run64(n) == one64), "{} {sample}", entry.name);
            law("threads", "loss").ran(entry.name, BOTH, 4);
        }
    }
}

#[test]
fn corruptions_agree_in_both_types_and_have_the_same_bits_on_any_number_of_threads() {
    for entry in corruption::table() {
        for (inputs, config) in entry.sample_configs().expect("samples are configurations") {
            let mut layout = Layout::new();
            let built = config.build_from(&mut layout.scope(), inputs, corruption::table()).expect("samples build");
            let layout = Arc::new(layout);
            let (p32, p64) = (params::<f32>(&layout), params::<f64>(&layout));
            let (x32, x64) = (normal::<f32>(ROWS, inputs, 5), normal::<f64>(ROWS, inputs, 5));
            let run32 = |n| in_pool(n, || output::<f32>(&*built.0, &p32, x32.view(), Mode::Train));
            let run64 = |n| in_pool(n, || output::<f64>(&*built.0, &p64, x64.view(), Mode::Train));
            let (one32, one64) = (run32(1), run64(1));
            // The same draws, rounded.
            let error = close(one32.as_slice().unwrap(), one64.as_slice().unwrap(), 1e-6, entry.name);
            law("types", "corruption").ran_to(entry.name, BOTH, 1, error);
            assert!([2, 3, 8].into_iter().all(|n| run32(n) == one32 && run64(n) == one64), "{config:?}");
            law("threads", "corruption").ran(entry.name, BOTH, 4);
        }
    }
}

#[test]
fn autoencoders_agree_in_both_types() {
    for kind in kind::table() {
        for config in kind.sample_configs().expect("samples are configurations") {
            let mut layout = Layout::new();
            let autoencoder = config.build(&mut layout.scope()).expect("samples build");
            let layout = Arc::new(layout);
            let x = normal::<f64>(17, config.inputs, 3).mapv(|v| f64::from(v as f32));
            let single = step::<f32>(&autoencoder, &params(&layout), x.mapv(|v| v as f32).view(), Mode::Eval);
            let double = step::<f64>(&autoencoder, &params(&layout), x.view(), Mode::Eval);
            // As for layers: a few hundred roundings in a row.
            let error = close(&single, &double, 2e-5, kind.name);
            law("types", "autoencoder").ran_to(kind.name, BOTH, 1, error);
        }
    }
}
