//! Laws over the tables of models.

use std::sync::Arc;

use layerwise::autograd::gradcheck::GradCheck;
use layerwise::nn::{Module, model};
use layerwise::tensor::{Layout, Mode};

use crate::ledger::{BOTH, DOUBLE, law};
use crate::support::{bits, close, in_pool, normal, output, params, report, step};

#[test]
fn every_model_has_right_gradients_and_the_same_bits_on_any_number_of_threads() {
    let mut cases = 0;
    for entry in model::table() {
        let samples = entry.sample_configs().expect("samples are configurations");
        assert!(!samples.is_empty(), "model `{}` has no sample, so no law would run over it", entry.name);
        for (inputs, config) in samples {
            let mut layout = Layout::new();
            let module = config.build(&mut layout.scope()).expect("samples build");
            let layout = Arc::new(layout);
            let name = serde_json::to_string(&config).expect("configurations are JSON");
            let report = GradCheck::new()
                .run(&params(&layout), &[normal(6, inputs, 3)], |g, x| Module::<f64>::forward(&*module, g, x[0]))
                .unwrap_or_else(|failure| panic!("{name}: {failure}"));
            law("gradient", "model").ran_to(entry.name, DOUBLE, 1, report.error);
            let (p32, p64) = (params::<f32>(&layout), params::<f64>(&layout));
            let x = normal::<f64>(5, inputs, 4);
            let single = output::<f32>(&*module, &p32, x.mapv(|v| v as f32).view(), Mode::Eval);
            let double = output::<f64>(&*module, &p64, x.view(), Mode::Eval);
            let error = close(single.as_slice().unwrap(), double.as_slice().unwrap(), 1e-4, &name);
            law("types", "model").ran_to(entry.name, BOTH, 1, error);
            let many = normal::<f32>(3000, inputs, 4);
            let run = |threads| in_pool(threads, || bits(&step::<f32>(&*module, &p32, many.view(), Mode::Train)));
            let one = run(1);
            assert!([1, 2, 3, 8].into_iter().all(|threads| run(threads) == one), "{name}");
            law("threads", "model").ran(entry.name, &["f32"], 4);
            cases += 1;
        }
    }
    report("models: gradients, agreement of f32 and f64, same bits", cases, &[]);
}

#[test]
fn a_model_survives_its_file_to_the_bit() {
    use layerwise::nn::{BuildModel, MlpConfig, SequentialModelConfig};
    use layerwise::tensor::Scalar;
    use layerwise::train::model_file;

    fn check<C: BuildModel, T: Scalar>(config: &C)
    where
        C::Model: Module<T>,
    {
        let (model, first) = config.create::<T>(4).expect("samples build");
        let p = params::<T>(first.layout());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        model_file::save(&path, config, &p).unwrap();
        let (again, read) = model_file::load::<C, T>(&path).unwrap();
        assert!(read.to_le_bytes() == p.to_le_bytes(), "{config:?}");
        let x = normal::<T>(9, config.inputs(), 5);
        let (before, after) =
            (step::<T>(&model, &p, x.view(), Mode::Train), step::<T>(&again, &read, x.view(), Mode::Train));
        assert!(bits(&before) == bits(&after), "{config:?}");
    }

    for entry in model::table() {
        for (_, config) in entry.sample_configs().expect("samples are configurations") {
            if let Ok(config) = config.read::<MlpConfig>() {
                check::<_, f32>(&config);
                check::<_, f64>(&config);
            } else {
                let config = config.read::<SequentialModelConfig>().expect("one of the two kinds");
                check::<_, f32>(&config);
                check::<_, f64>(&config);
            }
            law("file", "model").ran(entry.name, BOTH, 1);
        }
    }
}
