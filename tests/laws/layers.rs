//! Laws over the table of layers.

use layerwise::autograd::gradcheck::GradCheck;
use layerwise::nn::{Module, layer};
use layerwise::tensor::{Gradients, Mode, Scalar};
use ndarray::{Array2, s};

use crate::ledger::{BOTH, DOUBLE, law};
use crate::support::{away_from, bits, close, in_pool, layer_cases, output, report, step};

/// Batch sizes: one, two, and around a vector's lanes.
const BATCHES: [usize; 4] = [1, 2, 15, 17];

#[test]
fn gradients_agree_with_differences() {
    let cases = layer_cases();
    let mut left_out = Vec::new();
    for case in &cases {
        for mode in [Mode::Train, Mode::Eval] {
            for batch in BATCHES {
                if batch == 1 && mode == Mode::Train && !case.traits.row_independent {
                    left_out.push((case.name.clone(), "a batch of one has no variance"));
                    continue;
                }
                if mode == Mode::Train && case.traits.estimates {
                    left_out.push((case.name.clone(), "in training its gradient holds an estimate fixed"));
                    continue;
                }
                let report = GradCheck::new()
                    .mode(mode)
                    .keep_away(&case.traits.kinks, 0.05)
                    .run(&case.params(), &[case.input(batch, 3)], |g, x| Module::<f64>::forward(&*case.module, g, x[0]))
                    .unwrap_or_else(|failure| panic!("{} under {mode:?}, batch {batch}: {failure}", case.name));
                law("gradient", "layer").ran_to(case.layer, DOUBLE, 1, report.error);
            }
        }
    }
    report("gradients of inputs and parameters agree with differences", cases.len(), &left_out);
}

#[test]
fn samples_cover_one_feature_and_both_sides_of_a_vectors_edge() {
    let cases = layer_cases();
    for entry in layer::table() {
        let of_layer = cases.iter().filter(|case| case.layer == entry.name);
        let widths: Vec<usize> = of_layer.flat_map(|case| [case.inputs, case.outputs]).collect();
        // One less and one more than the lanes of the widest vector of `f32`, which are whole vectors of all others.
        for width in [1, 15, 17] {
            assert!(widths.contains(&width), "no sample of `{}` has {width} features", entry.name);
        }
    }
    report("samples cover one feature, and one less and one more than a vector", cases.len(), &[]);
}

#[test]
fn a_layer_used_twice_adds_its_gradients() {
    let cases = layer_cases();
    for case in &cases {
        let mode = if case.traits.estimates { Mode::Eval } else { Mode::Train };
        GradCheck::new()
            .mode(mode)
            .keep_away(&case.traits.kinks, 0.05)
            .run(&case.params(), &[case.input(4, 3), case.input(4, 4)], |g, x| {
                let first = Module::<f64>::forward(&*case.module, g, x[0]);
                let second = Module::<f64>::forward(&*case.module, g, x[1]);
                g.mul(first, second)
            })
            .unwrap_or_else(|failure| panic!("{} used twice: {failure}", case.name));
        law("used twice", "layer").ran(case.layer, DOUBLE, 1);
    }
    report("a layer used twice adds its gradients", cases.len(), &[]);
}

#[test]
fn single_and_double_precision_agree() {
    let cases = layer_cases();
    for case in &cases {
        let x = away_from(case.input::<f64>(17, 3), &case.traits.kinks, 0.05);
        let single = step::<f32>(&*case.module, &case.params(), x.mapv(|v| v as f32).view(), Mode::Train);
        let double = step::<f64>(&*case.module, &case.params(), x.view(), Mode::Train);
        // A few hundred roundings in a row, seen through a variance of order one.
        let error = close(&single, &double, 2e-5, &case.name);
        law("types", "layer").ran_to(case.layer, BOTH, 1, error);
    }
    report("f32 and f64 agree", cases.len(), &[]);
}

