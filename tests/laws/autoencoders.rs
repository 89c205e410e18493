//! Laws over the tables of autoencoders, corruptions and thresholds.

use std::sync::Arc;

use layerwise::autoencoder::anomaly::threshold;
use layerwise::autoencoder::{corruption, model};
use layerwise::autograd::gradcheck::GradCheck;
use layerwise::nn::Module;
use layerwise::tensor::{Layout, Mode, Params, Stream};
use layerwise::train::model_file;

use crate::ledger::{DOUBLE, law};
use crate::support::{bits, in_pool, normal, output, params, report, step};

#[test]
fn autoencoders_have_right_gradients_the_same_bits_and_survive_a_file() {
    let mut cases = 0;
    for kind in model::table() {
        for config in kind.sample_configs().expect("samples are configurations") {
            let mut layout = Layout::new();
            let autoencoder = config.build(&mut layout.scope()).expect("samples build");
            let layout = Arc::new(layout);
            for mode in [Mode::Train, Mode::Eval] {
                let report = GradCheck::new()
                    .mode(mode)
                    .run(&params(&layout), &[normal(5, config.inputs, 3)], |g, x| {
                        Module::<f64>::forward(&autoencoder, g, x[0])
                    })
                    .unwrap_or_else(|failure| panic!("{config:?}: {failure}"));
                law("gradient", "autoencoder").ran_to(kind.name, DOUBLE, 1, report.error);
            }
            let p = params::<f32>(&layout);
            let x = normal::<f32>(3000, config.inputs, 4);
            let run = |threads| in_pool(threads, || bits(&step::<f32>(&autoencoder, &p, x.view(), Mode::Train)));
            let one = run(1);
            assert!([1, 2, 3, 8].into_iter().all(|threads| run(threads) == one), "{config:?}");

            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("autoencoder.safetensors");
            model_file::save(&path, &config, &p).unwrap();
            let (again, read) = model_file::load::<layerwise::autoencoder::AutoencoderConfig, f32>(&path).unwrap();
            assert_eq!(read.to_le_bytes(), p.to_le_bytes(), "{config:?}");
            assert_eq!(
                output::<f32>(&again, &read, x.view(), Mode::Eval),
                output::<f32>(&autoencoder, &p, x.view(), Mode::Eval),
                "{config:?}"
            );
            law("threads", "autoencoder").ran(kind.name, &["f32"], 4);
            law("file", "autoencoder").ran(kind.name, &["f32"], 1);
            cases += 1;
        }
    }
    report("autoencoders: gradients, same bits, save and load", cases, &[]);
}

#[test]
fn a_corruption_acts_in_training_only() {
    for entry in corruption::table() {
        for (inputs, config) in entry.sample_configs().expect("samples are configurations") {
            let mut layout = Layout::new();
            let (module, outputs) =
                config.build_from(&mut layout.scope(), inputs, corruption::table()).expect("samples build");
            assert_eq!(outputs, inputs, "{config:?}");
            let nothing = Params::<f64>::init(layout, &Stream::new(0));
            let x = normal::<f64>(200, inputs, 5);
            assert_eq!(output::<f64>(&*module, &nothing, x.view(), Mode::Eval), x, "{config:?}");
            assert_ne!(output::<f64>(&*module, &nothing, x.view(), Mode::Train), x, "{config:?}");
            let report = GradCheck::new()
                .run(&nothing, &[normal(4, inputs, 6)], |g, x| Module::<f64>::forward(&*module, g, x[0]))
                .unwrap_or_else(|failure| panic!("{config:?}: {failure}"));
            law("gradient", "corruption").ran_to(entry.name, DOUBLE, 1, report.error);
            law("in training only", "corruption").ran(entry.name, DOUBLE, 1);
        }
    }
    report("corruptions act in training only", corruption::table().len(), &[]);
}

#[test]
fn a_threshold_moves_and_stretches_with_the_scores() {
    let mut scores = vec![0.0f64; 500];
    Stream::new(8).uniform(0, &mut scores);
    let moved: Vec<f64> = scores.iter().map(|s| 3.0 + 2.0 * s).collect();
    for entry in threshold::table() {
        for sample in entry.samples {
            let rule = entry.build(serde_json::from_str(sample).unwrap()).unwrap();
            let (cut, expected) = (rule.cut(&moved), 3.0 + 2.0 * rule.cut(&scores));
            assert!((cut - expected).abs() < 1e-12 * expected.abs(), "{}: {cut}, not {expected}", entry.name);
            assert!(cut >= moved.iter().copied().fold(f64::INFINITY, f64::min), "{}", entry.name);
            law("moves with the scores", "threshold").ran(entry.name, DOUBLE, 1);
        }
    }
    report("thresholds move and stretch with the scores", threshold::table().len(), &[]);
}
