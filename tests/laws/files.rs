//! What is written and read back is the same, to the bit: configurations of every shelf, and layers with their numbers.

use std::sync::Arc;

use layerwise::autoencoder::anomaly::threshold;
use layerwise::autoencoder::corruption;
use layerwise::nn::{Activation, Init, LayerConfig, Module, SequentialModelConfig, activation, init, layer};
use layerwise::optim::{OptimizerConfig, StateMeta, constraint, rule, schedule};
use layerwise::tensor::{Gradients, Layout, Mode, ParamKind, Params, Scalar, Stream};
use layerwise::train::model_file;

use crate::ledger::{BOTH, DOUBLE, law};
use crate::support::{bits, normal, output, params};

#[test]
fn a_layer_survives_a_file_with_its_numbers() {
    fn check<T: Scalar>(inputs: usize, config: &LayerConfig)
    where
        layerwise::nn::layer::Sequential: Module<T>,
    {
        let mut model = SequentialModelConfig::new(inputs);
        model.layers.push(config.clone());
        let mut layout = Layout::new();
        let built = layerwise::nn::BuildModel::build_model(&model, &mut layout.scope()).expect("samples build");
        let p = params::<T>(&Arc::new(layout));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layer.safetensors");
        model_file::save(&path, &model, &p).unwrap();
        let (again, read) = model_file::load::<SequentialModelConfig, T>(&path).unwrap();
        assert!(read.to_le_bytes() == p.to_le_bytes(), "{config:?}");
        let x = normal::<T>(9, inputs, 5);
        for mode in [Mode::Train, Mode::Eval] {
            let (before, after) = (output::<T>(&built, &p, x.view(), mode), output::<T>(&again, &read, x.view(), mode));
            assert!(bits(before.as_slice().unwrap()) == bits(after.as_slice().unwrap()), "{config:?}");
        }
    }
    for entry in layer::table() {
        for (inputs, config) in entry.sample_configs().expect("samples are configurations") {
            check::<f32>(inputs, &config);
            check::<f64>(inputs, &config);
            law("file", "layer").ran(entry.name, BOTH, 1);
        }
    }
}

#[test]
fn activations_and_initializers_read_back_as_themselves() {
    for entry in activation::table() {
        let text = serde_json::to_string(&Activation::new(entry)).unwrap();
        assert_eq!(serde_json::from_str::<Activation>(&text).unwrap(), Activation::new(entry));
        law("file", "activation").ran(entry.name, DOUBLE, 1);
    }
    let drawn = |init: Init| {
        let mut layout = Layout::new();
        layout.scope().param("weight", ParamKind::Weight, 17, 13, init);
        Params::<f64>::init(layout, &Stream::new(3)).to_le_bytes()
    };
    for entry in init::table() {
        let text = serde_json::to_string(&Init::new(entry)).unwrap();
        assert!(drawn(serde_json::from_str(&text).unwrap()) == drawn(Init::new(entry)), "{text}");
        law("file", "init").ran(entry.name, DOUBLE, 1);
    }
}

#[test]
fn corruptions_and_thresholds_read_back_as_themselves() {
    for entry in corruption::table() {
        for (inputs, config) in entry.sample_configs().expect("samples are configurations") {
            let text = serde_json::to_string(&config).unwrap();
            let corrupted = |config: &LayerConfig| {
                let mut layout = Layout::new();
                let built = config.build_from(&mut layout.scope(), inputs, corruption::table()).expect("samples build");
                let p = Params::<f64>::init(layout, &Stream::new(0));
                output::<f64>(&*built.0, &p, normal(20, inputs, 5).view(), Mode::Train)
            };
            assert_eq!(corrupted(&serde_json::from_str(&text).unwrap()), corrupted(&config), "{text}");
            law("file", "corruption").ran(entry.name, DOUBLE, 1);
        }
    }
    let mut scores = vec![0.0f64; 500];
    Stream::new(8).uniform(0, &mut scores);
    for entry in threshold::table() {
        for sample in entry.samples {
            let rule = entry.build(serde_json::from_str(sample).unwrap()).unwrap();
            let again = threshold::parse(&serde_json::to_value(&rule).unwrap()).unwrap();
            assert!(again.cut(&scores).to_bits() == rule.cut(&scores).to_bits(), "{} {sample}", entry.name);
            law("file", "threshold").ran(entry.name, DOUBLE, 1);
        }
    }
}

#[test]
fn a_rule_goes_on_from_its_state_as_if_it_had_not_stopped() {
    fn check<T: Scalar>(config: &OptimizerConfig) {
        let text = serde_json::to_string(config).unwrap();
        let config: OptimizerConfig = serde_json::from_str(&text).unwrap();
        let mut layout = Layout::new();
        let id = layout.scope().param("weight", ParamKind::Weight, 30, 20, Init::HE_NORMAL);
        let mut straight = Params::<T>::init(layout, &Stream::new(1));
        let mut grads = Gradients::new(&straight);
        let mut first = config.build(&straight).unwrap();
        let draw = |grads: &mut Gradients<T>, t: u64| {
            grads.clear();
            let mut drawn = vec![0.0f64; 600];
            Stream::new(2).at(t).normal(0, &mut drawn);
            grads.slot(id).0.iter_mut().zip(&drawn).for_each(|(g, d)| *g = T::of(*d));
        };
        for t in 0..5 {
            draw(&mut grads, t);
            first.step(&mut straight, &mut grads);
        }
        let meta = serde_json::to_string(&first.state_meta()).unwrap();
        let tensors: std::collections::BTreeMap<String, Vec<T>> =
            first.state_tensors().map(|t| (t.name, t.values.to_vec())).collect();
        let mut resumed = straight.clone();
        let mut second = config.build(&resumed).unwrap();
        let meta: StateMeta = serde_json::from_str(&meta).unwrap();
        second.load_state(&meta, |name| tensors.get(name).map(Vec::as_slice)).unwrap();
        for t in 5..10 {
            draw(&mut grads, t);
            first.step(&mut straight, &mut grads);
            draw(&mut grads, t);
            second.step(&mut resumed, &mut grads);
        }
        assert!(straight.to_le_bytes() == resumed.to_le_bytes(), "{text}");
    }
    for entry in rule::table() {
        for sample in entry.samples() {
            let config = OptimizerConfig::new(sample.rule).rate(sample.rate);
            check::<f32>(&config);
            check::<f64>(&config);
            law("file", "rule").ran(entry.name, BOTH, 1);
        }
    }
}

#[test]
fn schedules_and_constraints_read_back_as_themselves() {
    for entry in schedule::table() {
        for sample in entry.samples() {
            let again = schedule::from_config(&sample.config()).unwrap();
            assert!((0..300).all(|s| again.factor(s) == sample.factor(s) && again.momentum(s) == sample.momentum(s)));
            law("file", "schedule").ran(entry.name, DOUBLE, 1);
        }
    }
    for entry in constraint::table() {
        for sample in entry.samples() {
            let text = serde_json::to_value(&sample).unwrap();
            let again = constraint::from_config(&text).unwrap();
            let projected = |c: &constraint::SharedConstraint| {
                let mut w: Vec<f64> = normal::<f64>(30, 20, 3).into_iter().collect();
                constraint::project(&**c, &mut w, &mut [0.0; 20]);
                w
            };
            assert_eq!(projected(&again), projected(&sample), "{text}");
            law("file", "constraint").ran(entry.name, DOUBLE, 1);
        }
    }
}
