//! Networks learn labels that mean nothing: training and test error against the share of wrong labels.

use super::prelude::*;
use layerwise::train::{EarlyStopping, Monitor};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "memorisation",
    question: "Do networks fit labels that have nothing to do with the images, and what does that cost?",
    claim: "Deep networks have so many parameters that they memorise their training data, noise included.",
    protocol: "2 000 digits (10 000 under full) of which 0 to 100 % get a random label, drawn uniformly; 784-512-512-512-10, ReLU, He's \
               weights, SGD at 0.05 with momentum 0.9 and a rate that falls to zero along a cosine, batches of 64, 60 epochs; accuracy \
               on the training labels and on clean test images. With 40 % random labels also with dropout 0.5, and with early stopping \
               on 20 % of the rows held out, wrong labels included (patience 5 epochs).",
    anchor: Anchor {
        text: "CIFAR-10, MLP 3 x 512: true labels train 100.0 / test 52.39 %, random labels train 100.0 / test 10.48 %",
        source: "C. Zhang et al., Understanding deep learning requires rethinking generalization, ICLR 2017, Table 1",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [4.0, 240.0, 2400.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval("fits-noise", "with random labels alone the training accuracy is at least 99 %", Side::AtLeast, 0.99, |r| {
            r.mean("100 %", "train_accuracy")
        })
        .published(1.0, "Zhang et al. 2017, Table 1, CIFAR-10", Tag::V2)
        .from("Zhang et al. 2017"),
        Criterion::exact("learns-nothing", "and the mean test accuracy is within 1.5 points of 10 %", Side::AtMost, 0.015, |r| {
            r.mean("100 %", "test_accuracy").map(|e| Estimate::exact((e.value - 0.1).abs()))
        })
        .published(0.1048, "Zhang et al. 2017, Table 1, CIFAR-10", Tag::V2)
        .from("chance"),
        Criterion::exact("monotone", "the mean test accuracy falls with every step of corruption", Side::Below, 0.0, |r| {
            let means: Option<Vec<f64>> = SHARES.iter().map(|s| Some(r.mean(&name(*s), "test_accuracy")?.value)).collect();
            means?.windows(2).map(|w| w[1] - w[0]).reduce(f64::max).map(Estimate::exact)
        })
        .from("Zhang et al. 2017, Fig. 1c"),
        Criterion::exact(
            "slower",
            "random labels take between 2 and 30 times as many epochs as true ones until 99 % of the training set are right (estimate: \
             distance to that band)",
            Side::AtMost,
            0.0,
            |r| {
                let ratio = r.mean("100 %", "epochs_to_fit")?.value / r.mean("0 %", "epochs_to_fit")?.value;
                Some(Estimate::exact((2.0 - ratio).max(ratio - 30.0).max(0.0)))
            },
        )
        .from("the suite's band"),
        Criterion::interval("dropout-helps", "with 40 % random labels dropout raises the test accuracy by at least 5 points", Side::AtLeast, 0.05, |r| {
            r.difference("40 %, dropout", "40 %", "test_accuracy")
        })
        .from("the suite's bound"),
        Criterion::interval("stopping-helps", "and so does early stopping", Side::AtLeast, 0.05, |r| {
            r.difference("40 %, early stopping", "40 %", "test_accuracy")
        })
        .from("the suite's bound"),
    ],
    figures,
};

const SHARES: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    corrupted: f64,
    early: bool,
    learning: Learning,
}

