//! Activations, layers, losses and a short training give PyTorch's numbers, forward and backward.
//!
//! Deliberate differences, which the cases leave out or compute otherwise:
//! - `gelu`, `silu` and `mish` of minus infinity are 0, the limit, where PyTorch has NaN.
//! - `hardsigmoid`: PyTorch's gradient is off by 3e-8 in double precision, since its 1/6 is one of single precision.
//! - `tanhshrink` keeps its digits near 0, where PyTorch gives 0.
//! - `kl_div` divides by the rows (`batchmean`), PyTorch by the number of values unless told otherwise.
//! - `gaussian_nll` takes the logarithm of the variance, and no gradient passes where the variance is cut off.
//! - The numbers that random layers and initializers draw are ours; their laws are tested instead.

use layerwise::autograd::Tape;
use layerwise::nn::layer::LayerEntry;
use layerwise::nn::{AnyModule, LayerConfig, Loss, ModelConfig, Module, Target, activation, layer, loss};
use layerwise::optim::OptimizerConfig;
use layerwise_tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Scalar, Stream};
use ndarray::{Array2, ArrayD, Axis, Ix2, Ix3};
use serde_json::Value;

use crate::fixture::{self, Case, Tolerance};
use crate::ledger::{DOUBLE, law};

#[test]
fn activations() {
    let cases = fixture::read("activations");
    for entry in activation::table() {
        assert!(cases.iter().any(|c| c.config["activation"]["name"] == entry.name), "no numbers for `{}`", entry.name);
    }
    cases.iter().for_each(check_layer);
}

#[test]
fn layers() {
    let mut cases = fixture::read("layers");
    cases.extend(fixture::read("shelf_layers"));
    // An activation has cases of its own, and no other library draws our random numbers.
    let random = |entry: &LayerEntry| {
        let samples = entry.sample_configs().expect("samples are configurations");
        samples.iter().all(|(_, config)| config.traits().expect("samples have traits").stochastic)
    };
    for entry in layer::table().iter().filter(|e| e.name != "activation" && !random(e)) {
        assert!(cases.iter().any(|c| c.config["layer"] == entry.name), "no numbers for `{}`", entry.name);
    }
    let parity = law("parity", "layer");
    parity.not_run("activation", "each activation has numbers of its own");
    for entry in layer::table().iter().filter(|e| random(e)) {
        parity.not_run(entry.name, "no other library draws our random numbers");
    }
    cases.iter().for_each(check_layer);
}

#[test]
fn losses() {
    let mut cases = fixture::read("losses");
    cases.extend(fixture::read("likelihoods"));
    let named = |c: &Case, name: &str| c.config["loss"] == name || c.config["loss"]["name"] == name;
    for entry in loss::table() {
        assert!(cases.iter().any(|c| named(c, entry.name)), "no numbers for `{}`", entry.name);
    }
    for case in &cases {
        check_loss::<f64>(case);
        check_loss::<f32>(case);
    }
}

#[test]
fn twenty_steps_of_adam_with_batch_norm() {
    for case in &fixture::read("training") {
        train::<f64>(case);
        train::<f32>(case);
    }
}

fn check_layer(case: &Case) {
    run_layer::<f64>(case);
    run_layer::<f32>(case);
}

/// All batches one after another; output and gradients of the last, buffers at the end. The loss is `sum(y dy)` and the penalties that
/// the layer asks for.
fn run_layer<T: Scalar>(case: &Case)
where
    Box<dyn AnyModule>: Module<T>,
{
    let mut config = case.config.as_object().expect("an object").clone();
    let mode = if config.remove("mode") == Some(Value::from("eval")) { Mode::Eval } else { Mode::Train };
    let config: LayerConfig = serde_json::from_value(Value::Object(config)).expect("our configuration");
    let batches = case.array("x").view().into_dimensionality::<Ix3>().expect("batches of rows");

    let mut layout = Layout::new();
    let (module, _) = config.build(&mut layout.scope(), batches.len_of(Axis(2))).expect("a valid configuration");
    let (mut params, mut grads) = start::<T>(case, layout);
    let mut tape = Tape::new();
    let dy = cast::<T>(case.array("dy")).into_dimensionality::<Ix2>().expect("rows");
    let (mut y, mut dx, mut total) = (Array2::zeros((0, 0)), Array2::zeros((0, 0)), f64::NAN);
    for batch in batches.outer_iter() {
        let mut g = tape.graph(&params, mode, Stream::new(0));
        let x = g.leaf(batch.mapv(T::of).view());
        let out = module.forward(&mut g, x);
        y = g.value(out).to_owned();
        let upstream = g.input(dy.view());
        let products = g.mul(out, upstream);
        let loss = g.sum_all(products);
        total = g.backward(loss, &mut grads, Accum::Replace);
        dx = tape.grad(x).expect("the gradient of a leaf").to_owned();
        grads.apply_updates(&mut params);
    }

    let what = |part: &str| format!("{}, {:?}, {part}", case.name, T::DTYPE);
    let tolerance = Tolerance::of::<T>();
    let mut worst = tolerance.check(&what("y"), y.as_slice().unwrap_or(&[]), &case.values("y"));
    worst = worst.max(tolerance.check(&what("dx"), dx.as_slice().unwrap_or(&[]), &case.values("dx")));
    if case.has("total") {
        worst = worst.max(tolerance.check(&what("total"), &[total], &case.values("total")));
    }
    let layout = params.layout();
    for id in layout.ids() {
        let spec = layout.spec(id);
        match spec.kind {
            ParamKind::Buffer => {
                worst = worst.max(tolerance.check(&what(&spec.name), params.get(id), &case.parameter("end", spec)));
            }
            _ => {
                let (found, expected) = (grads.get(id).expect("a gradient"), case.parameter("grad", spec));
                worst = worst.max(tolerance.check(&what(&format!("gradient of {}", spec.name)), found, &expected));
            }
        }
    }
    match case.config["layer"].as_str() {
        Some("activation") => {
            let activation = &case.config["activation"];
            let name = activation["name"].as_str().or(activation.as_str()).unwrap_or_default();
            law("parity", "activation").ran_to(name, types::<T>(), 1, worst);
        }
        name => law("parity", "layer").ran_to(name.unwrap_or_default(), types::<T>(), 1, worst),
    }
}

