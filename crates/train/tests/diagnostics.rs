//! Recorders and Jacobians: what they see, that they change nothing, and what they cost.

use layerwise_autograd::Tape;
use layerwise_datasets::synthetic;
use layerwise_nn_layers::{
    Activation, ActivationConfig, BuildModel, Init, LinearConfig, Mlp, Module, Norm, SequentialModelConfig,
    SoftmaxCrossEntropy,
};
use layerwise_tensor::{Mode, ParamKind, Params, Stream};
use layerwise_train::diagnostics::{Recorder, jacobian_singular_values};
use layerwise_train::{Samples, Trainer};
use ndarray::{Array2, array};

#[test]
fn a_recorder_leaves_no_trace_in_the_bits() {
    let moons = synthetic::moons::<f32>(200, 0.1, &Stream::new(1));
    let samples = Samples::labels(moons.x.view(), &moons.y).unwrap();
    let (mlp, first) = Mlp::builder(2).hidden(&[16]).outputs(2).norm(Norm::Batch).dropout(0.3).create(1).unwrap();
    let fit = |recorder: Option<&mut Recorder<'_, f32>>| {
        let mut params = first.clone();
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(5).seed(4);
        let trainer = match recorder {
            Some(recorder) => trainer.callback(recorder),
            None => trainer,
        };
        trainer.fit(&mut params, &samples).unwrap();
        params.to_le_bytes()
    };
    let mut recorder = Recorder::new(&mlp, &SoftmaxCrossEntropy, &samples).every(3).jacobian(2);
    assert_eq!(fit(None), fit(Some(&mut recorder)));
    let steps: Vec<u64> = recorder.snapshots().iter().map(|s| s.step).collect();
    // 5 epochs of 7 batches: after 1, 2, 4, 8 and 16 steps, and after every third.
    assert_eq!(steps, [1, 2, 3, 4, 6, 8, 9, 12, 15, 16, 18, 21, 24, 27, 30, 33]);
    assert!(recorder.snapshots()[1..].iter().all(|s| s.layers[0].update_ratio.is_some_and(|r| r > 0.0 && r < 1.0)));
    assert_eq!(recorder.jacobians().len(), 16);
}

/// The price of looking is counted, not timed: rows through the model, and values that are sorted, in units of those of the training.
#[test]
fn looking_every_hundred_steps_costs_less_than_three_percent() {
    let moons = synthetic::moons::<f32>(640, 0.1, &Stream::new(1));
    let samples = Samples::labels(moons.x.view(), &moons.y).unwrap();
    let (mlp, mut params) = Mlp::builder(2).hidden(&[8]).outputs(2).create(1).unwrap();
    let mut recorder = Recorder::new(&mlp, &SoftmaxCrossEntropy, &samples);
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(50).batch(32);
    let report = trainer.callback(&mut recorder).fit(&mut params, &samples).unwrap();
    let cost = recorder.cost();
    assert_eq!((cost.steps, report.steps), (1000, 1000));
    assert_eq!(cost.looks, 15, "10 of every hundredth, 5 early ones");
    assert_eq!(cost.rows, 15 * 32);
    let rows = 50 * 640;
    assert!((cost.rows as f64) < 0.03 * rows as f64, "{} of {rows} rows", cost.rows);
    // Values and gradients of both layers, row by row: as many as the training itself writes for so many rows, no more.
    assert_eq!(cost.elements, cost.rows * 2 * (8 + 2));
}

