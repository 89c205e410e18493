//! Weights of rows and values: what they count, what they hide.

use layerwise_autograd::Tape;
use layerwise_autograd::gradcheck::{GradCheck, random};
use layerwise_nn_layers::{
    AnyLoss, GaussianNll, KlDiv, Loss, Mixed, Mse, PoissonNll, SoftmaxCrossEntropy, Target, TargetKind, Weights, loss,
};
use layerwise_tensor::ndarray::{Array2, arr2};
use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Stream};
use proptest::prelude::*;

use crate::support::{all_close, close};

type Outcome = (f64, f64, Array2<f64>);

/// The loss of `z`, what the batch counts, and the gradient.
#[track_caller]
fn weighted(loss: &dyn AnyLoss, z: &Array2<f64>, target: Target<'_, f64>, weights: &Weights<'_, f64>) -> Outcome {
    let params = Params::init(Layout::new(), &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let z = g.leaf(z.view());
    let found = Loss::<f64>::weighted(loss, &mut g, z, target, weights);
    assert_eq!(g.shape(found.loss), (1, 1));
    let value = g.backward(found.loss, &mut grads, Accum::Replace);
    (value, found.weight, tape.grad(z).expect("a leaf has a gradient").to_owned())
}

/// A loss, what its target is, and outputs and targets to try it on.
type Sample = (String, Box<dyn AnyLoss>, TargetKind, Array2<f64>, Array2<f64>);

/// Every loss of the table with each of its samples, on `rows` rows.
fn all(rows: usize, cols: usize, seed: u64) -> Vec<Sample> {
    let mut all = Vec::new();
    for entry in loss::table() {
        for sample in entry.samples {
            let loss = entry.build(&serde_json::from_str(sample).unwrap()).unwrap();
            let cols = Loss::<f64>::width(&*loss).unwrap_or(cols);
            let stream = Stream::new(seed);
            let z = random(rows, Loss::<f64>::outputs(&*loss, cols), -2.0, 2.0, &stream.child("z"));
            let t = random(rows, cols, 0.05, 0.95, &stream.child("t"));
            all.push((format!("{} {sample}", entry.name), loss, entry.target, z, t));
        }
    }
    all
}

/// Labels that are not all 0, so that classes which weigh nothing do not make up the whole batch.
fn labels(rows: usize, cols: usize) -> Vec<u32> {
    (0..rows).map(|i| ((i + 1) % cols) as u32).collect()
}

fn target<'a>(kind: TargetKind, t: &'a Array2<f64>, labels: &'a [u32]) -> Target<'a, f64> {
    if kind == TargetKind::Labels { Target::Labels(labels) } else { Target::Values(t.view()) }
}

proptest! {
    #[test]
    fn the_loss_is_the_mean_of_its_terms(rows in 1usize..7, cols in 1usize..9, seed in any::<u64>()) {
        for (name, loss, kind, z, t) in all(rows, cols, seed) {
            let labels = labels(rows, t.ncols());
            let params = Params::init(Layout::new(), &Stream::new(0));
            let run = |by_terms: bool| {
                let mut grads = Gradients::new(&params);
                let mut tape = Tape::new();
                let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
                let z = g.leaf(z.view());
                let l = if by_terms {
                    let terms = Loss::<f64>::terms(&*loss, &mut g, z, target(kind, &t, &labels));
                    terms.mean(&mut g)
                } else {
                    Loss::<f64>::loss(&*loss, &mut g, z, target(kind, &t, &labels))
                };
                let value = g.backward(l, &mut grads, Accum::Replace);
                (value, tape.grad(z).unwrap().to_owned())
            };
            let ((a, da), (b, db)) = (run(true), run(false));
            // The sums differ in order: a few units in the last place of the largest term, which is below 1e2 here.
            prop_assert!((a - b).abs() < 1e-12, "{name}: {a} against {b}");
            prop_assert!((&da - &db).iter().all(|d| d.abs() < 1e-12), "{name}");
        }
    }

    #[test]
    fn weights_of_one_change_nothing(rows in 1usize..7, cols in 1usize..9, seed in any::<u64>()) {
        for (name, loss, kind, z, t) in all(rows, cols, seed) {
            let labels = labels(rows, t.ncols());
            let plain = weighted(&*loss, &z, target(kind, &t, &labels), &Weights::none());
            let ones = vec![1.0; rows];
            let rows_alone = weighted(&*loss, &z, target(kind, &t, &labels), &Weights::of_rows(&ones));
            prop_assert!((plain.0 - rows_alone.0).abs() < 1e-12, "{name}");
            prop_assert!((&plain.2 - &rows_alone.2).iter().all(|d| d.abs() < 1e-12), "{name}");
        }
    }

    #[test]
    fn a_row_of_weight_two_is_two_rows(rows in 1usize..6, cols in 1usize..9, seed in any::<u64>()) {
        for (name, loss, kind, z, t) in all(rows, cols, seed) {
            let labels = labels(rows, t.ncols());
            let weights: Vec<f64> = (0..rows).map(|i| (i % 3) as f64).chain([2.0]).skip(1).collect();
            let (value, _, _) = weighted(&*loss, &z, target(kind, &t, &labels), &Weights::of_rows(&weights));
            let repeated: Vec<usize> = (0..rows).flat_map(|i| vec![i; weights[i] as usize]).collect();
            if repeated.is_empty() {
                prop_assert_eq!(value, 0.0);
                continue;
            }
            let pick = |x: &Array2<f64>| x.select(layerwise_tensor::ndarray::Axis(0), &repeated);
            let many: Vec<u32> = repeated.iter().map(|i| labels[*i]).collect();
            let (expected, _, _) = weighted(&*loss, &pick(&z), target(kind, &pick(&t), &many), &Weights::none());
            // Classes that weigh nothing: a mean of nothing is 0 with weights, NaN without.
            prop_assert!((value - expected).abs() < 1e-12 || expected.is_nan() && value == 0.0, "{name}: {value}, {expected}");
        }
    }

    #[test]
    fn what_is_masked_may_be_anything_and_the_gradient_is_right(
        rows in 1usize..6, cols in 1usize..9, seed in any::<u64>(),
    ) {
        let params = Params::init(Layout::new(), &Stream::new(0));
        for (name, loss, kind, z, t) in all(rows, cols, seed) {
            if kind == TargetKind::Labels {
                continue;
            }
            let mut mask = random(rows, t.ncols(), 0.0, 1.0, &Stream::new(seed).child("mask"));
            mask.mapv_inplace(|u| if u < 0.4 { 0.0 } else { u });
            for j in 0..t.ncols() {
                // The levels of a category are known or missing together.
                let first = (0..t.ncols()).map(|k| loss_column(&*loss, k)).filter(|c| *c <= j).max().unwrap_or(j);
                let column = mask.column(first).to_owned();
                mask.column_mut(j).assign(&column);
            }
            let row_weights: Vec<f64> = (0..rows).map(|i| 0.5 + i as f64).collect();
            let mut hidden = t.clone();
            hidden.zip_mut_with(&mask, |t, m| if *m == 0.0 { *t = f64::NAN });
            let weights = Weights::of_values(mask.view()).and_rows(&row_weights);
            let (a, n, da) = weighted(&*loss, &z, Target::Values(hidden.view()), &weights);
            prop_assert!(a.is_finite() && n.is_finite() && da.iter().all(|d| d.is_finite()), "{name}");
            let (b, _, db) = weighted(&*loss, &z, Target::Values(t.view()), &weights);
            prop_assert_eq!(a, b, "{}", name);
            prop_assert_eq!(da, db, "{}", name);
            let check = GradCheck::new().seed(seed).run(&params, std::slice::from_ref(&z), |g, z| {
                Loss::<f64>::weighted(&*loss, g, z[0], Target::Values(hidden.view()), &weights).loss
            });
            // Kinks of the absolute error may lie within reach of the differences.
            prop_assert!(check.is_ok() || name.starts_with("mae"), "{name}: {}", check.unwrap_err());
        }
    }
}

/// The column of the target that term `k` stands on, or past the end.
fn loss_column(loss: &dyn AnyLoss, k: usize) -> usize {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Loss::<f64>::term_column(loss, k))).unwrap_or(usize::MAX)
}