/// The element type, as the ledger names it.
fn types<T: Scalar>() -> &'static [&'static str] {
    if size_of::<T>() == 4 { &["f32"] } else { DOUBLE }
}

fn check_loss<T: Scalar>(case: &Case)
where
    Box<dyn loss::AnyLoss>: Loss<T>,
{
    let loss = loss::from_value(&case.config["loss"]).expect("our configuration");
    let (params, mut grads) = start::<T>(case, Layout::new());
    let output = cast::<T>(case.array("output")).into_dimensionality::<Ix2>().expect("rows");
    let values = cast::<T>(case.array("target"));
    let labels: Vec<u32> = values.iter().map(|v| v.as_f64() as u32).collect();
    let target = match case.config["target"].as_str() {
        Some("labels") => Target::Labels(&labels),
        _ => Target::Values(values.view().into_dimensionality::<Ix2>().expect("rows")),
    };
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let z = g.leaf(output.view());
    let l = loss.loss(&mut g, z, target);
    let value = g.backward(l, &mut grads, Accum::Replace);
    let gradient = tape.grad(z).expect("the gradient of a leaf");

    let what = |part: &str| format!("{}, {:?}, {part}", case.name, T::DTYPE);
    let tolerance = Tolerance::of::<T>();
    let value = tolerance.check(&what("loss"), &[value], &case.values("loss"));
    let gradient = tolerance.check(&what("gradient"), gradient.as_slice().unwrap_or(&[]), &case.values("gradient"));
    let name = case.config["loss"]["name"].as_str().or(case.config["loss"].as_str()).unwrap_or_default();
    law("parity", "loss").ran_to(name, types::<T>(), 1, value.max(gradient));
}

fn train<T: Scalar>(case: &Case)
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn loss::AnyLoss>: Loss<T>,
{
    let config: ModelConfig = serde_json::from_value(case.config["model"].clone()).expect("our configuration");
    let optimizer: OptimizerConfig = serde_json::from_value(case.config["optimizer"].clone()).expect("ours too");
    let loss = loss::from_value(&Value::from("softmax_cross_entropy")).expect("a loss of the table");
    let mut layout = Layout::new();
    let model = config.build(&mut layout.scope()).expect("a valid configuration");
    let (mut params, mut grads) = start::<T>(case, layout);
    let mut optimizer = optimizer.build(&params).expect("a valid configuration");
    let mut tape = Tape::new();

    let batches = case.array("x").view().into_dimensionality::<Ix3>().expect("batches of rows");
    let mut losses = Vec::new();
    for (batch, labels) in batches.outer_iter().zip(case.array("labels").outer_iter()) {
        let labels: Vec<u32> = labels.iter().map(|v| *v as u32).collect();
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let x = g.input(batch.mapv(T::of).view());
        let y = model.forward(&mut g, x);
        let l = loss.loss(&mut g, y, Target::Labels(&labels));
        losses.push(g.backward(l, &mut grads, Accum::Replace));
        optimizer.step(&mut params, &mut grads);
    }
    let what = |part: &str| format!("{}, {:?}, {part}", case.name, T::DTYPE);
    let tolerance = Tolerance::of::<T>();
    tolerance.check(&what("losses"), &losses, &case.values("losses"));

    let mut g = tape.graph(&params, Mode::Eval, Stream::new(0));
    let x = g.input(batches.index_axis(Axis(0), 0).mapv(T::of).view());
    let y = model.forward(&mut g, x);
    // A bias in front of a batch norm has a gradient of zero, of which `f32` computes the rounding, and Adam divides that by its size: it
    // wanders by up to a rate a step, and the running mean that takes it away again lags behind.
    let exact = size_of::<T>() == 8;
    let outputs = if exact { tolerance } else { tolerance.times(4.0) };
    outputs.check(&what("outputs"), g.slice(y), &case.values("outputs"));
    if exact {
        let layout = params.layout();
        for (id, spec) in layout.ids().zip(layout.specs()) {
            tolerance.check(&what(&spec.name), params.get(id), &case.parameter("end", spec));
        }
    }
}

/// The parameters PyTorch started from.
fn start<T: Scalar>(case: &Case, layout: Layout) -> (Params<T>, Gradients<T>) {
    let mut params = Params::<T>::init(layout, &Stream::new(0));
    let layout = params.layout().clone();
    for (id, spec) in layout.ids().zip(layout.specs()) {
        for (p, v) in params.get_mut(id).iter_mut().zip(case.parameter("start", spec)) {
            *p = T::of(v);
        }
    }
    let grads = Gradients::new(&params);
    (params, grads)
}

fn cast<T: Scalar>(array: &ArrayD<f64>) -> ArrayD<T> {
    array.mapv(T::of)
}
