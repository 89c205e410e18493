//! Trains small models and saves each beside rows and what it makes of them: `save_models FOLDER` writes `NAME.safetensors` and
//! `NAME.npz` (`x`, `y`), which `tests/parity/read_model.py` and `torch_model.py` compare.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use layerwise::nn::{AnyLoss, AnyModule, Loss, ModelConfig, Module, loss};
use layerwise::train::model_file::ModelWriter;
use layerwise::train::{Samples, Trainer, predict};
use layerwise_tensor::{DType, Layout, Params, Scalar, Stream};
use ndarray::Array2;
use ndarray_npy::{NpzWriter, WritableElement};

/// Every layer and every activation, in names and shapes that PyTorch must know.
const MODELS: [(&str, &str); 12] = [
    ("linear", r#"{"model": "mlp", "inputs": 6, "outputs": 3}"#),
    (
        "deep",
        r#"{"model": "mlp", "inputs": 6, "hidden": [32, 24, 16], "outputs": 3, "dropout": 0.1, "input_dropout": 0.1}"#,
    ),
    (
        "batch_norm",
        r#"{"model": "mlp", "inputs": 6, "hidden": [16, 16], "outputs": 3, "norm": "batch", "bias": false}"#,
    ),
    (
        "residual",
        r#"{"model": "mlp", "inputs": 6, "hidden": [12, 12, 12], "outputs": 3, "norm": "layer", "residual": true,
            "activations": ["gelu", "selu", {"name": "leaky_relu", "slope": 0.2}]}"#,
    ),
    (
        "activations",
        r#"{"model": "mlp", "inputs": 6, "hidden": [8, 8, 8, 8], "outputs": 3, "output_activation": "sigmoid",
            "activations": ["tanh", "gelu_tanh", {"name": "elu", "alpha": 0.5}, "identity"]}"#,
    ),
    (
        "sequential",
        r#"{"model": "sequential", "inputs": 6, "layers": [
            {"layer": "linear", "outputs": 10}, {"layer": "prelu", "per_channel": true},
            {"layer": "batch_norm", "eps": 0.001}, {"layer": "dropout", "p": 0.2}, {"layer": "prelu"},
            {"layer": "residual", "layers": [{"layer": "linear", "outputs": 10}, {"layer": "layer_norm", "affine": false}]},
            {"layer": "sequential", "layers": [{"layer": "activation", "activation": "relu"}]},
            {"layer": "linear", "outputs": 3, "bias": false}]}"#,
    ),
    (
        "gates_and_norms",
        r#"{"model": "sequential", "inputs": 6, "layers": [
            {"layer": "linear", "outputs": 24}, {"layer": "glu"}, {"layer": "group_norm", "groups": 3},
            {"layer": "highway", "activation": "tanh"}, {"layer": "rms_norm", "eps": 0.001}, {"layer": "gaussian_noise", "std": 0.1},
            {"layer": "swiglu"}, {"layer": "group_norm", "groups": 2, "affine": false, "eps": 0.001},
            {"layer": "drop_connect", "outputs": 8, "p": 0.2}, {"layer": "rms_norm", "affine": false},
            {"layer": "drop_connect", "outputs": 3, "p": 0.2, "bias": false}]}"#,
    ),
    (
        "residual_variants",
        r#"{"model": "sequential", "inputs": 6, "layers": [
            {"layer": "residual", "layers": [{"layer": "layer_norm"}, {"layer": "linear", "outputs": 6}], "scale": 0.5},
            {"layer": "gaussian_dropout", "p": 0.1}, {"layer": "alpha_dropout", "p": 0.1},
            {"layer": "residual", "layers": [{"layer": "linear", "outputs": 6, "init": "orthogonal"}],
                "scale": 0.25, "learned_scale": true, "skip": 0.2}]}"#,
    ),
    (
        "more_activations",
        r#"{"model": "mlp", "inputs": 6, "hidden": [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8], "outputs": 3, "norm": "layer",
            "output_activation": "log_sigmoid", "activations": ["softsign", "silu", "mish", {"name": "softplus", "beta": 2.0},
            "relu6", {"name": "celu", "alpha": 0.5}, "hardsigmoid", "hardswish", {"name": "hardtanh", "max": 2.0}, "tanhshrink",
            {"name": "hardshrink", "lambda": 0.1}, {"name": "softshrink", "lambda": 0.1},
            {"name": "threshold", "threshold": 0.1, "value": -0.5}]}"#,
    ),
    (
        "weights_and_sparsity",
        r#"{"model": "sequential", "inputs": 6, "layers": [
            {"layer": "weight_norm", "outputs": 12}, {"layer": "activity", "l1": 0.001}, {"layer": "k_sparse", "k": 4, "alpha": 1.5},
            {"layer": "spectral_norm", "outputs": 8}, {"layer": "activation", "activation": "sigmoid"},
            {"layer": "kl_sparsity", "weight": 0.01}, {"layer": "spectral_norm", "outputs": 5, "bias": false, "init": "he_normal"},
            {"layer": "residual", "layers": [{"layer": "linear", "outputs": 5}], "after": [{"layer": "layer_norm"}]},
            {"layer": "weight_norm", "outputs": 3, "bias": false}]}"#,
    ),
    (
        "residual_scale",
        r#"{"model": "mlp", "inputs": 6, "hidden": [9, 9], "outputs": 3, "residual": true, "residual_scale": 0.0}"#,
    ),
    ("one_column", r#"{"model": "mlp", "inputs": 6, "hidden": [1], "outputs": 1, "activation": "sigmoid"}"#),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: save_models FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    for (name, config) in MODELS {
        write::<f32>(&folder, name, config)?;
        write::<f64>(&folder, name, config)?;
    }
    println!("{} models in {}", 2 * MODELS.len(), folder.display());
    Ok(())
}

fn write<T: Scalar + WritableElement>(folder: &Path, name: &str, config: &str) -> Result<(), Box<dyn Error>>
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    let config = ModelConfig::from_json(config)?;
    let mut layout = Layout::new();
    let model = config.build(&mut layout.scope())?;
    let mut params = Params::<T>::init(layout, &Stream::new(1).child("init"));

    let mut x = Array2::<T>::zeros((50, 6));
    Stream::new(2).normal(0, x.as_slice_mut().ok_or("rows in order")?);
    let outputs = predict(&model, &params, x.view(), 50).ncols();
    let target = Array2::from_shape_fn((50, outputs), |(i, j)| T::of(f64::from(u8::from((i + j) % 3 == 0))));
    let mse = loss::from_value(&"mse".into())?;
    let samples = Samples::values(x.view(), target.view())?;
    // A few epochs move gains, slopes and running statistics away from where they start.
    Trainer::new(&model, mse).epochs(5).batch(16).seed(3).rate(0.02).fit(&mut params, &samples)?;

    let name = format!("{name}_{}", if T::DTYPE == DType::F32 { "f32" } else { "f64" });
    ModelWriter::new(&config)?.save(folder.join(format!("{name}.safetensors")), &params)?;
    let mut npz = NpzWriter::new(File::create(folder.join(format!("{name}.npz")))?);
    npz.add_array("x", &x)?;
    npz.add_array("y", &predict(&model, &params, x.view(), 16))?;
    npz.finish()?;
    Ok(())
}
