//! A deep network on all of MNIST.

use super::common::{self, DIGITS};
use crate::criterion::{Criterion, Kind, Published, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, Image, Panel, heat_map, images, lines};
use crate::results::Results;
use crate::stats;
use layerwise::nn::{BuildModel, Init, Mlp, SoftmaxCrossEntropy};
use layerwise::optim::Cosine;
use layerwise::tensor::ndarray::s;
use layerwise::train::metrics::{ConfusionMatrix, Metric, accuracy, classify};
use layerwise::train::{Samples, Trainer, predict};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "mnist-mlp",
    question: "How well does a deep multilayer perceptron read handwritten digits?",
    claim: "A network of rectifiers with dropout makes about 1.25 % errors on MNIST; without dropout 1.6 %.",
    protocol: "784-512-512-10, ReLU, He weights, dropout 0.2 on the input and 0.3 on the hidden layers, Adam at 0.001 with a \
               cosine to zero, 28 epochs, batches of 128, softmax cross-entropy; pixels in [0, 1], nothing else done to them. \
               Dropout and epochs were chosen on the last 5 000 training images, with another seed; the reported runs train on the \
               first 55 000, watch those 5 000, and look at the test set once, at the end.",
    anchor: Anchor {
        text: "dropout 3 x 1024 ReLU 1.25 % error, standard 2 x 800 logistic 1.60 %",
        source: "N. Srivastava et al., Dropout, JMLR 15, 2014, Table 2",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: true,
    seeds: [1, 3, 5],
    seconds: [4.0, 180.0, 700.0],
    grain: Grain::Tiles,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "accuracy",
            statement: "the mean test accuracy on MNIST is at least 98.3 %",
            threshold: 0.983,
            side: Side::AtLeast,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: Some("mnist"),
            published: Some(Published {
                value: 0.9875,
                source: "Srivastava et al. 2014, dropout 3 x 1024 ReLU",
                tag: Tag::V2,
            }),
            source: "between the standard network (98.4 %) and what a first implementation may lose",
            cause: "",
            estimate: |r| r.mean("dropout", "test_accuracy"),
        },
        Criterion {
            id: "interval",
            statement: "the 95 % interval of the test accuracy over the seeds lies above 98.0 %",
            threshold: 0.98,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: Some("mnist"),
            published: None,
            source: "no seed may be an accident",
            cause: "",
            estimate: |r| r.mean("dropout", "test_accuracy"),
        },
        Criterion {
            id: "drawn",
            statement: "on whatever digits are at hand the test accuracy is above 95 %",
            threshold: 0.95,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "a sanity check that also decides without data",
            cause: "",
            estimate: |r| r.mean("dropout", "test_accuracy"),
        },
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    hidden: Vec<usize>,
    dropout: f64,
    input_dropout: f64,
    batch: usize,
    rate: f64,
    epochs: usize,
    /// Training images at most.
    examples: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let config = Config {
        hidden: vec![512, 512],
        dropout: 0.3,
        input_dropout: 0.2,
        batch: 128,
        rate: 1e-3,
        epochs: s.profile.pick([2, 28, 60]),
        examples: s.profile.pick([4_000, 60_000, 60_000]),
    };
    vec![Variant::new("dropout", config)]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let digits = common::digits(run)?;
    let rows = digits.train.rows().min(config.examples);
    let cut = rows - rows / 12;
    let part = |from: usize, to: usize| (digits.train.x.slice(s![from..to, ..]), &digits.train.y[from..to]);
    let ((x, y), (watch_x, watch_y)) = (part(0, cut), part(cut, rows));

    let net = Mlp::builder(x.ncols()).hidden(&config.hidden).outputs(10).init(Init::HE_NORMAL);
    let (mlp, mut params) = net.dropout(config.dropout).input_dropout(config.input_dropout).create(seed)?;
    let steps = (config.epochs * cut.div_ceil(config.batch)) as u64;
    let mut lines = Vec::new();
    let report = Trainer::new(&mlp, SoftmaxCrossEntropy)
        .epochs(config.epochs)
        .batch(config.batch)
        .seed(seed)
        .rate(config.rate)
        .schedule(Cosine::new(steps, 0.0))
        .validation(Samples::labels(watch_x, watch_y)?)
        .metric(Metric::parse("accuracy")?)
        .on_epoch(|e| {
            lines.push((e.record.epoch as u64, e.record.loss, e.record.metric("accuracy").unwrap_or(f64::NAN)));
            ControlFlow::Continue(())
        })
        .fit(&mut params, &Samples::labels(x, y)?)?;
    for (epoch, loss, held) in &lines {
        run.log(*epoch, &[("train_loss", *loss), ("validation_accuracy", *held)]);
    }
    let epochs = || (1..=config.epochs).map(|e| e as f64);
    run.curve("loss", epochs(), report.history.losses());
    run.curve("validation", epochs(), lines.iter().map(|l| 100.0 * l.2));

    let outputs = predict(&mlp, &params, digits.test.x.view(), 512);
    let predicted = classify(outputs.view())?;
    let confusion = ConfusionMatrix::new(10, &predicted, &digits.test.y)?;
    for actual in 0..10 {
        run.curve(&format!("row {actual}"), (0..10).map(f64::from), (0..10).map(|p| confusion.count(actual, p) as f64));
    }
    let missed = (0..predicted.len()).filter(|i| predicted[*i] != digits.test.y[*i]).take(20);
    for (place, i) in missed.enumerate() {
        let pixels = digits.test.x.row(i).to_vec();
        let image = Image::grey(28, 28, pixels.into_iter().map(|v| 1.0 - f64::from(v)));
        run.image(&format!("missed {place:02} {} as {}", digits.test.y[i], predicted[i]), image);
    }
    let held = lines.last().map_or(0.0, |l| l.2);
    Ok(metrics([("test_accuracy", accuracy(&predicted, &digits.test.y)?), ("validation_accuracy", held)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let chart = |title, y: Axis| Chart::new(title, Axis::new("epoch"), y);
    let loss = chart("Training loss", Axis::new("loss (nats), with dropout").log());
    let held = chart("Accuracy on held-out training images", Axis::new("accuracy (%)"));
    let mut all = vec![
        Figure::new(
            "accuracy",
            "Accuracy on the 5 000 images that were watched; band over all seeds.",
            lines(&held, &common::bands(r, "validation", |_| true)),
        )?,
        Figure::new(
            "loss",
            "Training loss by epoch; band over all seeds.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
    ];
    let Some(first) = r.variants.first().and_then(|v| v.first()) else {
        return Ok(all);
    };
    let digits: Vec<String> = (0..10).map(|d| d.to_string()).collect();
    let row = |actual: usize| first.curves.get(&format!("row {actual}")).map(|c| c.y.clone()).unwrap_or(vec![0.0; 10]);
    // Errors only: the diagonal would drown them.
    let errors =
        |actual: usize| row(actual).iter().enumerate().map(|(p, n)| if p == actual { 0.0 } else { *n }).collect();
    let confusion: Vec<Vec<f64>> = (0..10).map(errors).collect();
    let mean = stats::mean(&r.values("dropout", "test_accuracy"));
    let chart = Chart::new("Errors by digit, first seed", Axis::new("read as"), Axis::new("digit"));
    let caption = format!(
        "Test images by digit and by what the network read, errors only. Mean accuracy over the seeds {:.2} %.",
        100.0 * mean
    );
    all.push(Figure::new("errors", caption, heat_map(&chart, &digits, &digits, &confusion, "images"))?);
    let panels: Vec<(String, Panel)> = first
        .images
        .iter()
        .filter_map(|(name, image)| {
            let words = name.split_once(' ')?.1.split_once(' ')?.1;
            Some((words.to_string(), Panel { image: image.clone(), caption: words.into(), points: Vec::new() }))
        })
        .collect();
    let rows: Vec<Vec<Panel>> = panels.chunks(10).map(|c| c.iter().map(|(_, p)| p.clone()).collect()).collect();
    let names = vec![String::new(); rows.len()];
    let columns = vec![String::new(); rows.first().map_or(0, Vec::len)];
    let svg = images(&names, &columns, &rows, "digit as read by the network");
    all.push(Figure::new("missed", "Test images that the first seed's network misread.", svg)?);
    Ok(all)
}