#[test]
fn statistics_are_those_of_the_tape() {
    let x = array![[1.0, -1.0], [2.0, 0.5], [-3.0, 0.25]];
    let samples = Samples::labels(x.view(), &[0, 1, 0]).unwrap();
    let network = Mlp::builder(2).hidden(&[5]).outputs(2).activation(Activation::TANH);
    let (mlp, params) = network.create::<f64>(3).unwrap();
    let mut recorder = Recorder::new(&mlp, &SoftmaxCrossEntropy, &samples);
    let look = recorder.look(&params, 0).clone();
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    let input = g.input(x.view());
    mlp.forward(&mut g, input);
    let hidden = tape.value(tape.find("0").unwrap()).unwrap();
    let layer = &look.layers[0];
    assert_eq!((layer.path.as_str(), layer.op.as_str(), layer.outputs), ("0", "linear_act", 5));
    assert_eq!((layer.activation.as_deref(), layer.weight.as_deref()), (Some("tanh"), Some("0.weight")));
    let mean = hidden.mean().unwrap();
    assert!((layer.values.mean - mean).abs() < 1e-15);
    assert!((layer.values.variance - hidden.mapv(|v| (v - mean).powi(2)).mean().unwrap()).abs() < 1e-15);
    let smallest = hidden.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(layer.values.quantiles[0], smallest);
    // f' = 1 - y² below a twentieth.
    let flat = hidden.iter().filter(|y| 1.0 - **y * **y < 0.05).count();
    assert!((layer.saturated - flat as f64 / 15.0).abs() < 1e-15);
    // The gradient of the mean cross-entropy sums to zero over the classes of a row.
    assert!(look.layers[1].gradients.unwrap().mean.abs() < 1e-15);
}

/// The largest share of dead outputs, where three of eight can never be above 0.
fn dead(model: &impl Module<f32>, params: &mut Params<f32>) -> f64 {
    let layout = params.layout().clone();
    let bias = layout.ids().find(|id| layout.spec(*id).kind == ParamKind::Bias).unwrap();
    params.get_mut(bias)[..3].fill(-1e3);
    params.get_mut(bias)[3..].fill(1e3);
    let x = array![[1.0f32, 2.0], [0.5, 3.0]];
    let samples = Samples::labels(x.view(), &[0, 1]).unwrap();
    let mut recorder = Recorder::new(model, &SoftmaxCrossEntropy, &samples);
    recorder.look(params, 0).layers.iter().map(|l| l.dead).fold(0.0, f64::max)
}

#[test]
fn dead_outputs_are_counted_fused_and_apart() {
    let (mlp, mut params) = Mlp::builder(2).hidden(&[8]).outputs(2).create::<f32>(1).unwrap();
    assert_eq!(dead(&mlp, &mut params), 0.375);
    let layers = SequentialModelConfig::new(2)
        .then(&LinearConfig::new(8))
        .then(&ActivationConfig::new(Activation::RELU))
        .then(&LinearConfig::new(2));
    let (sequential, mut params) = layers.create::<f32>(1).unwrap();
    assert_eq!(dead(&sequential, &mut params), 0.375);
}

/// Central differences with step `h` err by `h² f''' / 6` and by `eps / h`: 1e-9 at `h = 1e-5` for values and derivatives near 1.
#[test]
fn jacobians_agree_with_differences() {
    let network = Mlp::builder(3).hidden(&[6, 5]).outputs(2).activation(Activation::TANH).init(Init::GLOROT_NORMAL);
    let (mlp, params) = network.create::<f64>(5).unwrap();
    let x = array![[0.3, -0.2, 0.9], [1.0, 0.1, -0.4]];
    let values = jacobian_singular_values(&mlp, &params, x.view());
    let h = 1e-5;
    for (row, values) in x.outer_iter().zip(&values) {
        let mut jacobian = Array2::<f64>::zeros((2, 3));
        for j in 0..3 {
            let moved = |by: f64| {
                let mut x = row.to_owned().insert_axis(ndarray::Axis(0));
                x[[0, j]] += by;
                layerwise_train::predict(&mlp, &params, x.view(), 1).row(0).to_owned()
            };
            jacobian.column_mut(j).assign(&((moved(h) - moved(-h)) / (2.0 * h)));
        }
        // Two singular values: their squares have the sum and the product of the eigenvalues of J Jᵀ.
        let gram = jacobian.dot(&jacobian.t());
        let (trace, det) = (gram[[0, 0]] + gram[[1, 1]], gram[[0, 0]] * gram[[1, 1]] - gram[[0, 1]] * gram[[1, 0]]);
        assert_eq!(values.len(), 2);
        let squares = [values[0] * values[0], values[1] * values[1]];
        assert!((squares[0] + squares[1] - trace).abs() < 1e-8);
        assert!((squares[0] * squares[1] - det).abs() < 1e-8);
    }
}