fn name(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (epochs, examples) = (s.profile.pick([3, 60, 100]), s.profile.pick([500, 2_000, 10_000]));
    let learning = Learning {
        rule: momentum(0.9),
        rate: 0.05,
        cosine: true,
        batch: 64,
        ..Learning::new(&[512; 3], epochs, examples)
    };
    let of =
        |corrupted, early, dropout| Config { corrupted, early, learning: Learning { dropout, ..learning.clone() } };
    let mut all: Vec<Variant> = SHARES.iter().map(|s| Variant::new(name(*s), of(*s, false, 0.0))).collect();
    all.push(Variant::new("40 %, dropout", of(0.4, false, 0.5)));
    all.push(Variant::new("40 %, early stopping", of(0.4, true, 0.0)));
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let digits = common::digits(run)?;
    let mut train = digits.train.head(config.learning.examples);
    let stream = Stream::new(seed).child("labels");
    let mut u = vec![0.0f64; 2 * train.rows()];
    stream.uniform(0, &mut u);
    for (y, u) in train.y.iter_mut().zip(u.chunks(2)) {
        if u[0] < config.corrupted {
            *y = ((u[1] * 10.0) as u32).min(9);
        }
    }
    let rows = train.rows();
    let cut = if config.early { rows - rows / 5 } else { rows };
    let (mlp, mut params) = config.learning.network(train.cols(), 10).create::<f32>(seed)?;
    let samples = Samples::labels(train.x.slice(s![..cut, ..]), &train.y[..cut])?;
    let mut accuracies = Vec::new();
    let mut trainer = Trainer::new(&mlp, SoftmaxCrossEntropy)
        .epochs(config.learning.epochs)
        .batch(config.learning.batch)
        .seed(seed)
        .optimizer(config.learning.optimizer(cut)?);
    trainer = trainer.on_epoch(|e| {
        accuracies.push(common::accuracy(&mlp, e.params, samples.inputs(), &train.y[..cut]).unwrap_or(0.0));
        std::ops::ControlFlow::Continue(())
    });
    if config.early {
        trainer = trainer
            .validation(Samples::labels(train.x.slice(s![cut.., ..]), &train.y[cut..])?)
            .callback(EarlyStopping::new(5).monitor(Monitor::ValidationLoss).restore_best(true));
    }
    trainer.fit(&mut params, &samples)?;
    let fit = accuracies.iter().position(|a| *a >= 0.99).map_or(config.learning.epochs, |e| e + 1);
    run.curve("train", (1..=accuracies.len()).map(|e| e as f64), accuracies.iter().map(|a| 100.0 * a));
    Ok(metrics([
        ("train_accuracy", common::accuracy(&mlp, &params, samples.inputs(), &train.y[..cut])?),
        ("test_accuracy", common::accuracy(&mlp, &params, digits.test.x.view(), &digits.test.y)?),
        ("epochs_to_fit", fit as f64),
    ]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let of = |metric: &str, title: &str| {
        let values: Vec<Vec<f64>> = SHARES.iter().map(|s| r.values(&name(*s), metric)).collect();
        let seeds = values.iter().map(Vec::len).min().unwrap_or(0);
        let x = SHARES.map(|s| 100.0 * s);
        let curves: Vec<Vec<f64>> = (0..seeds).map(|s| values.iter().map(|v| 100.0 * v[s]).collect()).collect();
        Series::band(title, curves.iter().map(|c| (&x[..], &c[..])))
    };
    let by_share =
        Chart::new("Accuracy by share of random labels", Axis::new("random labels (%)"), Axis::new("accuracy (%)"));
    let epochs = Chart::new("Learning by heart", Axis::new("epoch"), Axis::new("accuracy on the training labels (%)"));
    let names = ["40 %", "40 %, dropout", "40 %, early stopping"];
    let (groups, values) = common::bars_of(r, &names, "test_accuracy", 100.0);
    let chart = Chart::new("40 % random labels", Axis::new("training"), Axis::new("test accuracy (%)"));
    Ok(vec![
        Figure::new(
            "corruption",
            "Accuracy on the labels learned and on clean test images; bands over all seeds.",
            lines(&by_share, &[of("train_accuracy", "training labels"), of("test_accuracy", "test images")]),
        )?,
        Figure::new(
            "epochs",
            "Accuracy on the training labels by epoch for true, mixed and random labels; bands over all seeds.",
            lines(&epochs, &common::bands(r, "train", |v| ["0 %", "40 %", "100 %"].contains(&v.name.as_str()))),
        )?,
        Figure::new(
            "remedies",
            "Test accuracy after learning from labels of which 40 % are random; mean over seeds with its 95 % interval.",
            bars(&chart, &groups, &["test".into()], &values),
        )?,
    ])
}
