//! The training doctor: a zoo of broken runs, each called by its name and by no other, and healthy runs that are left in peace.

use layerwise_datasets::synthetic;
use layerwise_nn_layers::{
    Activation, AnyModule, BuildModel, Init, Loss, Mlp, MlpConfig, Mse, Norm, SoftmaxCrossEntropy,
};
use layerwise_optim::{Adam, Sgd};
use layerwise_tensor::{ParamKind, Params, Stream};
use layerwise_train::diagnostics::{Code, Finding, TrainingDoctor};
use layerwise_train::{EarlyStopping, Samples, Trainer};
use ndarray::{Array2, Axis};

/// What a run is made of; the default is healthy.
struct Run {
    network: MlpConfig,
    x: Array2<f32>,
    y: Vec<u32>,
    /// Values instead of the labels.
    values: Option<Array2<f32>>,
    validation: Option<(Array2<f32>, Vec<u32>)>,
    stop_early: bool,
    /// A change of the first parameters.
    change: fn(&mut Params<f32>),
    trainer: fn(Trainer<'_, f32>) -> Trainer<'_, f32>,
}

impl Run {
    fn on(x: Array2<f32>, y: Vec<u32>, network: MlpConfig) -> Self {
        Self {
            network,
            x,
            y,
            values: None,
            validation: None,
            stop_early: false,
            change: |_| (),
            trainer: |t| t.epochs(20),
        }
    }

