//! Mistakes in code panic with the operation, the shapes and the parameter's path.

use std::panic::{AssertUnwindSafe, catch_unwind};

use layerwise_autograd::tensor::ndarray::Array2;
use layerwise_autograd::{Graph, Tape, Trans, Var};
use layerwise_tensor::{Accum, BufferUpdate, Constant, Gradients, Layout, Mode, ParamId, ParamKind, Params, Stream};

use crate::acts::LEAKY;

fn model() -> (Params<f64>, [ParamId; 2]) {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let w = scope.param("encoder.0.weight", ParamKind::Weight, 5, 2, Constant(0.1));
    let m = scope.param("running_mean", ParamKind::Buffer, 1, 4, Constant(0.1));
    (Params::init(layout, &Stream::new(0)), [w, m])
}

/// The message of the panic in `f`, given `x (3, 4)`, `y (2, 4)` and the parameter `w (5, 2)`.
fn message<R>(f: impl FnOnce(&mut Graph<'_, f64>, [Var; 3], [ParamId; 2]) -> R) -> String {
    let (params, ids) = model();
    let mut tape = Tape::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let x = g.input(Array2::ones((3, 4)).view());
        let y = g.input(Array2::ones((2, 4)).view());
        let w = g.param(ids[0]);
        f(&mut g, [x, y, w], ids);
    }));
    let payload = panicked.expect_err("this must panic");
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_default()
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[test]
fn shapes_that_do_not_fit() {
    let m = message(|g, [x, _, w], _| g.linear(x, w, None));
    says(&m, &["linear", "columns of x are not the rows of w", "3 x 4", "5 x 2", "`encoder.0.weight`"]);
    says(&message(|g, [x, y, _], _| g.add(x, y)), &["add", "3 x 4", "2 x 4"]);
    says(&message(|g, [x, y, _], _| g.mse(x, y)), &["mse", "3 x 4", "2 x 4"]);
    says(&message(|g, [x, y, _], _| g.concat(x, y)), &["concat", "rows", "3 x 4", "2 x 4"]);
    says(&message(|g, [x, y, _], _| g.matmul(x, Trans::No, y, Trans::No)), &["matmul", "4 and 2"]);
    says(&message(|g, [x, _, w], _| g.tied_linear(x, w, None)), &["tied_linear", "`encoder.0.weight`"]);
    says(&message(|g, [x, y, _], _| g.layer_norm(x, Some(y), None, 1e-5)), &["layer_norm", "gain or bias"]);
    says(&message(|g, [x, ..], _| g.slice_cols(x, 2..5)), &["slice_cols 2..5", "3 x 4"]);
    says(&message(|g, [x, ..], _| g.scalar(x)), &["3 x 4", "no single number"]);
    says(
        &message(|g, [_, _, w], [_, m]| g.batch_norm(w, None, None, m, m, m, 1e-5, 0.1)),
        &["batch_norm", "`running_mean` has 4 values", "5 x 2"],
    );
    let replace = BufferUpdate::Blend { momentum: 1.0 };
    let m = message(|g, [x, ..], [_, m]| g.push_update_from(m, replace, x));
    says(&m, &["`running_mean` has 4 values", "3 x 4", "cannot update it"]);
}

#[test]
fn a_second_derivative_that_is_not_written() {
    let m = message(|g, [_, _, w], _| g.activate_derivative(w, LEAKY));
    says(&m, &["activate_derivative", "second derivative of Leaky", "`encoder.0.weight`"]);
}

#[test]
fn labels_that_do_not_fit() {
    says(
        &message(|g, [x, ..], _| g.softmax_cross_entropy(x, &[0, 1])),
        &["softmax_cross_entropy", "2 labels", "3 x 4"],
    );
    says(&message(|g, [x, ..], _| g.gather_cols(x, &[0, 4, 1])), &["gather_cols", "label 4 of row 1", "4 columns"]);
}

#[test]
fn numbers_that_make_no_sense() {
    says(&message(|g, [x, ..], _| g.dropout(x, 1.5)), &["dropout", "1.5"]);
    says(&message(|g, [x, ..], _| g.clamp(x, 1.0, 0.0)), &["clamp", "1", "0"]);
    says(&message(|g, _, _| g.leave()), &["leave"]);
}

#[test]
fn a_variable_of_another_step_or_tape_is_refused() {
    let (params, _) = model();
    let (mut tape, mut other) = (Tape::new(), Tape::new());
    let old = tape.graph(&params, Mode::Train, Stream::new(0)).constant(1, 1, 1.0);
    let elsewhere = other.graph(&params, Mode::Train, Stream::new(0)).constant(1, 1, 1.0);
    for stale in [old, elsewhere] {
        let m = message(|g, _, _| g.exp(stale));
        says(&m, &["another tape or to an earlier step"]);
        assert!(
            catch_unwind(AssertUnwindSafe(|| {
                let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
                let x = g.constant(1, 1, 1.0);
                g.add(x, stale)
            }))
            .is_err()
        );
    }
}

#[test]
fn gradients_of_another_model_are_refused() {
    let (params, _) = model();
    let mut other = Layout::new();
    other.scope().param("w", ParamKind::Weight, 1, 1, Constant(0.0));
    let mut grads = Gradients::new(&Params::<f64>::init(other, &Stream::new(0)));
    let mut tape = Tape::new();
    let refused = catch_unwind(AssertUnwindSafe(|| {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let loss = g.constant(1, 1, 1.0);
        g.backward(loss, &mut grads, Accum::Replace)
    }));
    assert!(refused.is_err());
}

#[test]
fn a_panic_points_at_the_caller() {
    let hook = std::panic::take_hook();
    let place = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let noted = std::sync::Arc::clone(&place);
    let here = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == here {
            *noted.lock().expect("no panic inside") = info.location().map(|l| l.file().to_owned()).unwrap_or_default();
        }
    }));
    message(|g, [x, _, w], _| g.linear_act(x, w, None, crate::acts::TANH));
    std::panic::set_hook(hook);
    assert!(place.lock().expect("no panic inside").ends_with("misuse.rs"));
}
