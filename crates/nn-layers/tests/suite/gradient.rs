//! Every activation, layer, loss and model against differences, in `f64`, to a relative error below 1e-6.
//!
//! Kinks: inputs keep a distance from the points a table entry declares. The random projection checks all entries at once.

use layerwise_autograd::Tape;
use layerwise_autograd::gradcheck::{GradCheck, random};
use layerwise_nn_layers::{
    Activation, AnyModule, LayerConfig, Loss, Module, Target, TargetKind, activation, layer, loss, model,
};
use layerwise_tensor::ndarray::Array2;
use layerwise_tensor::{Gradients, Layout, Mode, Params, Stream};
use proptest::prelude::*;

use crate::support::{build, normal, times};

/// Far enough from a kink for every step of the differences.
const DISTANCE: f64 = 0.05;

fn inputs(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    random(rows, cols, -3.0, 3.0, &Stream::new(seed).child("x"))
}

/// Parameters that are not at the special values they start from: a bias of zero would hide its own mistakes.
fn shaken(layout: Layout, seed: u64) -> Params<f64> {
    let mut params = Params::init(layout, &Stream::new(seed));
    let noise = normal::<f64>(1, params.trainable().len(), seed);
    params.trainable_mut().iter_mut().zip(noise).for_each(|(p, n)| *p += 0.1 * n);
    params
}

#[track_caller]
fn check(module: &dyn AnyModule, params: &Params<f64>, x: Array2<f64>, kinks: &[f64], mode: Mode, seed: u64) {
    let check = GradCheck::new().seed(seed).mode(mode).keep_away(kinks, DISTANCE);
    let result = check.run(params, &[x], |g, x| Module::<f64>::forward(module, g, x[0]));
    if let Err(failure) = result {
        panic!("{module:?}: {failure}");
    }
}

fn check_layer(inputs_: usize, config: &LayerConfig, rows: usize, mode: Mode, seed: u64) {
    let (layer, layout) = build(inputs_, config);
    let traits = config.traits().unwrap_or_else(|e| panic!("{e}"));
    let mut params = shaken(layout, seed);
    let x = inputs(rows, inputs_, seed);
    let x = traits.range.map_or(x.clone(), |[lo, hi]| x.mapv(|v| lo + (hi - lo) / (1.0 + (-v).exp())));
    if traits.estimates {
        if mode == Mode::Train {
            return;
        }
        // In use the estimate of a first step is a constant.
        let mut grads = Gradients::new(&params);
        let mut tape = Tape::new();
        let mut g = tape.graph(&params, Mode::Train, Stream::new(seed));
        let input = g.input(x.view());
        Module::<f64>::forward(&*layer, &mut g, input);
        g.finish(&mut grads);
        grads.apply_updates(&mut params);
    }
    check(&*layer, &params, x, &traits.kinks, mode, seed);
}

#[test]
fn every_sample_of_every_layer() {
    for entry in layer::table() {
        for (inputs, config) in entry.sample_configs().unwrap_or_else(|e| panic!("{e}")) {
            for (seed, rows) in [1, 2, 7].into_iter().enumerate() {
                // The statistics of one or two rows leave nothing to differentiate: normalised values are 0 or +-1.
                let rows = if entry.name == "batch_norm" { rows + 3 } else { rows };
                check_layer(inputs, &config, rows, Mode::Train, seed as u64);
                check_layer(inputs, &config, rows, Mode::Eval, seed as u64);
            }
        }
    }
}

#[test]
fn every_sample_of_every_model() {
    for entry in model::table() {
        for (inputs_, config) in entry.sample_configs().unwrap_or_else(|e| panic!("{e}")) {
            let mut layout = Layout::new();
            let model = config.build(&mut layout.scope()).unwrap_or_else(|e| panic!("{e}"));
            check(&*model, &shaken(layout, 1), inputs(5, inputs_, 2), &[], Mode::Train, 3);
        }
    }
}

