//! The tape from step to step.

use layerwise_autograd::tensor::ndarray::{Array2, array};
use layerwise_autograd::{Graph, Tape, Var};
use layerwise_tensor::{Accum, BufferUpdate, Constant, Gradients, Layout, Mode, ParamId, ParamKind, Params, Stream};

use crate::acts::TANH;

fn weights(names: &[&str], size: usize) -> (Params<f64>, Vec<ParamId>) {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let ids = names.iter().map(|n| scope.param(n, ParamKind::Weight, size, size, Constant(0.1))).collect();
    (Params::init(layout, &Stream::new(0)), ids)
}

fn begin<'a>(tape: &'a mut Tape<f64>, params: &'a Params<f64>) -> Graph<'a, f64> {
    tape.graph(params, Mode::Train, Stream::new(1))
}

#[test]
fn a_parameter_used_twice_gets_the_sum() {
    let (params, ids) = weights(&["w"], 2);
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut gradient = |through: &[usize]| {
        let mut g = begin(&mut tape, &params);
        // The same parameter by two handles, and by one handle twice.
        let w = [g.param(ids[0]), g.param(ids[0])];
        let mut loss = g.constant(1, 1, 0.0);
        for i in through {
            let s = g.square(w[*i]);
            let s = g.sum_all(s);
            loss = g.add(loss, s);
        }
        g.backward(loss, &mut grads, Accum::Replace);
        grads.get(ids[0]).expect("a path reaches it")[0]
    };
    assert_eq!(gradient(&[0]), 0.2);
    assert_eq!(gradient(&[0, 0]), 0.4);
    assert_eq!(gradient(&[0, 1]), 0.4);
    assert!((gradient(&[0, 1, 1]) - 0.6).abs() < 1e-15);
}

#[test]
fn what_no_path_reaches_has_no_gradient() {
    let (mut params, ids) = weights(&["used", "frozen", "dead", "cut", "unused"], 2);
    params.set_frozen(ids[1], true);
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    let x = g.input(array![[1.0, 2.0]].view());
    let v: Vec<Var> = ids[..4].iter().map(|id| g.param(*id)).collect();
    let h = g.linear(x, v[0], None);
    let h = g.linear(h, v[1], None);
    let _dead = g.linear(h, v[2], None);
    let cut = g.linear(h, v[3], None);
    let cut = g.detach(cut);
    let y = g.add(h, cut);
    let loss = g.sum_all(y);
    g.backward(loss, &mut grads, Accum::Replace);
    let written: Vec<bool> = ids.iter().map(|id| grads.is_written(*id)).collect();
    assert_eq!(written, [true, false, false, false, false]);
}

