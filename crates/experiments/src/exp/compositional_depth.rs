//! Depth on composed input, by the number of examples, with controls in which nothing is composed.

use super::hierarchy::{Hierarchy, by_teacher};
use super::prelude::*;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "compositional-depth",
    question: "When does depth pay: for which data, and from how many examples on?",
    claim: "Where the input is composed of parts, deeper is better than wider.",
    protocol: "The random hierarchy (8 classes, 8 symbols, 4 productions of 2 symbols, 3 levels), strings of 8 symbols, one-hot; 1 024, \
               4 096 and 16 384 examples; 1 hidden layer of 1200 units, 3 of 256, 5 of 256, ReLU, He's weights, Adam at 0.001 with a \
               cosine, batches of 128, 5 000 steps each (20 000 under full) whatever the number of examples. Control: 16 384 of the same \
               strings labelled by a random linear teacher. Test: 8 192 fresh strings.",
    anchor: Anchor {
        text: "a deep network needs about n_c m^L = 512 examples, a shallow one n_c m^((d-1)/(s-1)); at 16 384 examples \
               8.4 % with 1 x 1200, 1.6 % with 3 x 256, 1.1 % with 5 x 256; at 4 096 about 40 % for all",
        source: "F. Cagnetta et al., PRX 14:031001, 2024; errors recomputed",
        tag: Tag::R,
    },
    data: &[],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [6.0, 480.0, 2400.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "gain-with-enough",
            "with 16 384 examples the error with one hidden layer is more than 3 points above that with three",
            Side::Above,
            0.03,
            |r| r.difference("hierarchy 16384, 1 layer", "hierarchy 16384, 3 layers", "error"),
        )
        .from("recomputed anchor: 8.4 % against 1.6 %"),
        Criterion::interval(
            "no-gain-with-few",
            "with 1 024 examples three layers are less than 3 points better than one",
            Side::Below,
            0.03,
            |r| r.difference("hierarchy 1024, 1 layer", "hierarchy 1024, 3 layers", "error"),
        )
        .from("below the number of examples the rules need, nobody can learn them"),
        Criterion::interval(
            "control",
            "with a linear teacher three layers are less than 1 point better than one",
            Side::Below,
            0.01,
            |r| r.difference("teacher 16384, 1 layer", "teacher 16384, 3 layers", "error"),
        )
        .from("without composition depth must not help"),
    ],
    figures,
};

const EXAMPLES: [usize; 3] = [1_024, 4_096, 16_384];
const NETS: [(&str, usize, usize); 3] = [("1 layer", 1, 1200), ("3 layers", 3, 256), ("5 layers", 5, 256)];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    depth: usize,
    width: usize,
    examples: usize,
    steps: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let steps = s.profile.pick([100, 5_000, 20_000]);
    let mut all = Vec::new();
    let mut add = |task: &str, examples| {
        for (name, depth, width) in NETS {
            all.push(Variant::new(format!("{task} {examples}, {name}"), Config { depth, width, examples, steps }));
        }
    };
    EXAMPLES.into_iter().for_each(|n| add("hierarchy", n));
    add("teacher", 16_384);
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let stream = Stream::new(seed).child("compositional-depth");
    let rules = Hierarchy::new(&stream.child("rules"));
    let draw = |n, part| {
        let strings = rules.draw(n, &stream.child(part));
        if v.name.starts_with("teacher") { by_teacher(strings, &stream.child("teacher")) } else { strings }
    };
    let (train, test) = (draw(config.examples, "train"), draw(8_192, "test"));
    let epochs = config.steps.div_ceil(train.rows().div_ceil(128));
    let learning = Learning { cosine: true, ..Learning::new(&vec![config.width; config.depth], epochs, train.rows()) };
    let learned = learning.learn(&train, seed)?;
    for (e, loss) in learned.losses.iter().enumerate() {
        run.log(e as u64 + 1, &[("loss", *loss)]);
    }
    let parameters = learned.params.trainable().len();
    Ok(metrics([
        ("error", learned.error(&test)?),
        ("train_loss", learned.loss(&train)?),
        ("parameters", parameters as f64),
    ]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let series: Vec<Series> = NETS
        .iter()
        .map(|(name, ..)| {
            let of = |n: &usize| r.values(&format!("hierarchy {n}, {name}"), "error");
            let seeds = EXAMPLES.iter().map(|n| of(n).len()).min().unwrap_or(0);
            let x = EXAMPLES.map(|n| n as f64);
            let curves: Vec<Vec<f64>> =
                (0..seeds).map(|s| EXAMPLES.iter().map(|n| 100.0 * of(n)[s]).collect()).collect();
            Series::band(*name, curves.iter().map(|c| (&x[..], &c[..])))
        })
        .collect();
    let chart = Chart::new("Random hierarchy", Axis::new("training examples").log(), Axis::new("test error (%)"));
    let names: Vec<String> = ["hierarchy", "linear teacher"].map(String::from).into();
    let values: Vec<Vec<(f64, f64)>> = ["hierarchy", "teacher"]
        .iter()
        .map(|t| NETS.iter().map(|(n, ..)| common::bar(r, &format!("{t} 16384, {n}"), "error", 100.0)).collect())
        .collect();
    let bar = Chart::new("16 384 examples", Axis::new("labels"), Axis::new("test error (%)"));
    let nets: Vec<String> = NETS.iter().map(|(n, ..)| (*n).to_string()).collect();
    Ok(vec![
        Figure::new(
            "by-examples",
            "Test error on the random hierarchy by the number of training examples; bands over all seeds. Depth pays once there are enough.",
            lines(&chart, &series),
        )?,
        Figure::new(
            "control",
            "The same strings with composed labels and with those of a random linear teacher; mean over seeds with its 95 % interval.",
            bars(&bar, &names, &nets, &values),
        )?,
    ])
}