/// Outputs whose distances to their targets keep away from the kinks of the losses of distances: 0, and where the samples say, 0.3 and 1.
/// Three times as far as need be, for either may be moved once more.
fn apart(mut z: Array2<f64>, t: &Array2<f64>) -> Array2<f64> {
    if z.dim() == t.dim() {
        for (z, t) in z.iter_mut().zip(t) {
            for kink in [0.0, 0.3, -0.3, 1.0, -1.0] {
                let offset = *z - *t - kink;
                if offset.abs() < 3.0 * DISTANCE {
                    *z = *t + kink + (3.0 * DISTANCE).copysign(offset);
                }
            }
        }
    }
    z
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(times(12)))]

    #[test]
    fn activations(rows in 1usize..9, cols in 1usize..18, seed in any::<u64>()) {
        for entry in activation::table() {
            let default = Activation::new(entry);
            let changed = entry.args.iter().map(|a| default.with(a.name, 0.3).unwrap());
            for act in std::iter::once(default).chain(changed) {
                let config = LayerConfig::of(&layer::ActivationConfig::new(act));
                check_layer(cols, &config, rows, Mode::Train, seed);
            }
        }
    }

    #[test]
    fn activations_fused_into_a_linear_layer(rows in 1usize..5, width in 1usize..10, seed in any::<u64>()) {
        for entry in activation::table().iter().filter(|e| Activation::new(e).kinks().is_empty()) {
            let mut layout = Layout::new();
            let config = layerwise_nn_layers::Mlp::builder(3).outputs(width).output_activation(Activation::new(entry));
            let mlp = config.build(&mut layout.scope()).unwrap();
            check(&mlp, &shaken(layout, seed), inputs(rows, 3, seed), &[], Mode::Train, seed);
        }
    }

    #[test]
    fn layers_of_any_width(rows in 1usize..6, ins in 1usize..19, outs in 1usize..10, seed in any::<u64>()) {
        let linear = layer::LinearConfig::new(outs).bias(seed % 2 == 0);
        check_layer(ins, &LayerConfig::of(&linear), rows, Mode::Train, seed);
        let prelu = layer::PReluConfig::new().per_channel(seed % 2 == 0);
        check_layer(ins, &LayerConfig::of(&prelu), rows, Mode::Train, seed);
        let dropout = layer::DropoutConfig::new(0.3);
        check_layer(ins, &LayerConfig::of(&dropout), rows, Mode::Train, seed);
        let norm = layer::LayerNormConfig::new();
        check_layer(ins + 2, &LayerConfig::of(&norm), rows, Mode::Train, seed);
        let norm = layer::BatchNormConfig::new();
        check_layer(ins, &LayerConfig::of(&norm), rows + 3, Mode::Train, seed);
    }

    #[test]
    fn losses(rows in 1usize..9, cols in 1usize..18, seed in any::<u64>()) {
        let params = Params::init(Layout::new(), &Stream::new(0));
        for entry in loss::table() {
            for sample in entry.samples {
                let loss = entry.build(&serde_json::from_str(sample).unwrap()).unwrap();
                let cols = Loss::<f64>::width(&*loss).unwrap_or(cols);
                let values = random(rows, cols, 0.0, 1.0, &Stream::new(seed).child("t"));
                let z = apart(inputs(rows, Loss::<f64>::outputs(&*loss, cols), seed), &values);
                // Not all labels are 0: classes that all weigh nothing have no mean.
                let labels: Vec<u32> = (0..rows).map(|i| ((seed as usize % 2 * i + 1) % cols) as u32).collect();
                let target = match entry.target {
                    TargetKind::Labels => Target::Labels(&labels),
                    _ => Target::Values(values.view()),
                };
                let result = GradCheck::new().seed(seed).run(&params, &[z], |g, z| Loss::<f64>::loss(&*loss, g, z[0], target));
                prop_assert!(result.is_ok(), "{} {sample}: {}", entry.name, result.unwrap_err());
            }
        }
    }

    #[test]
    fn losses_by_their_targets(rows in 1usize..6, cols in 1usize..9, seed in any::<u64>()) {
        // A target may be what a model computed: its gradient counts too. Counts above 1 bring in Stirling's formula.
        let params = Params::init(Layout::new(), &Stream::new(0));
        for entry in loss::table().iter().filter(|e| e.target == TargetKind::Values) {
            for sample in entry.samples {
                let loss = entry.build(&serde_json::from_str(sample).unwrap()).unwrap();
                let cols = Loss::<f64>::width(&*loss).unwrap_or(cols);
                let t = random(rows, cols, 0.1, 3.0, &Stream::new(seed).child("t"));
                let z = apart(inputs(rows, Loss::<f64>::outputs(&*loss, cols), seed), &t);
                let check = GradCheck::new().seed(seed).keep_away(&[1.0], DISTANCE);
                let result = check.run(&params, &[z, t], |g, v| Loss::<f64>::loss(&*loss, g, v[0], Target::Var(v[1])));
                prop_assert!(result.is_ok(), "{} {sample}: {}", entry.name, result.unwrap_err());
            }
        }
    }
}