#[test]
fn micro_batches_add_up() {
    let (params, ids) = weights(&["a", "b"], 3);
    let x = Array2::from_shape_fn((6, 3), |(i, j)| (i * 3 + j) as f64 * 0.1 - 0.7);
    let mut tape = Tape::new();
    let mut run = |grads: &mut Gradients<f64>, rows: std::ops::Range<usize>, accum| {
        let mut g = begin(&mut tape, &params);
        let v = g.input(x.slice(layerwise_autograd::tensor::ndarray::s![rows, ..]));
        let (a, b) = (g.param(ids[0]), g.param(ids[1]));
        let h = g.linear_act(v, a, None, TANH);
        let y = g.linear(h, b, None);
        let s = g.square(y);
        let loss = g.sum_all(s);
        g.backward(loss, grads, accum)
    };
    let (mut whole, mut parts) = (Gradients::new(&params), Gradients::new(&params));
    let loss = run(&mut whole, 0..6, Accum::Replace);
    run(&mut parts, 0..6, Accum::Replace);
    let mut sum = run(&mut parts, 0..4, Accum::Replace);
    sum += run(&mut parts, 4..6, Accum::Add);
    assert!((loss - sum).abs() < 1e-12);
    for (a, b) in whole.values().iter().zip(parts.values()) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn a_tape_gives_the_same_bits_as_a_new_one_whatever_it_held_before() {
    let (params, ids) = weights(&["a", "b"], 4);
    let step = |tape: &mut Tape<f64>, rows: usize, deep: bool| {
        let mut grads = Gradients::new(&params);
        let mut g = begin(tape, &params);
        let x = g.input_from(rows, 4, |out| out.iter_mut().enumerate().for_each(|(i, v)| *v = (i as f64).sin()));
        let (a, b) = (g.param(ids[0]), g.param(ids[1]));
        let mut y = g.linear_act(x, a, None, TANH);
        if deep {
            y = g.dropout(y, 0.5);
            y = g.layer_norm(y, None, None, 1e-5);
            y = g.linear_act(y, b, None, TANH);
        }
        let loss = g.mean_all(y);
        let loss = g.backward(loss, &mut grads, Accum::Replace);
        (loss, grads.values().to_vec())
    };
    let mut tape = Tape::new();
    for (rows, deep) in [(8, true), (8, false), (3, true), (8, true), (1, false), (0, true), (9, true)] {
        let (kept, fresh) = (step(&mut tape, rows, deep), step(&mut Tape::new(), rows, deep));
        assert_eq!(kept.0.to_bits(), fresh.0.to_bits());
        assert_eq!(
            kept.1.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
            fresh.1.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        );
    }
}

#[test]
fn an_empty_batch_passes_with_gradients_of_zero() {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let w = scope.param("w", ParamKind::Weight, 3, 3, Constant(0.1));
    let b = scope.param("b", ParamKind::Bias, 1, 3, Constant(0.1));
    let buffers = [("m", 3), ("v", 3), ("n", 1)].map(|(n, c)| scope.param(n, ParamKind::Buffer, 1, c, Constant(1.0)));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    let x = g.input(Array2::zeros((0, 3)).view());
    let (w_var, b_var) = (g.param(w), g.param(b));
    let mut y = g.linear_act_dropout(x, w_var, Some(b_var), Some(TANH), 0.5);
    y = g.batch_norm(y, None, Some(b_var), buffers[0], buffers[1], buffers[2], 1e-5, 0.1);
    y = g.layer_norm(y, None, Some(b_var), 1e-5);
    y = g.tied_linear(y, w_var, Some(b_var));
    y = g.activate_derivative(y, TANH);
    y = g.log_softmax(y);
    y = g.concat(y, y);
    y = g.slice_cols(y, 1..4);
    y = g.gather_cols(y, &[]);
    assert_eq!(g.shape(y), (0, 1));
    let loss = g.sum_all(y);
    assert_eq!(g.backward(loss, &mut grads, Accum::Replace), 0.0);
    assert_eq!(grads.get(w), Some(&[0.0; 9][..]));
    assert_eq!(grads.get(b), Some(&[0.0; 3][..]));
    assert_eq!(grads.pending_updates(), 0, "an empty batch has no statistics");
}

#[test]
fn a_step_of_l_linear_layers_takes_3l_minus_1_products() {
    for layers in 1..6 {
        let names: Vec<String> = (0..layers).map(|i| format!("{i}")).collect();
        let (params, ids) = weights(&names.iter().map(String::as_str).collect::<Vec<_>>(), 3);
        let mut grads = Gradients::new(&params);
        let mut tape = Tape::new();
        let mut g = begin(&mut tape, &params);
        let mut y = g.input(Array2::ones((2, 3)).view());
        for id in ids {
            let w = g.param(id);
            y = g.linear_act(y, w, None, TANH);
        }
        let loss = g.mean_all(y);
        g.backward(loss, &mut grads, Accum::Replace);
        assert_eq!(tape.products(), 3 * layers - 1);
    }
}

#[test]
fn a_leaf_keeps_its_gradient() {
    let (params, _) = weights(&[], 0);
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    let (x, unused) = (g.leaf(array![[1.0, -2.0]].view()), g.leaf(array![[1.0]].view()));
    let y = g.square(x);
    let loss = g.sum_all(y);
    assert_eq!(g.scalar(loss), 5.0);
    g.backward(loss, &mut grads, Accum::Replace);
    assert_eq!(tape.grad(x), Some(array![[2.0, -4.0]].view()));
    assert_eq!(tape.grad(unused), None);
    assert_eq!(tape.value(y), Some(array![[1.0, 4.0]].view()));
}

#[test]
fn dropout_is_x_itself_in_use_and_differs_from_layer_to_layer_in_training() {
    let (params, _) = weights(&[], 0);
    let mut tape = Tape::new();
    let ones = Array2::ones((20, 20));
    let mut g = tape.graph(&params, Mode::Eval, Stream::new(1));
    let x = g.input(ones.view());
    assert_eq!(g.dropout(x, 0.5), x);
    let mut g = tape.graph(&params, Mode::Train, Stream::new(1));
    let x = g.input(ones.view());
    assert_eq!(g.dropout(x, 0.0), x);
    let (a, b) = (g.dropout(x, 0.5), g.dropout(x, 0.5));
    assert_ne!(g.slice(a), g.slice(b));
    assert!(g.slice(a).iter().all(|v| *v == 0.0 || *v == 2.0));
    let kept = g.slice(a).iter().filter(|v| **v > 0.0).count();
    assert!((150..250).contains(&kept), "{kept} of 400 kept");
}

#[test]
fn the_first_slot_that_is_not_finite_is_named() {
    let (params, ids) = weights(&["encoder.0.weight", "encoder.1.weight"], 2);
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    g.enter("encoder");
    let x = g.input(array![[1e200, 1.0]].view());
    g.enter("0");
    let w = g.param(ids[0]);
    let h = g.linear(x, w, None);
    g.leave();
    g.enter("1");
    let w = g.param(ids[1]);
    let y = g.linear(h, w, None);
    let s = g.square(y);
    g.name(s, "energy");
    g.leave();
    g.leave();
    let loss = g.mean_all(s);
    assert_eq!(g.first_non_finite().map(|s| s.index), Some(s.index()));
    assert_eq!(g.backward(loss, &mut grads, Accum::Replace), f64::INFINITY);
    let info = tape.first_non_finite().expect("the square overflows");
    assert_eq!((info.op, info.label.as_deref()), ("square", Some("encoder.1.energy")));
    let info = tape.slot(y);
    assert_eq!((info.op, info.label.as_deref()), ("linear", Some("encoder.1")));
    assert_eq!(info.param.as_deref(), Some("encoder.1.weight"));
    assert_eq!(info.to_string(), "linear (slot 4 of `encoder.1`, `encoder.1.weight`, 1 x 2)");
    assert_eq!(tape.find("encoder.1.energy"), Some(s));
    assert_eq!(tape.find("encoder.0"), Some(h));
    assert_eq!(tape.find("decoder"), None);
}

#[test]
fn a_tape_may_move_to_another_thread() {
    fn sends<T: Send>(value: T) -> T {
        value
    }
    assert!(sends(Tape::<f32>::new()).is_empty());
}

#[test]
fn views_of_any_layout_are_read_row_by_row() {
    let (params, _) = weights(&[], 0);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    let x = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let turned = g.input(x.t());
    assert_eq!(g.slice(turned), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let every_other = g.input(x.slice(layerwise_autograd::tensor::ndarray::s![.., ..;2]));
    assert_eq!(g.slice(every_other), [1.0, 3.0, 4.0, 6.0]);
}

#[test]
fn finish_hands_updates_over_without_a_backward_pass() {
    let mut layout = Layout::new();
    let id = layout.scope().param("count", ParamKind::Buffer, 1, 1, Constant(1.0));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    g.push_update(id, BufferUpdate::Add, |out| out.fill(1.0));
    g.push_update(id, BufferUpdate::Blend { momentum: 0.5 }, |out| out.fill(0.0));
    assert_eq!(g.buffer(id), [1.0], "a step sees its buffers as they were");
    g.finish(&mut grads);
    grads.apply_updates(&mut params);
    assert_eq!(params.get(id), [1.0], "(1 + 1) / 2, in order");
}

#[test]
fn an_update_may_be_a_value_of_the_step() {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let id = scope.param("vector", ParamKind::Buffer, 1, 2, Constant(1.0));
    let w = scope.param("w", ParamKind::Weight, 1, 2, Constant(7.0));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    let x = g.input(array![[2.0], [-4.0]].view());
    let half = g.scale(x, 0.5);
    g.push_update_from(id, BufferUpdate::Blend { momentum: 1.0 }, half);
    let w = g.param(w);
    g.push_update_from(id, BufferUpdate::Add, w);
    g.finish(&mut grads);
    grads.apply_updates(&mut params);
    assert_eq!(params.get(id), [8.0, 5.0], "the value of an operation, then that of a parameter");
}

#[test]
fn one_row_through_batch_norm_leaves_the_running_variance() {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let ids = [("m", 2), ("v", 2), ("n", 1)].map(|(n, c)| scope.param(n, ParamKind::Buffer, 1, c, Constant(1.0)));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = begin(&mut tape, &params);
    let x = g.input(array![[3.0, 5.0]].view());
    let y = g.batch_norm(x, None, None, ids[0], ids[1], ids[2], 1e-5, 0.5);
    assert_eq!(g.slice(y), [0.0, 0.0]);
    g.finish(&mut grads);
    grads.apply_updates(&mut params);
    assert_eq!(
        (params.get(ids[0]), params.get(ids[1]), params.get(ids[2])),
        (&[2.0, 3.0][..], &[1.0, 1.0][..], &[2.0][..])
    );
}

/// A lent matrix gives what a copied one gives; one whose rows are apart, and more than a step takes, are copied.
#[test]
fn a_lent_input_is_read_in_place() {
    let mut layout = Layout::new();
    let w = layout.scope().param("w", ParamKind::Weight, 3, 2, Constant(0.5));
    let params = Params::<f64>::init(layout, &Stream::new(0));
    let wide = Array2::from_shape_fn((5, 6), |(i, j)| (i * 6 + j) as f64);
    let apart = wide.slice(layerwise_autograd::tensor::ndarray::s![.., ..3]);
    let whole = apart.to_owned();
    let run = |lend: bool| {
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let mut vars = Vec::new();
        for x in [apart, whole.view(), whole.view(), whole.view(), whole.view(), whole.view()] {
            vars.push(if lend { g.input_ref(x) } else { g.input(x) });
        }
        let w_var = g.param(w);
        let mut y = g.linear(vars[0], w_var, None);
        for x in &vars[1..] {
            assert_eq!(g.value(*x), whole);
            let z = g.linear(*x, w_var, None);
            y = g.add(y, z);
        }
        let loss = g.sum_all(y);
        let value = g.backward(loss, &mut grads, Accum::Replace);
        let kept: Vec<bool> = vars.iter().map(|v| tape.value(*v).is_some()).collect();
        (value, grads.get(w).map(<[f64]>::to_vec), kept)
    };
    let (copied, lent) = (run(false), run(true));
    assert_eq!((copied.0, copied.1), (lent.0, lent.1));
    assert_eq!(copied.2, [true; 6]);
    assert_eq!(lent.2, [true, false, false, false, false, true], "the first lies apart, the last is one too many");
}