    fn with(self, trainer: fn(Trainer<'_, f32>) -> Trainer<'_, f32>) -> Self {
        Self { trainer, ..self }
    }

    /// What the doctor says of this run under `seed`.
    fn findings(&self, seed: u64) -> Vec<Finding> {
        let (mlp, mut params) = self.network.create::<f32>(seed).unwrap();
        (self.change)(&mut params);
        match &self.values {
            Some(values) => {
                let samples = Samples::values(self.x.view(), values.view()).unwrap();
                self.diagnose(seed, &mlp, &Mse, Mse, &mut params, &samples)
            }
            None => {
                let samples = Samples::labels(self.x.view(), &self.y).unwrap();
                self.diagnose(seed, &mlp, &SoftmaxCrossEntropy, SoftmaxCrossEntropy, &mut params, &samples)
            }
        }
    }

    fn diagnose<'a>(
        &'a self,
        seed: u64,
        model: &'a impl AnyModule,
        loss: &'a impl Loss<f32>,
        own: impl Loss<f32> + 'a,
        params: &mut Params<f32>,
        samples: &Samples<'a, f32>,
    ) -> Vec<Finding> {
        let mut doctor = TrainingDoctor::new(model, loss, params, samples);
        let mut trainer = (self.trainer)(Trainer::new(model, own).seed(seed));
        if let Some((x, y)) = &self.validation {
            trainer = trainer.validation(Samples::labels(x.view(), y).unwrap());
        }
        if self.stop_early {
            trainer = trainer.callback(EarlyStopping::new(5));
        }
        let outcome = trainer.callback(&mut doctor).fit(params, samples);
        doctor.findings(&outcome)
    }
}

fn moons(rows: usize, seed: u64) -> (Array2<f32>, Vec<u32>) {
    let moons = synthetic::moons::<f32>(rows, 0.1, &Stream::new(seed));
    (moons.x, moons.y)
}

fn on_moons(network: MlpConfig) -> Run {
    let (x, y) = moons(400, 1);
    Run::on(x, y, network)
}

fn relu(hidden: &[usize]) -> MlpConfig {
    Mlp::builder(2).hidden(hidden).outputs(2)
}

fn tanh(hidden: &[usize]) -> MlpConfig {
    relu(hidden).activation(Activation::TANH).init(Init::GLOROT_UNIFORM)
}

fn digits() -> (Array2<f32>, Vec<u32>) {
    let digits = synthetic::digits(600, &Stream::new(3));
    (digits.x, digits.y)
}

/// Standard normal rows with labels that have nothing to do with them.
fn noise(rows: usize, cols: usize) -> (Array2<f32>, Vec<u32>) {
    let mut x = Array2::zeros((rows, cols));
    Stream::new(5).normal(0, x.as_slice_mut().unwrap());
    let mut coin = vec![0.0f64; rows];
    Stream::new(6).uniform(0, &mut coin);
    (x, coin.iter().map(|c| u32::from(*c < 0.5)).collect())
}

fn fill_biases(params: &mut Params<f32>, value: f32) {
    let layout = params.layout().clone();
    let last = layout.specs().len() - 1;
    for id in layout.ids().filter(|id| id.index() != last && layout.spec(*id).kind == ParamKind::Bias) {
        params.get_mut(id).fill(value);
    }
}

type Build = fn() -> Run;

/// Name, run, and what the doctor must find: that and nothing else.
const BROKEN: &[(&str, Build, Code)] = &[
    (
        "a second bias among the features",
        || {
            let mut run = on_moons(Mlp::builder(3).hidden(&[16]).outputs(2));
            run.x = ndarray::concatenate![Axis(1), run.x, Array2::from_elem((400, 1), 2.5)];
            run
        },
        Code::ConstantColumn,
    ),
    (
        "pixels from 0 to 255",
        || {
            let (x, y) = digits();
            Run::on(x * 255.0, y, Mlp::builder(784).hidden(&[32]).outputs(10))
        },
        Code::UnscaledInputs,
    ),
    (
        "units of another power of ten",
        || {
            let mut run = on_moons(relu(&[16]));
            run.x *= 1e-4;
            run
        },
        Code::UnscaledInputs,
    ),
    (
        "one class only",
        || {
            let mut run = on_moons(relu(&[16]));
            run.y = vec![1; 400];
            run
        },
        Code::LabelsConstant,
    ),
    (
        "one value only",
        || {
            let run = on_moons(Mlp::builder(2).hidden(&[16]).outputs(1));
            Run { values: Some(Array2::ones((400, 1))), ..run }
        },
        Code::LabelsConstant,
    ),
    ("weights of 0", || on_moons(relu(&[16, 16]).init(Init::ZEROS)), Code::InitTooSmall),
    (
        "weights of a hundredth",
        || on_moons(relu(&[64, 64, 64]).init(Init::NORMAL.with("std", 0.01).unwrap())),
        Code::InitTooSmall,
    ),
    ("standard normal weights", || on_moons(tanh(&[64, 64]).init(Init::NORMAL)), Code::InitTooLarge),
    (
        "batch norm of two rows",
        || on_moons(relu(&[16, 16]).norm(Norm::Batch)).with(|t| t.epochs(5).batch(2)),
        Code::BatchNormTinyBatch,
    ),
    (
        "biases far below zero",
        || Run { change: |p| fill_biases(p, -20.0), ..on_moons(relu(&[16, 16])) },
        Code::DeadUnits,
    ),
    ("biases far above zero", || Run { change: |p| fill_biases(p, 8.0), ..on_moons(tanh(&[16, 16])) }, Code::Saturated),
    (
        "a deep stack of sigmoids",
        || on_moons(tanh(&[32; 8]).activation(Activation::SIGMOID)).with(|t| t.epochs(3)),
        Code::VanishingGradients,
    ),
    (
        "twenty layers by the default initializer",
        || on_moons(relu(&[32; 20])).with(|t| t.epochs(3)),
        Code::VanishingGradients,
    ),
    (
        "sixty layers of batch norm without a way around",
        || on_moons(relu(&[32; 60]).norm(Norm::Batch)).with(|t| t.epochs(1).batch(64)),
        Code::ExplodingGradients,
    ),
    (
        "Adam at a rate of 3",
        || on_moons(relu(&[32, 32]).init(Init::HE_NORMAL)).with(|t| t.rule(Adam::default()).rate(3.0).epochs(20)),
        Code::RateTooHigh,
    ),
    (
        "gradient descent that blows up",
        || {
            let run = on_moons(Mlp::builder(2).hidden(&[32]).outputs(1).init(Init::HE_NORMAL));
            let values = run.x.map_axis(Axis(1), |r| 3.0 * r[0] * r[1]).insert_axis(Axis(1));
            let run = Run { values: Some(values), ..run };
            run.with(|t| t.rule(Sgd::default()).rate(5.0).epochs(20))
        },
        Code::RateTooHigh,
    ),
    ("Adam at a rate of 1e-8", || on_moons(relu(&[16])).with(|t| t.rate(1e-8).epochs(5)), Code::RateTooLow),
    (
        "a missing value",
        || {
            let mut run = on_moons(relu(&[16]));
            run.x[[123, 1]] = f32::NAN;
            run
        },
        Code::Diverged,
    ),
    (
        "labels by the toss of a coin",
        || {
            let (x, y) = noise(2000, 2);
            Run::on(x, y, relu(&[4])).with(|t| t.epochs(3))
        },
        Code::NoLearning,
    ),
    (
        "frozen parameters",
        || Run { change: |p| _ = p.set_frozen_below("", true), ..on_moons(relu(&[16])) },
        Code::NoLearning,
    ),
    (
        "a network that learns forty rows by heart",
        || {
            let (x, y) = noise(40, 20);
            let (held, held_y) = noise(240, 20);
            let held = (held.slice_move(ndarray::s![40.., ..]), held_y[40..].to_vec());
            let run = Run::on(x, y, Mlp::builder(20).hidden(&[64, 64]).outputs(2));
            Run { validation: Some(held), ..run }.with(|t| t.rate(3e-3).epochs(100))
        },
        Code::Overfitting,
    ),
];

/// Runs in which nothing is wrong.
const HEALTHY: &[(&str, Build)] = &[
    ("a shallow ReLU network", || on_moons(relu(&[32]))),
    ("a ReLU network by He", || on_moons(relu(&[64, 64, 64]).init(Init::HE_NORMAL)).with(|t| t.rate(3e-3).epochs(40))),
    ("a tanh network", || on_moons(tanh(&[32, 32]))),
    ("batch norm in batches of 32", || on_moons(relu(&[32, 32]).norm(Norm::Batch).dropout(0.2))),
    ("a deep SELU network", || {
        on_moons(relu(&[64; 12]).activation(Activation::SELU).init(Init::LECUN_NORMAL)).with(|t| t.epochs(5))
    }),
    ("a deep residual network", || {
        on_moons(relu(&[32; 16]).norm(Norm::Layer).residual(true).init(Init::HE_NORMAL)).with(|t| t.epochs(5))
    }),
    ("digits", || {
        let (x, y) = digits();
        Run::on(x, y, Mlp::builder(784).hidden(&[64]).outputs(10))
    }),
    ("regression by gradient descent", || {
        let run = on_moons(Mlp::builder(2).hidden(&[32]).outputs(1).activation(Activation::TANH));
        let values = run.x.map_axis(Axis(1), |r| r[0] * r[1]).insert_axis(Axis(1));
        Run { values: Some(values), ..run }.with(|t| t.rule(Sgd::default()).rate(0.1).epochs(60))
    }),
    ("an autoencoder", || {
        let (x, _) = digits();
        let network = Mlp::builder(784).hidden(&[64, 16, 64]).outputs(784).init(Init::GLOROT_UNIFORM);
        Run { values: Some(x.clone()), ..Run::on(x, Vec::new(), network) }
    }),
    ("early stopping", || {
        let held = moons(200, 2);
        let run = Run { validation: Some(held), stop_early: true, ..on_moons(relu(&[64])) };
        run.with(|t| t.rate(0.01).epochs(100))
    }),
];

/// Seeds of first values and of training.
const SEEDS: [u64; 2] = [1, 4];

fn told(findings: &[Finding]) -> String {
    findings.iter().map(|f| format!("\n    {f}")).collect()
}

#[test]
fn each_broken_run_is_called_by_its_name() {
    let mut wrong = String::new();
    for ((name, run, expected), seed) in BROKEN.iter().flat_map(|run| SEEDS.map(|seed| (run, seed))) {
        let findings = run().findings(seed);
        let codes: Vec<Code> = findings.iter().map(|f| f.code).collect();
        if codes != [*expected] {
            wrong += &format!("\n{name}, seed {seed}: {expected} expected, found{}", told(&findings));
        }
        for finding in &findings {
            assert!(!finding.evidence.is_empty() && !finding.remedy.is_empty());
            let text = serde_json::to_string(finding).unwrap();
            assert!(
                text.contains(&format!("\"{}\"", finding.code)) || finding.evidence.iter().any(|e| !e.1.is_finite())
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Targets that do not count may be anything, also no number, and say nothing about those that do.
#[test]
fn masked_targets_are_not_looked_at() {
    let (x, _) = moons(100, 1);
    let mut values = x.map_axis(Axis(1), |r| r[0] * r[1]).insert_axis(Axis(1));
    let mut mask = Array2::ones((100, 1));
    for i in (0..100).step_by(3) {
        (values[[i, 0]], mask[[i, 0]]) = (f32::NAN, 0.0);
    }
    let (mlp, first) = Mlp::builder(2).hidden(&[32]).outputs(1).create::<f32>(1).unwrap();
    let examine = |values: &Array2<f32>| {
        let samples = Samples::values(x.view(), values.view()).unwrap().mask(mask.view()).unwrap();
        let mut params = first.clone();
        let mut doctor = TrainingDoctor::new(&mlp, &Mse, &params, &samples);
        let outcome = Trainer::new(&mlp, Mse).epochs(40).callback(&mut doctor).fit(&mut params, &samples);
        doctor.findings(&outcome).iter().map(|f| f.code).collect::<Vec<_>>()
    };
    assert_eq!(examine(&values), []);
    values.mapv_inplace(|v| if v.is_nan() { v } else { 0.5 });
    assert_eq!(examine(&values), [Code::LabelsConstant]);
}

#[test]
fn every_finding_has_a_run_that_shows_it() {
    for code in Code::ALL {
        assert!(BROKEN.iter().any(|(_, _, c)| c == code), "{code}");
    }
}

#[test]
fn healthy_runs_are_left_in_peace() {
    let mut wrong = String::new();
    for ((name, run), seed) in HEALTHY.iter().flat_map(|run| SEEDS.map(|seed| (run, seed))) {
        let findings = run().findings(seed);
        if !findings.is_empty() {
            wrong += &format!("\n{name}, seed {seed}:{}", told(&findings));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
