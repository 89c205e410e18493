//! The multilayer perceptron: names of PyTorch, equality with the list of layers it stands for.

use layerwise_autograd::Tape;
use layerwise_nn_layers::{
    Activation, BuildModel, Init, Loss, Mlp, MlpConfig, Module, Mse, Norm, SequentialConfig, Target,
};
use layerwise_tensor::ndarray::Array2;
use layerwise_tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Stream};

use crate::support::{names, normal, run};

fn configs() -> Vec<MlpConfig> {
    let base = Mlp::builder(5).hidden(&[7, 7, 4]).outputs(3);
    vec![
        Mlp::builder(5).outputs(3),
        base.clone(),
        base.clone().activation(Activation::GELU).output_activation(Activation::SIGMOID),
        base.clone().activations(&[Activation::TANH, Activation::IDENTITY, Activation::ELU]).bias(false),
        base.clone().norm(Norm::Batch).dropout(0.2),
        base.clone().norm(Norm::Layer).residual(true).init(Init::HE_NORMAL),
        base.clone().residual_scale(0.3).activation(Activation::SOFTSIGN),
        base.dropout(0.3).input_dropout(0.1).residual(true),
    ]
}

#[test]
fn names_are_those_of_torch_sequential() {
    let layout = |config: MlpConfig| {
        let mut layout = Layout::new();
        config.build(&mut layout.scope()).unwrap();
        names(&layout).into_iter().map(|(name, ..)| name).collect::<Vec<_>>()
    };
    // Linear, ReLU, Linear, ReLU, Linear.
    let plain = Mlp::builder(4).hidden(&[8, 8]).outputs(2);
    assert_eq!(layout(plain.clone()), ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]);
    // Dropout, Linear, BatchNorm1d, ReLU, Dropout, Linear.
    let full = Mlp::builder(4).hidden(&[8]).outputs(2).norm(Norm::Batch).dropout(0.1).input_dropout(0.1).bias(false);
    assert_eq!(
        layout(full),
        ["1.weight", "2.weight", "2.bias", "2.running_mean", "2.running_var", "2.num_batches_tracked", "5.weight"]
    );
    // Linear, ReLU, Residual(Linear, ReLU), Linear.
    assert_eq!(layout(plain.clone().residual_scale(0.0))[4], "2.scale");
    assert_eq!(layout(plain.residual(true)), ["0.weight", "0.bias", "2.0.weight", "2.0.bias", "3.weight", "3.bias"]);
}

#[test]
fn kinds_tell_decay_what_to_leave_alone() {
    let mut layout = Layout::new();
    Mlp::builder(4).hidden(&[8]).outputs(2).norm(Norm::Batch).build(&mut layout.scope()).unwrap();
    let kinds: Vec<_> = layout.specs().iter().map(|s| s.kind).collect();
    use ParamKind::{Bias, Buffer, Scale, Weight};
    assert_eq!(kinds, [Weight, Bias, Scale, Bias, Buffer, Buffer, Buffer, Weight, Bias]);
}

/// Output, loss, gradients and pending updates of one training step.
fn step<M: Module<f64>>(model: &M, params: &Params<f64>, x: &Array2<f64>, t: &Array2<f64>) -> (Array2<f64>, Vec<u8>) {
    let mut grads = Gradients::new(params);
    let mut tape = Tape::new();
    let mut g = tape.graph(params, Mode::Train, Stream::new(3).at(0));
    let input = g.input(x.view());
    let y = model.forward(&mut g, input);
    let output = g.value(y).to_owned();
    let loss = Mse.loss(&mut g, y, Target::Values(t.view()));
    g.backward(loss, &mut grads, Accum::Replace);
    let mut after = params.clone();
    for (w, dw) in after.trainable_mut().iter_mut().zip(grads.values()) {
        *w -= dw;
    }
    grads.apply_updates(&mut after);
    (output, after.to_le_bytes())
}

