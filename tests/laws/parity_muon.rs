//! Muon on weights of several shapes, and clipping by parameter, follow PyTorch's.

use layerwise::optim::OptimizerConfig;
use layerwise_tensor::{Constant, Gradients, Layout, ParamKind, Params, Stream};

use crate::fixture::{self, Case};

/// Against PyTorch's own code with `float64` in place of `bfloat16` in it; and how far its own rounding leads it away.
#[test]
fn forty_steps_of_muon_on_weights_of_four_shapes() {
    for case in fixture::read("muon") {
        let shapes = [(3, 5), (7, 3), (4, 4), (6, 1)].map(|(rows, cols)| (ParamKind::Weight, rows, cols));
        let params = replay(&case, &shapes);
        let (start, rounded) = (case.values("start"), case.values("bfloat16"));
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        let share = distance(params.trainable(), &rounded) / distance(params.trainable(), &start);
        println!("parity: muon {}: PyTorch in bfloat16 ends {share:.1e} of the way apart", case.name);
        // A rounding of 2^-9 grows by no more than the slope of the polynomials, but the steps' errors partly cancel.
        assert!(share < 0.02, "{}: {share}", case.name);
    }
}

#[test]
fn forty_steps_with_each_parameter_clipped_by_its_own_norm() {
    for case in fixture::read("clip_parameter") {
        replay(&case, &[(ParamKind::Weight, 1, 6), (ParamKind::Bias, 1, 2)]);
    }
}

fn replay(case: &Case, shapes: &[(ParamKind, usize, usize)]) -> Params<f64> {
    let mut layout = Layout::new();
    for (i, (kind, rows, cols)) in shapes.iter().enumerate() {
        layout.scope().child(i).param("p", *kind, *rows, *cols, Constant(0.0));
    }
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    params.trainable_mut().copy_from_slice(&case.values("start"));
    let mut grads = Gradients::new(&params);
    let config: OptimizerConfig = serde_json::from_value(case.config.clone()).expect("our configuration");
    let mut optimizer = config.build(&params).expect("a valid configuration");
    let (gradients, values, len) = (case.values("gradients"), case.values("values"), params.trainable().len());
    for (t, (gradient, expected)) in gradients.chunks(len).zip(values.chunks(len)).enumerate() {
        grads.clear();
        for id in params.layout().ids() {
            grads.slot(id).0.copy_from_slice(&gradient[params.layout().spec(id).range()]);
        }
        optimizer.step(&mut params, &mut grads);
        fixture::DOUBLE.check(&format!("{}, step {}", case.name, t + 1), params.trainable(), expected);
    }
    params
}
