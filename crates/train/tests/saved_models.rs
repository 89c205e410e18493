//! Models through files: what is built again computes the same bits.

use layerwise_nn_layers::{Activation, BuildModel, Mlp, MlpConfig, Norm, SequentialModelConfig, SoftmaxCrossEntropy};
use layerwise_tensor::Stream;
use layerwise_train::model_file::{ModelFile, ModelWriter, ReadOptions, load, load_mlp, save};
use layerwise_train::{Samples, Trainer, predict};
use ndarray::Array2;

#[test]
fn a_trained_mlp_comes_back() {
    let mut x = Array2::<f32>::zeros((40, 5));
    Stream::new(1).normal(0, x.as_slice_mut().unwrap());
    let y: Vec<u32> = (0..40).map(|i| i % 3).collect();
    let config = Mlp::builder(5).hidden(&[7, 6]).outputs(3).norm(Norm::Batch).dropout(0.1).activation(Activation::GELU);
    let (mlp, mut params) = config.create::<f32>(1).unwrap();
    let samples = Samples::labels(x.view(), &y).unwrap();
    Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(2).fit(&mut params, &samples).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mlp.safetensors");
    save(&path, mlp.config(), &params).unwrap();
    let (again, loaded) = load_mlp::<f32>(&path).unwrap();
    assert_eq!(again.config(), mlp.config());
    assert_eq!(loaded.to_le_bytes(), params.to_le_bytes());
    assert_eq!(predict(&again, &loaded, x.view(), 8), predict(&mlp, &params, x.view(), 8));

    let file = ModelFile::open(&path, &ReadOptions::default()).unwrap();
    let names: Vec<&str> = file.names().collect();
    assert!(
        names.contains(&"0.weight") && names.contains(&"1.running_var") && names.contains(&"1.num_batches_tracked")
    );
    assert_eq!(file.shape("0.weight"), Some(&[7, 5][..]));
    let wide = ModelFile::open(&path, &ReadOptions::default().cast(true)).unwrap().build::<MlpConfig, f64>().unwrap().1;
    assert_eq!(wide.cast::<f32>().to_le_bytes(), params.to_le_bytes());
}

#[test]
fn another_kind_of_model_is_refused() {
    let (mlp, params) = Mlp::builder(2).outputs(1).create::<f32>(1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mlp.safetensors");
    save(&path, mlp.config(), &params).unwrap();
    let message = load::<SequentialModelConfig, f32>(&path).unwrap_err().to_string();
    assert!(message.contains("mlp") && message.contains("sequential"), "{message}");
    let bytes = ModelWriter::new(&serde_json::json!({"model": "mlp", "inputs": 2, "outputs": 0})).unwrap();
    let file = ModelFile::from_bytes("m", &bytes.to_bytes(&params).unwrap(), &ReadOptions::default()).unwrap();
    assert!(file.build::<MlpConfig, f32>().unwrap_err().to_string().contains("model configuration"));
}

#[test]
fn a_file_cannot_claim_a_model_larger_than_itself() {
    let (_, params) = Mlp::builder(2).outputs(1).create::<f32>(1).unwrap();
    let refusal = |hidden: Vec<usize>| {
        let config = serde_json::json!({"model": "mlp", "inputs": 2, "hidden": hidden, "outputs": 1});
        let bytes = ModelWriter::new(&config).unwrap().to_bytes(&params).unwrap();
        let file = ModelFile::from_bytes("m", &bytes, &ReadOptions::default()).unwrap();
        file.build::<MlpConfig, f32>().unwrap_err().to_string()
    };
    // A matrix of 16 TB, and a million layers: neither is ever allocated.
    let wide = refusal(vec![1 << 16, 1 << 26]);
    assert!(wide.contains("lacks it") || wide.contains("shape") || wide.contains("narrower"), "{wide}");
    assert!(refusal(vec![1; 1_000_000]).contains("more than"));
}