#[test]
fn weighted_means_by_hand() {
    let (y, t) = (arr2(&[[1.0, 2.0], [3.0, 4.0]]), arr2(&[[0.0, f64::NAN], [5.0, 4.5]]));
    let mask = arr2(&[[1.0, 0.0], [1.0, 1.0]]);
    let (value, weight, dy) = weighted(&Mse, &y, Target::Values(t.view()), &Weights::of_values(mask.view()));
    close(value, (1.0 + 4.0 + 0.25) / 3.0, 1e-15);
    assert_eq!(weight, 3.0);
    all_close(dy.view(), (arr2(&[[2.0, 0.0], [-4.0, -1.0]]) / 3.0).view(), 1e-15);
    let both = Weights::of_values(mask.view()).and_rows(&[3.0, 1.0]);
    let (value, weight, _) = weighted(&Mse, &y, Target::Values(t.view()), &both);
    close(value, (3.0 + 4.0 + 0.25) / 5.0, 1e-15);
    assert_eq!(weight, 5.0);

    // Labels: the weights of the classes go on counting.
    let z = arr2(&[[0.0, 0.0], [0.0, 1.0]]);
    let of_classes = SoftmaxCrossEntropy.class_weights(&[1.0, 4.0]).unwrap();
    let (value, weight, _) = weighted(&of_classes, &z, Target::Labels(&[0, 1]), &Weights::of_rows(&[2.0, 0.5]));
    let (a, b) = (2f64.ln(), (1.0 + (-1f64).exp()).ln());
    close(value, (2.0 * a + 0.5 * 4.0 * b) / (2.0 + 0.5 * 4.0), 1e-15);
    assert_eq!(weight, 4.0);
}

