//! What is used twice in a step gets the sum of both gradients: inputs and parameters of every layer, outputs and targets of every loss.

use layerwise_autograd::Tape;
use layerwise_autograd::gradcheck::{GradCheck, random};
use layerwise_nn_layers::{Loss, Module, Target, TargetKind, Weights, layer, loss};
use layerwise_tensor::{Gradients, Layout, Mode, Params, Stream};

use crate::support::{build, normal};

#[test]
fn every_layer_twice_on_one_input() {
    for entry in layer::table() {
        for (inputs, config) in entry.sample_configs().unwrap_or_else(|e| panic!("{e}")) {
            let (layer, layout) = build(inputs, &config);
            let mut params = Params::<f64>::init(layout, &Stream::new(1));
            // Away from the special values that parameters start from.
            let noise = normal::<f64>(1, params.trainable().len(), 2);
            params.trainable_mut().iter_mut().zip(noise).for_each(|(p, n)| *p += 0.1 * n);
            let traits = config.traits().unwrap_or_else(|e| panic!("{e}"));
            let [lo, hi] = traits.range.unwrap_or([-3.0, 3.0]);
            let x = random(5, inputs, lo, hi, &Stream::new(3));
            let mut mode = Mode::Train;
            if traits.estimates {
                // In training the gradient holds an estimate fixed; in use the estimate of a first step is a constant.
                mode = Mode::Eval;
                let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
                let mut g = tape.graph(&params, Mode::Train, Stream::new(6));
                let input = g.input(x.view());
                Module::<f64>::forward(&*layer, &mut g, input);
                g.finish(&mut grads);
                grads.apply_updates(&mut params);
            }
            let check = GradCheck::new().mode(mode).keep_away(&traits.kinks, 0.05);
            let result = check.run(&params, &[x], |g, x| {
                let first = Module::<f64>::forward(&*layer, g, x[0]);
                let second = Module::<f64>::forward(&*layer, g, x[0]);
                g.add(first, second)
            });
            result.unwrap_or_else(|failure| panic!("{config:?} twice: {failure}"));
        }
    }
}

#[test]
fn every_loss_twice_on_one_output_and_target() {
    let nothing = Params::<f64>::init(Layout::new(), &Stream::new(0));
    for entry in loss::table() {
        for sample in entry.samples {
            let loss = entry.build(&serde_json::from_str(sample).unwrap()).unwrap();
            let cols = Loss::<f64>::width(&*loss).unwrap_or(4);
            let z = random(5, Loss::<f64>::outputs(&*loss, cols), -3.0, 3.0, &Stream::new(4));
            let t = random(5, cols, 0.1, 0.9, &Stream::new(5));
            let labels: Vec<u32> = (0..5u32).map(|i| (i + 1) % cols as u32).collect();
            // A target that a model computes has a gradient of its own.
            let by_model = entry.target == TargetKind::Values;
            let inputs = if by_model { vec![z, t.clone()] } else { vec![z] };
            let result = GradCheck::new().run(&nothing, &inputs, |g, v| {
                let target = match entry.target {
                    TargetKind::Labels => Target::Labels(&labels),
                    _ if by_model => Target::Var(v[1]),
                    _ => Target::Values(t.view()),
                };
                let first = Loss::<f64>::loss(&*loss, g, v[0], target);
                let second = Loss::<f64>::loss(&*loss, g, v[0], target);
                g.add(first, second)
            });
            result.unwrap_or_else(|failure| panic!("{} {sample} twice: {failure}", entry.name));
            // The same by terms, which rows of different weight make up.
            let rows = [1.0, 0.5, 2.0, 0.25, 1.5];
            let result = GradCheck::new().run(&nothing, &inputs, |g, v| {
                let target = match entry.target {
                    TargetKind::Labels => Target::Labels(&labels),
                    _ if by_model => Target::Var(v[1]),
                    _ => Target::Values(t.view()),
                };
                let first = Loss::<f64>::weighted(&*loss, g, v[0], target, &Weights::of_rows(&rows)).loss;
                let second = Loss::<f64>::weighted(&*loss, g, v[0], target, &Weights::of_rows(&rows)).loss;
                g.add(first, second)
            });
            result.unwrap_or_else(|failure| panic!("{} {sample}, weighted, twice: {failure}", entry.name));
            // And by terms of equal weight, which read output and target themselves.
            let result = GradCheck::new().run(&nothing, &inputs, |g, v| {
                let target = match entry.target {
                    TargetKind::Labels => Target::Labels(&labels),
                    _ if by_model => Target::Var(v[1]),
                    _ => Target::Values(t.view()),
                };
                let first = Loss::<f64>::terms(&*loss, g, v[0], target).mean(g);
                let second = Loss::<f64>::terms(&*loss, g, v[0], target).mean(g);
                g.add(first, second)
            });
            result.unwrap_or_else(|failure| panic!("{} {sample}, by terms, twice: {failure}", entry.name));
        }
    }
}

#[test]
fn a_penalty_that_is_the_only_path_replaces_old_gradients() {
    let nothing = Params::<f64>::init(Layout::new(), &Stream::new(0));
    let other = random(2, 3, -1.0, 1.0, &Stream::new(4));
    for entry in layer::table().iter().filter(|e| ["activity", "kl_sparsity"].contains(&e.name)) {
        for (inputs, config) in entry.sample_configs().unwrap_or_else(|e| panic!("{e}")) {
            let (layer, _) = build(inputs, &config);
            let x = random(5, inputs, 0.1, 0.9, &Stream::new(3));
            let result = GradCheck::new().run(&nothing, &[x, other.clone()], |g, v| {
                Module::<f64>::forward(&*layer, g, v[0]);
                v[1]
            });
            result.unwrap_or_else(|failure| panic!("{config:?}: {failure}"));
        }
    }
}
