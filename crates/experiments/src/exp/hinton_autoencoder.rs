//! The deep autoencoder of Hinton and Salakhutdinov, beside PCA.

use super::prelude::*;
use crate::baselines::Pca;
use crate::figure::{Image, Panel, images};
use layerwise::optim::{Adam, Cosine, OptimizerConfig};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "hinton-autoencoder",
    question: "How much better than PCA does a deep autoencoder with a code of 30 numbers keep digits, and does it need pretraining?",
    claim: "A deep autoencoder keeps far more than PCA with as many numbers; in 2006 it needed layerwise pretraining.",
    protocol: "784-1000-500-250-30 and back, linear code, sigmoid output, GELU, He's weights, mean squared error, Adam at 0.001 with a \
               cosine to zero, batches of 128, no pretraining: 6 epochs of 20 000 digits under quick, 100 of 60 000 under full. Squared \
               error a test image, summed over pixels. PCA with 30 components fitted on the 60 000 training images. A shallow \
               autoencoder, 784-1800-30 and back, of as many parameters beside it.",
    anchor: Anchor {
        text: "average squared error a test image: autoencoder 3.00, logistic PCA 8.01, PCA 13.87",
        source: "G. Hinton and R. Salakhutdinov, Reducing the dimensionality of data with neural networks, Science 2006, Fig. 2",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 3],
    seconds: [10.0, 240.0, 4000.0],
    grain: Grain::Tiles,
    variants,
    run,
    criteria: &[
        Criterion::exact(
            "pca",
            "PCA with 30 components has a squared error of 13.87 a test image, within 0.005",
            Side::AtMost,
            0.005,
            |r| r.mean("pca", "error").map(|e| Estimate::exact((e.value - 13.87).abs())),
        )
        .on("mnist")
        .published(13.87, "Hinton and Salakhutdinov 2006", Tag::V)
        .from("the published number to its last digit"),
        Criterion::interval(
            "quick",
            "after the quick training the deep autoencoder's error is at most 9",
            Side::AtMost,
            9.0,
            |r| r.mean("deep", "error"),
        )
        .on("mnist")
        .published(3.0, "Hinton and Salakhutdinov 2006", Tag::V)
        .from("the suite's bound for the small budget"),
        Criterion::interval("landmark", "after the full training it is at most 3.5", Side::AtMost, 3.5, |r| {
            r.mean("deep", "error")
        })
        .on("mnist")
        .under(Profile::Full)
        .published(3.0, "Hinton and Salakhutdinov 2006", Tag::V)
        .from("the suite's bound"),
        Criterion::interval("better", "and it is below the published 3.00", Side::Below, 3.0, |r| {
            r.mean("deep", "error")
        })
        .on("mnist")
        .under(Profile::Full)
        .published(3.0, "Hinton and Salakhutdinov 2006", Tag::V)
        .from("the goal"),
        Criterion::interval(
            "deep-over-shallow",
            "the deep autoencoder's error is below that of the shallow one of as many parameters",
            Side::Below,
            0.0,
            |r| r.difference("deep", "shallow", "error"),
        )
        .from("Hinton and Salakhutdinov 2006: at equal parameters deep beats shallow")
        .because("probably the quick budget: after six epochs of 20 000 digits both are far from their end."),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    hidden: Vec<usize>,
    epochs: usize,
    examples: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (epochs, examples) = (s.profile.pick([1, 6, 100]), s.profile.pick([300, 20_000, 60_000]));
    let of = |name: &str, hidden: &[usize]| Variant::new(name, Config { hidden: hidden.to_vec(), epochs, examples });
    vec![of("pca", &[]).with_seeds(1), of("deep", &[1000, 500, 250]), of("shallow", &[1800])]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    let test = digits.test.x.view();
    if v.name == "pca" {
        let all = if run.profile == Profile::Smoke { digits.train.head(1_000) } else { digits.train.head(60_000) };
        let pca = Pca::fit(all.x.mapv(f64::from).view());
        let errors = pca.errors(test.mapv(f64::from).view(), 30);
        return Ok(metrics([("error", test.ncols() as f64 * errors.mean().unwrap_or(f64::NAN))]));
    }
    let train = digits.train.head(c.examples);
    let steps = (c.epochs * train.rows().div_ceil(128)) as u64;
    let optimizer = OptimizerConfig::new(Adam::default()).rate(1e-3).schedule(Cosine::new(steps, 0.0));
    let net = pictures(&c.hidden, 30, Activation::GELU, Init::HE_NORMAL);
    let rebuilder = Rebuilding { optimizer, epochs: c.epochs, batch: 128 }.learn(&net, train.x.view(), seed)?;
    rebuilder.draw("error", run);
    if seed == 0 {
        let shown = predict(&rebuilder.model, &rebuilder.params, test.slice(s![..10, ..]), 10);
        for i in 0..10 {
            let picture = |row: &[f32]| Image::grey(28, 28, row.iter().map(|v| 1.0 - f64::from(*v)));
            run.image(&format!("{i} original"), picture(&test.row(i).to_vec()));
            run.image(&format!("{i} rebuilt"), picture(&shown.row(i).to_vec()));
        }
    }
    let parameters = rebuilder.params.trainable().len() as f64;
    Ok(metrics([
        ("error", rebuilder.error(test)?),
        ("train_error", rebuilder.error(train.x.view())?),
        ("parameters", parameters),
    ]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let (names, values) = common::bars_of(r, &["pca", "shallow", "deep"], "error", 1.0);
    let chart = Chart::new("Codes of 30 numbers", Axis::new("method"), Axis::new("squared error a test image"));
    let course = Chart::new("Training", Axis::new("epoch"), Axis::new("squared error a training image").log());
    let mut all = vec![
        Figure::new(
            "error",
            "Squared error a test image, summed over pixels; mean over seeds with its 95 % interval. Published: PCA 13.87, logistic PCA \
             8.01, autoencoder 3.00.",
            bars(&chart, &names, &["error".into()], &values),
        )?,
        Figure::new(
            "course",
            "Training error by epoch; bands over all seeds.",
            lines(&course, &common::bands(r, "error", |_| true)),
        )?,
    ];
    if let Some(first) = r.variant("deep").and_then(|v| v.first()).filter(|o| !o.images.is_empty()) {
        let row = |part: &str| {
            (0..10)
                .filter_map(|i| first.images.get(&format!("{i} {part}")))
                .map(|image| Panel { image: image.clone(), caption: String::new(), points: Vec::new() })
                .collect::<Vec<_>>()
        };
        let svg = images(
            &vec![String::new(); 2],
            &vec![String::new(); 10],
            &[row("original"), row("rebuilt")],
            "above: test images; below: rebuilt from 30 numbers",
        );
        all.push(Figure::new(
            "rebuilt",
            "The first ten test images and what the deep autoencoder makes of their codes, first seed.",
            svg,
        )?);
    }
    Ok(all)
}