#[test]
fn where_nothing_counts_loss_and_gradient_are_zero() {
    let y = arr2(&[[1.0, 2.0]]);
    let nothing = arr2(&[[f64::NAN, f64::INFINITY]]);
    let mask = Array2::zeros((1, 2));
    for loss in [&Mse as &dyn AnyLoss, &PoissonNll::new(), &KlDiv::of_logits()] {
        let found = weighted(loss, &y, Target::Values(nothing.view()), &Weights::of_values(mask.view()));
        assert_eq!(found, (0.0, 0.0, Array2::zeros((1, 2))), "{loss:?}");
    }
    // Nor where the slope of the term overflows.
    let far = arr2(&[[1000.0, 1000.0]]);
    let found = weighted(&PoissonNll::new(), &far, Target::Values(nothing.view()), &Weights::of_values(mask.view()));
    assert_eq!(found, (0.0, 0.0, Array2::zeros((1, 2))));
    let one = arr2(&[[f64::NAN]]);
    let mask = Array2::zeros((1, 1));
    let found = weighted(&GaussianNll::new(), &y, Target::Values(one.view()), &Weights::of_values(mask.view()));
    assert_eq!(found, (0.0, 0.0, Array2::zeros((1, 2))));
    let found = weighted(&SoftmaxCrossEntropy, &y, Target::Labels(&[1]), &Weights::of_rows(&[0.0]));
    assert_eq!(found, (0.0, 0.0, Array2::zeros((1, 2))));
}

#[test]
fn a_masked_target_on_the_graph_gets_no_gradient() {
    let params = Params::<f64>::init(Layout::new(), &Stream::new(0));
    let (mut grads, mut tape) = (Gradients::new(&params), Tape::new());
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let y = g.input(arr2(&[[1.0, 2.0]]).view());
    let t = g.leaf(arr2(&[[4.0, f64::NAN]]).view());
    let mask = arr2(&[[1.0, 0.0]]);
    let found = Mse.weighted(&mut g, y, Target::Var(t), &Weights::of_values(mask.view()));
    assert_eq!(g.backward(found.loss, &mut grads, Accum::Replace), 9.0);
    assert_eq!(tape.grad(t).unwrap(), arr2(&[[6.0, 0.0]]));
}

#[test]
fn a_category_is_one_term_with_the_weight_of_its_first_level() {
    let loss = loss::from_value(
        &serde_json::json!({"name": "mixed", "columns": ["gaussian", {"categorical": {"levels": 2}}]}),
    );
    let loss = loss.unwrap();
    let (z, t) = (arr2(&[[1.0, 0.0, 0.0]]), arr2(&[[3.0, 0.0, 1.0]]));
    let plain = weighted(&*loss, &z, Target::Values(t.view()), &Weights::none());
    close(plain.0, (2.0 + 2f64.ln()) / 2.0, 1e-15);
    all_close(plain.2.view(), arr2(&[[-1.0, 0.25, -0.25]]).view(), 1e-15);
    let known = arr2(&[[1.0, 0.0, 0.0]]);
    let (value, weight, dz) = weighted(&*loss, &z, Target::Values(t.view()), &Weights::of_values(known.view()));
    assert_eq!((value, weight), (2.0, 1.0));
    all_close(dz.view(), arr2(&[[-2.0, 0.0, 0.0]]).view(), 1e-15);
    assert!(Mixed::new(&[]).is_err());
}

#[test]
#[should_panic(expected = "one weight for each value")]
fn a_mask_of_another_shape_is_refused() {
    let y = arr2(&[[1.0, 2.0]]);
    weighted(&Mse, &y, Target::Values(y.view()), &Weights::of_values(Array2::ones((1, 3)).view()));
}

#[test]
#[should_panic(expected = "give a weight for each row")]
fn labels_have_no_values_to_mask() {
    let y = arr2(&[[1.0, 2.0]]);
    weighted(&SoftmaxCrossEntropy, &y, Target::Labels(&[0]), &Weights::of_values(Array2::ones((1, 1)).view()));
}
