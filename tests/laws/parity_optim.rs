//! Every rule follows PyTorch's for a hundred steps: the recorded gradients go in, the recorded parameters must come out.

use layerwise::optim::{OptimizerConfig, rule};
use layerwise_tensor::{Constant, Gradients, Layout, ParamKind, Params, Scalar, Stream};

use crate::fixture::{self, Case, Tolerance};

#[test]
fn a_hundred_steps_of_every_rule() {
    for entry in rule::table() {
        for case in fixture::read(&format!("optim_{}", entry.name)) {
            replay::<f64>(entry.name, &case);
            replay::<f32>(entry.name, &case);
        }
    }
}

fn replay<T: Scalar>(rule: &str, case: &Case) {
    let mut layout = Layout::new();
    let w = layout.scope().param("w", ParamKind::Weight, 1, 6, Constant(0.0));
    let b = layout.scope().param("b", ParamKind::Bias, 1, 2, Constant(0.0));
    let mut params = Params::<T>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    params.trainable_mut().copy_from_slice(&cast::<T>(&case.values("start")));

    let config: OptimizerConfig = serde_json::from_value(case.config.clone()).expect("our configuration");
    assert_eq!(config.rule.name(), rule);
    let mut optimizer = config.build(&params).expect("a valid configuration");

    let (gradients, written) = (case.values("gradients"), case.values("written"));
    let (norms, values) = (case.values("norms"), case.values("values"));
    let tolerance = Tolerance::of::<T>();
    for t in 0..norms.len() {
        let gradient = cast::<T>(&gradients[8 * t..8 * (t + 1)]);
        grads.clear();
        for (i, (id, part)) in [(w, &gradient[..6]), (b, &gradient[6..])].into_iter().enumerate() {
            if written[2 * t + i] == 1.0 {
                grads.slot(id).0.copy_from_slice(part);
            }
        }
        let report = optimizer.step(&mut params, &mut grads);
        let what = format!("{rule}, {}, {:?}, step {}", case.name, T::DTYPE, t + 1);
        tolerance.check(&format!("{what}, norm"), &[report.grad_norm], &norms[t..=t]);
        tolerance.check(&what, params.trainable(), &values[8 * t..8 * (t + 1)]);
    }
}

fn cast<T: Scalar>(values: &[f64]) -> Vec<T> {
    values.iter().map(|v| T::of(*v)).collect()
}