#[test]
fn rows_do_not_depend_on_each_other() {
    fn check<T: Scalar>(left_out: &mut Vec<(String, &'static str)>) -> usize
    where
        Box<dyn layerwise::nn::AnyModule>: Module<T>,
    {
        let cases = layer_cases();
        for case in &cases {
            let x = case.input::<T>(17, 3);
            let p = case.params();
            let together = output(&case.module, &p, x.view(), Mode::Eval);
            for i in [0, 8, 16] {
                let alone = output(&case.module, &p, x.slice(s![i..=i, ..]), Mode::Eval);
                let row = together.row(i);
                close(alone.as_slice().unwrap(), row.as_slice().unwrap(), 16.0 * T::epsilon().as_f64(), &case.name);
            }
            let order: Vec<usize> = (0..17).map(|i| (i * 5 + 3) % 17).collect();
            let shuffled = x.select(ndarray::Axis(0), &order);
            let permuted = output(&case.module, &p, shuffled.view(), Mode::Eval);
            let expected = together.select(ndarray::Axis(0), &order);
            close(permuted.as_slice().unwrap(), expected.as_slice().unwrap(), 16.0 * T::epsilon().as_f64(), &case.name);
            law("rows", "layer").ran(case.layer, if size_of::<T>() == 4 { &["f32"] } else { DOUBLE }, 1);
            if case.traits.stochastic || !case.traits.row_independent {
                left_out.push((
                    case.name.clone(),
                    "in training rows share a mask's place or the batch's statistics; checked in use only",
                ));
                continue;
            }
            let together = output(&case.module, &p, x.view(), Mode::Train);
            let alone = output(&case.module, &p, x.slice(s![8..=8, ..]), Mode::Train);
            close(
                alone.as_slice().unwrap(),
                together.row(8).as_slice().unwrap(),
                16.0 * T::epsilon().as_f64(),
                &case.name,
            );
        }
        cases.len()
    }
    let mut left_out = Vec::new();
    let cases = check::<f32>(&mut Vec::new()).max(check::<f64>(&mut left_out));
    report("rows do not depend on each other, nor on their order", cases, &left_out);
}

#[test]
fn an_empty_batch_gives_an_empty_result() {
    for case in &layer_cases() {
        let x = Array2::<f32>::zeros((0, case.inputs));
        assert_eq!(
            output(&case.module, &case.params(), x.view(), Mode::Eval).dim(),
            (0, case.outputs),
            "{}",
            case.name
        );
        law("empty batch", "layer").ran(case.layer, &["f32"], 1);
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    fn check<T: Scalar>()
    where
        Box<dyn layerwise::nn::AnyModule>: Module<T>,
    {
        for case in &layer_cases() {
            // Rows enough for several tiles.
            let x = case.input::<T>(40_000, 3);
            let p = case.params();
            let run = |threads| in_pool(threads, || bits(&step::<T>(&case.module, &p, x.view(), Mode::Train)));
            let one = run(1);
            for threads in [1, 2, 3, 8] {
                assert_eq!(run(threads), one, "{} at {threads} threads", case.name);
            }
        }
    }
    check::<f32>();
    check::<f64>();
    layer_cases().iter().for_each(|case| law("threads", "layer").ran(case.layer, BOTH, 4));
    report("the same bits at 1, 2, 3 and 8 threads, and twice in a row", layer_cases().len(), &[]);
}

#[test]
fn a_frozen_parameter_gets_no_gradient_and_changes_no_other() {
    for case in &layer_cases() {
        let free = case.params::<f64>();
        let x = case.input::<f64>(9, 3);
        for id in case.layout.ids().filter(|id| !case.layout.spec(*id).is_buffer()) {
            let mut frozen = free.clone();
            frozen.set_frozen(id, true);
            let (all, fewer) = (gradients(case, &free, &x), gradients(case, &frozen, &x));
            assert!(all.is_written(id) && !fewer.is_written(id), "{}", case.name);
            for other in case.layout.ids().filter(|o| *o != id && !case.layout.spec(*o).is_buffer()) {
                assert_eq!(all.get(other), fewer.get(other), "{}", case.name);
            }
            law("frozen", "layer").ran(case.layer, DOUBLE, 1);
        }
    }
}

fn gradients(case: &crate::support::Case, params: &layerwise::tensor::Params<f64>, x: &Array2<f64>) -> Gradients<f64> {
    let mut tape = layerwise::autograd::Tape::new();
    let mut grads = Gradients::new(params);
    let mut g = tape.graph(params, Mode::Train, layerwise::tensor::Stream::new(7));
    let x = g.input(x.view());
    let y = Module::<f64>::forward(&*case.module, &mut g, x);
    let loss = crate::support::mean_square(&mut g, y);
    g.backward(loss, &mut grads, layerwise::tensor::Accum::Replace);
    grads
}
