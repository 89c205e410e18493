//! Configurations: round trips, and what is said about those that are wrong.

use layerwise_nn_layers::{
    Activation, BatchNormConfig, BuildModel, ConfigError, DropoutConfig, Init, LayerConfig, LinearConfig, Mlp,
    MlpConfig, ModelConfig, Norm, SequentialModelConfig, activation, init, layer, loss, model,
};
use layerwise_tensor::Layout;
use serde_json::{Value, json};

#[track_caller]
fn build_layer(config: Value) -> ConfigError {
    let config: LayerConfig = serde_json::from_value(config).expect("a layer by name");
    let mut layout = Layout::new();
    config.build(&mut layout.scope().child("encoder").child(0), 4).map(|_| ()).expect_err("this must not build")
}

#[track_caller]
fn build_model(config: Value) -> ConfigError {
    let config: ModelConfig = serde_json::from_value(config).expect("a model by name");
    config.build(&mut Layout::new().scope()).map(|_| ()).expect_err("this must not build")
}

#[track_caller]
fn says(error: &ConfigError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{text}` does not say `{part}`");
    }
}

#[test]
fn activations_and_initializers_read_back_as_they_are() {
    for entry in activation::table() {
        let mut all = vec![Activation::new(entry)];
        all.extend(entry.args.iter().map(|a| Activation::new(entry).with(a.name, 0.1 + 0.2).unwrap()));
        for act in all {
            let text = serde_json::to_string(&act).unwrap();
            assert_eq!(serde_json::from_str::<Activation>(&text).unwrap(), act, "{text}");
            assert_eq!(Activation::from_value(&act.to_value()).unwrap(), act);
        }
    }
    for entry in init::table() {
        let mut all = vec![Init::new(entry)];
        all.extend(entry.args.iter().map(|a| Init::new(entry).with(a.name, 1.0).unwrap()));
        all.push(Init::new(entry).for_activation(Activation::TANH));
        for init in all {
            let text = serde_json::to_string(&init).unwrap();
            assert_eq!(serde_json::from_str::<Init>(&text).unwrap(), init, "{text}");
        }
    }
    assert_eq!(serde_json::to_value(Activation::RELU).unwrap(), json!("relu"));
}

#[test]
fn models_read_back_as_they_were_built() {
    for entry in model::table() {
        for (_, config) in entry.sample_configs().unwrap() {
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(ModelConfig::from_json(&text).unwrap(), config);
        }
    }
    let config = Mlp::builder(5)
        .hidden(&[4, 3])
        .outputs(2)
        .activations(&[Activation::GELU, Activation::LEAKY_RELU.with("slope", 0.1 + 0.2).unwrap()])
        .norm(Norm::Layer)
        .dropout(1.0 / 3.0)
        .init(Init::GLOROT_NORMAL.for_activation(Activation::TANH));
    let (mlp, _) = config.create::<f32>(0).unwrap();
    let text = serde_json::to_string(&ModelConfig::of(mlp.config())).unwrap();
    assert_eq!(ModelConfig::from_json(&text).unwrap().read::<MlpConfig>().unwrap(), config);

    let config = SequentialModelConfig::new(3).then(&LinearConfig::new(4)).then(&BatchNormConfig::new().momentum(0.3));
    let (model, _) = config.create::<f32>(0).unwrap();
    assert_eq!(model.config().layers, config.layers);
    assert_eq!((model.inputs(), model.outputs(), model.layers().len()), (3, 4, 2));
    assert_eq!(ModelConfig::of(&config).read::<SequentialModelConfig>().unwrap(), config);
}

#[test]
fn typed_layers_give_their_configuration_back() {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let linear = LinearConfig::new(3).init(Init::HE_UNIFORM).bias(false);
    assert_eq!(*linear.build(&mut scope.child(0), 2).unwrap().config(), linear);
    let norm = BatchNormConfig::new().eps(1e-3);
    assert_eq!(*norm.build(&mut scope.child(1), 2).unwrap().config(), norm);
    let dropout = DropoutConfig::new(0.125);
    assert_eq!(dropout.build(&mut scope.child(2)).unwrap().config(), dropout);
    let mlp = Mlp::builder(2).outputs(1);
    assert_eq!(*mlp.build(&mut scope.child(3)).unwrap().config(), mlp);
    for entry in layer::table() {
        for (_, config) in entry.sample_configs().unwrap() {
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<LayerConfig>(&text).unwrap(), config);
        }
    }
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let e = build_layer(json!({"layer": "linear", "output": 4}));
    says(&e, &["layer `encoder.0`", "no option `output`", "`outputs`", "did you mean `outputs`?"]);
    let e = build_model(json!({"model": "mlp", "inputs": 3, "outputs": 2, "hiden": [4]}));
    says(&e, &["model `mlp` has no option `hiden`", "did you mean `hidden`?"]);
    let e = Activation::from_value(&json!({"name": "leaky_relu", "slop": 0.1})).unwrap_err();
    says(&e, &["activation `leaky_relu` has no option `slop`", "did you mean `slope`?"]);
    let e = Init::from_value(&json!({"name": "zeros", "gain": 1.0})).unwrap_err();
    says(&e, &["initializer `zeros` has no option `gain`", "it has no options"]);
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    says(
        &build_layer(json!({"layer": "liner"})),
        &["encoder.0", "no layer is called `liner`", "did you mean `linear`?"],
    );
    let e = build_layer(json!({"layer": "activation", "activation": "rleu"}));
    says(&e, &["encoder.0", "no activation is called `rleu`", "gelu_tanh", "did you mean `relu`?"]);
    let e = build_layer(json!({"layer": "linear", "outputs": 2, "init": "he"}));
    says(&e, &["encoder.0", "no initializer is called `he`", "`he_normal`"]);
    says(&build_model(json!({"model": "cnn"})), &["no model is called `cnn`", "`mlp`, `sequential`"]);
    let inner = json!({"layer": "sequential", "layers": [{"layer": "dropout"}, {"layer": "residual", "layers": [{"layer": "x"}]}]});
    says(&build_layer(inner), &["layer `encoder.0.1.0`", "no layer is called `x`"]);
}

#[test]
fn values_out_of_range_are_refused_with_a_remedy() {
    for p in [-0.1, 1.0, 2.0, f64::NAN, f64::INFINITY] {
        let e = DropoutConfig::new(p).build(&mut Layout::new().scope().child("3")).unwrap_err();
        says(&e, &["layer `3`", "`p` must be at least 0 and below 1", &format!("found {p}"), "0 drops none"]);
        let e = Mlp::builder(2).outputs(1).dropout(p).build(&mut Layout::new().scope()).unwrap_err();
        says(&e, &["`dropout` must be"]);
    }
    says(&build_layer(json!({"layer": "linear", "outputs": 0})), &["encoder.0", "`outputs`", "at least 1", "found 0"]);
    says(&build_layer(json!({"layer": "linear", "outputs": 1u64 << 35})), &["`inputs` times `outputs`", "narrower"]);
    let wide = json!({"model": "sequential", "inputs": u64::MAX / 2, "layers": [{"layer": "batch_norm"}]});
    says(&build_model(wide), &["`inputs` must be at most"]);
    says(&build_layer(json!({"layer": "linear"})), &["encoder.0", "missing field `outputs`"]);
    says(&build_layer(json!({"layer": "linear", "outputs": "ten"})), &["encoder.0", "invalid type", "ten"]);
    says(&build_layer(json!({"layer": "batch_norm", "eps": 0.0})), &["`eps`", "above 0", "1e-5"]);
    says(&build_layer(json!({"layer": "batch_norm", "momentum": 1.5})), &["`momentum`", "in [0, 1]", "Keras"]);
    says(&build_layer(json!({"layer": "dropout", "p": null})), &["encoder.0", "dropout"]);
    let wider = json!({"layer": "residual", "layers": [{"layer": "linear", "outputs": 5}]});
    says(&build_layer(wider), &["residual branch", "as wide as its input (4)", "found 5"]);
    let e = Activation::from_value(&json!({"name": "elu", "alpha": -1})).unwrap_err();
    says(&e, &["`alpha` of activation `elu`", "above 0", "found -1", "default"]);
    says(&Init::from_value(&json!({"name": "he_normal", "fan": "both"})).unwrap_err(), &["one of in, out"]);
    says(&Activation::from_value(&json!(7)).unwrap_err(), &["expected a name or an object", "found 7"]);
    says(&Activation::from_value(&json!({"slope": 1})).unwrap_err(), &["needs a string `name`"]);

    let mlp = |config: MlpConfig| config.build(&mut Layout::new().scope()).map(|_| ()).unwrap_err();
    says(&mlp(Mlp::builder(2)), &["`outputs` must be at least 1"]);
    says(&mlp(Mlp::builder(0).outputs(1)), &["`inputs` must be at least 1"]);
    says(&mlp(Mlp::builder(2).hidden(&[3, 0]).outputs(1)), &["`hidden[1]` must be at least 1"]);
    says(&mlp(Mlp::builder(1).hidden(&[1; 70_000]).outputs(1)), &["`hidden` layers must be at most 65536", "70000"]);
    let few = Mlp::builder(2).hidden(&[3, 3]).outputs(1).activations(&[Activation::RELU]);
    says(&mlp(few), &["the number of `activations`", "(2)", "found 1", "output_activation"]);
    let other = ModelConfig::of(&Mlp::builder(2).outputs(1)).read::<SequentialModelConfig>().unwrap_err();
    says(&other, &["`model` must be `sequential`", "found mlp"]);
    says(&ModelConfig::from_json("{").unwrap_err(), &["configuration of a model", "EOF"]);
}

#[test]
fn a_typed_configuration_refuses_unknown_keys_too() {
    assert!(serde_json::from_str::<MlpConfig>(r#"{"inputs": 1, "outputs": 1, "depth": 3}"#).is_err());
}

#[test]
fn the_readme_names_everything_on_the_shelves() {
    let readme = include_str!("../../README.md");
    let names = activation::table().iter().map(|e| e.name);
    let names = names.chain(layer::table().iter().map(|e| e.name)).chain(loss::table().iter().map(|e| e.name));
    let names = names.chain(init::table().iter().map(|e| e.name.split('_').next().unwrap_or("")));
    for name in names.chain(model::table().iter().map(|e| e.name)) {
        assert!(readme.contains(name), "README.md does not name `{name}`");
    }
}

#[test]
fn public_types_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Mlp>();
    crosses::<MlpConfig>();
    crosses::<ModelConfig>();
    crosses::<ConfigError>();
    crosses::<Activation>();
    crosses::<Init>();
    crosses::<Box<dyn layerwise_nn_layers::AnyModule>>();
    crosses::<Box<dyn layerwise_nn_layers::AnyLoss>>();
}