#[test]
fn the_fused_network_is_its_list_of_layers_to_the_bit() {
    for config in configs() {
        let (mlp, params) = config.create::<f64>(4).unwrap();
        let mut layout = Layout::new();
        let list = SequentialConfig::new(config.layers().unwrap()).build(&mut layout.scope(), 5).unwrap();
        assert!(layout.same_shape(params.layout()), "{config:?}");
        assert_eq!(Params::<f64>::init(layout, &Stream::new(4).child("init")).trainable(), params.trainable());

        let (x, t) = (normal::<f64>(6, 5, 1), normal::<f64>(6, 3, 2));
        assert_eq!(run(&mlp, &params, Mode::Eval, 0, x.view()), run(&list, &params, Mode::Eval, 0, x.view()));
        let (fused, composed) = (step(&mlp, &params, &x, &t), step(&list, &params, &x, &t));
        assert_eq!(fused.0, composed.0, "{config:?}");
        assert_eq!(fused.1, composed.1, "{config:?}");
    }
}

#[test]
fn a_residual_scale_of_zero_begins_as_a_network_without_these_layers_and_learns() {
    let config = |hidden: &[usize]| Mlp::builder(5).hidden(hidden).outputs(3).residual_scale(0.0);
    let (deep, params) = config(&[7, 7, 7]).create::<f64>(4).unwrap();
    let (shallow, mut few) = config(&[7]).create::<f64>(4).unwrap();
    let names: Vec<String> = few.layout().specs().iter().map(|s| s.name.clone()).collect();
    for name in names {
        // The output layer stands two places later.
        let deep = params.layout().find(&name.replacen('2', "4", 1)).unwrap();
        let id = few.layout().find(&name).unwrap();
        few.get_mut(id).copy_from_slice(params.get(deep));
    }
    let (x, t) = (normal::<f64>(6, 5, 1), normal::<f64>(6, 3, 2));
    assert_eq!(run(&deep, &params, Mode::Train, 0, x.view()), run(&shallow, &few, Mode::Train, 0, x.view()));

    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let input = g.input(x.view());
    let y = deep.forward(&mut g, input);
    let loss = Mse.loss(&mut g, y, Target::Values(t.view()));
    g.backward(loss, &mut grads, Accum::Replace);
    for name in ["2.scale", "3.scale"] {
        let ds = grads.get(params.layout().find(name).unwrap()).unwrap();
        assert!(ds[0].abs() > 1e-6, "`{name}` does not learn: {ds:?}");
    }
    let e = config(&[7]).residual(false).build(&mut Layout::new().scope()).unwrap_err().to_string();
    assert!(e.contains("`residual_scale` must be finite, and only with `residual`"), "{e}");
}

#[test]
fn the_model_knows_its_layers() {
    let (mlp, params) = Mlp::builder(5).hidden(&[7, 7]).outputs(3).residual(true).create::<f32>(4).unwrap();
    assert_eq!((mlp.inputs(), mlp.outputs()), (5, 3));
    let widths: Vec<_> = mlp.linears().iter().map(|l| (l.inputs(), l.outputs())).collect();
    assert_eq!(widths, [(5, 7), (7, 7), (7, 3)]);
    assert_eq!(mlp.weights().len(), 3);
    assert_eq!(mlp.layer_names().collect::<Vec<_>>(), ["0", "2", "3"]);
    assert_eq!(params.trainable().len(), 5 * 7 + 7 + 7 * 7 + 7 + 7 * 3 + 3);
}

#[test]
fn slots_carry_the_path_of_their_layer() {
    let (mlp, params) = Mlp::builder(2).hidden(&[3]).outputs(1).create::<f64>(0).unwrap();
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let x = g.input(normal::<f64>(4, 2, 0).view());
    g.enter("classifier");
    let y = mlp.forward(&mut g, x);
    g.leave();
    assert!(g.describe(y).contains("classifier.2"), "{}", g.describe(y));
}

#[test]
fn building_below_a_scope_prefixes_the_names() {
    let mut layout = Layout::new();
    Mlp::builder(2).hidden(&[3]).outputs(1).build(&mut layout.scope().child("encoder")).unwrap();
    assert_eq!(layout.specs()[2].name, "encoder.2.weight");
}

#[test]
fn wide_and_narrow_models_are_one_model() {
    let config = Mlp::builder(5).hidden(&[16, 16]).outputs(3).activation(Activation::TANH);
    let (mlp, wide) = config.create::<f64>(4).unwrap();
    let x = normal::<f64>(6, 5, 1);
    let y = run(&mlp, &wide, Mode::Eval, 0, x.view());
    let y32 = run(&mlp, &wide.cast::<f32>(), Mode::Eval, 0, x.mapv(|v| v as f32).view());
    crate::support::all_close(y32.mapv(f64::from).view(), y.view(), 1e-6);
}
