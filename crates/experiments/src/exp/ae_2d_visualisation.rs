//! Codes of two numbers: maps of the digits by an autoencoder and by PCA.

use super::prelude::*;
use crate::baselines::Pca;
use layerwise::optim::{Adam, Cosine, OptimizerConfig};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "ae-2d-visualisation",
    question: "Does a deep autoencoder with a code of two numbers separate the classes better than PCA?",
    claim: "Two-dimensional codes of a deep autoencoder show the classes; the first two principal components mix them.",
    protocol: "784-500-250-100-2 and back (784-1000-500-250-2 under full), linear code, sigmoid output, GELU, He's weights, mean squared \
               error, Adam at 0.001 with a cosine, batches of 128, 15 epochs of 20 000 digits (100 of 60 000 under full); labels unseen. \
               Accuracy of the 5 nearest of 10 000 training codes on 5 000 test codes; the same with the first two principal components \
               of 60 000 images.",
    anchor: Anchor {
        text: "784-1000-500-250-2 separates the digits visibly better than PCA; with 10 000 references 5 neighbours in the PCA plane are \
               right for 41.9 %",
        source: "G. Hinton and R. Salakhutdinov, Science 2006, Fig. 3; accuracy recomputed",
        tag: Tag::R,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 3],
    seconds: [8.0, 180.0, 5400.0],
    grain: Grain::Tiles,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "separates",
            "5 neighbours in the autoencoder's plane are right for at least 75 %",
            Side::AtLeast,
            0.75,
            |r| r.mean("autoencoder", "accuracy"),
        )
        .on("mnist")
        .from("the suite's bound")
        .because("probably the quick budget, 15 epochs of 20 000 digits, against 60 of 60 000 under full."),
        Criterion::exact("pca", "in the PCA plane for 0.419, within 0.02", Side::AtMost, 0.02, |r| {
            r.mean("pca", "accuracy").map(|e| Estimate::exact((e.value - 0.419).abs()))
        })
        .on("mnist")
        .published(0.419, "recomputed", Tag::R)
        .from("recomputed anchor"),
        Criterion::interval(
            "better",
            "the autoencoder's accuracy is above PCA's on whatever digits are at hand",
            Side::Above,
            0.0,
            |r| {
                let pca = r.mean("pca", "accuracy")?.value;
                estimate(&r.values("autoencoder", "accuracy").iter().map(|a| a - pca).collect::<Vec<_>>())
            },
        )
        .from("the claim"),
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
    let (epochs, examples) = (s.profile.pick([1, 15, 100]), s.profile.pick([500, 20_000, 60_000]));
    let hidden = match s.profile {
        Profile::Full => vec![1000, 500, 250],
        _ => vec![500, 250, 100],
    };
    let of = |name: &str, hidden| Variant::new(name, Config { hidden, epochs, examples });
    vec![of("autoencoder", hidden), of("pca", vec![]).with_seeds(1)]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    let reference = digits.train.head(10_000.min(c.examples.max(1_000)));
    let tested = digits.test.head(5_000);
    let (known, new, error) = if v.name == "pca" {
        let all = if run.profile == Profile::Smoke { digits.train.head(1_000) } else { digits.train.head(60_000) };
        let pca = Pca::fit(all.x.mapv(f64::from).view());
        let plane = |x: &Array2<f32>| x.mapv(f64::from).dot(&pca.components().slice(s![..2, ..]).t());
        let errors = pca.errors(digits.test.x.mapv(f64::from).view(), 2);
        (plane(&reference.x), plane(&tested.x), 784.0 * errors.mean().unwrap_or(f64::NAN))
    } else {
        let train = digits.train.head(c.examples);
        let steps = (c.epochs * train.rows().div_ceil(128)) as u64;
        let optimizer = OptimizerConfig::new(Adam::default()).rate(1e-3).schedule(Cosine::new(steps, 0.0));
        let net = pictures(&c.hidden, 2, Activation::GELU, Init::HE_NORMAL);
        let rebuilder = Rebuilding { optimizer, epochs: c.epochs, batch: 128 }.learn(&net, train.x.view(), seed)?;
        run.log(c.epochs as u64, &[("error", rebuilder.errors.last().copied().unwrap_or(f64::NAN))]);
        let plane =
            |x: &Array2<f32>| predict(rebuilder.model.encoder(), &rebuilder.params, x.view(), 512).mapv(f64::from);
        (plane(&reference.x), plane(&tested.x), rebuilder.error(digits.test.x.view())?)
    };
    if seed == 0 {
        for digit in 0..10 {
            let own = (0..1_500).filter(|i| tested.y.get(*i) == Some(&digit));
            let (x, y): (Vec<f64>, Vec<f64>) = own.map(|i| (new[(i, 0)], new[(i, 1)])).unzip();
            run.curve(&format!("digit {digit}"), x, y);
        }
    }
    Ok(metrics([("accuracy", neighbours(&known, &reference.y, &new, &tested.y)), ("error", error)]))
}

/// Accuracy of the vote of the five nearest.
fn neighbours(known: &Array2<f64>, labels: &[u32], new: &Array2<f64>, expected: &[u32]) -> f64 {
    let right = new.rows().into_iter().zip(expected).filter(|(row, label)| {
        let mut near = [(f64::INFINITY, 0u32); 5];
        for (other, y) in known.rows().into_iter().zip(labels) {
            let d = (row[0] - other[0]).powi(2) + (row[1] - other[1]).powi(2);
            if d < near[4].0 {
                near[4] = (d, *y);
                near.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
        }
        let mut votes = [0; 10];
        near.iter().for_each(|(_, y)| votes[*y as usize % 10] += 1);
        let most = votes.iter().copied().max().unwrap_or(0);
        // A tie goes to the nearest of those tied.
        let said = near.iter().find(|(_, y)| votes[*y as usize % 10] == most).map_or(0, |n| n.1);
        said == **label
    });
    right.count() as f64 / expected.len() as f64
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let mut all = Vec::new();
    for name in ["autoencoder", "pca"] {
        let Some(first) = r.variant(name).and_then(|v| v.first()) else { continue };
        let clouds: Vec<Series> = (0..10)
            .filter_map(|d| first.curves.get(&format!("digit {d}")).map(|c| Series::new(d.to_string(), &c.x, &c.y)))
            .collect();
        let accuracy = 100.0 * common::bar(r, name, "accuracy", 1.0).0;
        let chart = Chart::new(
            format!("{name}: two numbers for a digit"),
            Axis::new("first number"),
            Axis::new("second number"),
        );
        let caption = format!(
            "1 500 test images by digit, first seed. The five nearest references are right for {accuracy:.1} % (mean over seeds)."
        );
        all.push(Figure::new(name, caption, scatter(&chart, &clouds))?);
    }
    Ok(all)
}
