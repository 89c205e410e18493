//! Stacked denoising autoencoders as pretraining for a classifier.

use super::prelude::*;
use crate::figure::{Image, Panel, images};
use layerwise::autoencoder::AutoencoderConfig;
use layerwise::autoencoder::MaskingConfig;
use layerwise::autoencoder::pretrain::Pretraining;
use layerwise::optim::{Adam, OptimizerConfig};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "stacked-dae",
    question: "Does pretraining with denoising autoencoders help a classifier more than plain ones, or than none?",
    claim: "Denoising autoencoders learn features that help supervised learning.",
    protocol: "784-3x300-10 (3x1000 under full), sigmoid. basic: 10 000 digits to train, the 10 000 test images (2 000 to train under \
               quick). Pretraining: each layer as an autoencoder (sigmoid output below), mean squared error, Adam at 0.001, 15 epochs, \
               batches of 20: none; no noise; masking 25 % (and 10 and 40 % under full) of its input. Then SGD at 0.1 with momentum 0.9 \
               and a cosine, 30 epochs. rect: outlines of rectangles, taller or wider, drawn by program, 1 000 to train, 10 000 to test, \
               full only.",
    anchor: Anchor {
        text: "basic: SAE-3 3.46, SDAE-3 2.84 % (10 % masked); rect: 2.41 and 1.99 %; full MNIST: SDAE-3 1.28 %",
        source: "P. Vincent et al., Stacked denoising autoencoders, JMLR 2010, Table 3",
        tag: Tag::V2,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 5, 5],
    seconds: [8.0, 240.0, 5400.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "over-none",
            "on basic denoising (25 %) is at least 0.2 points below no pretraining",
            Side::AtLeast,
            0.002,
            |r| r.difference("basic none", "basic 25 %", "error"),
        )
        .on("mnist")
        .from("the suite's bound"),
        Criterion::interval("over-plain", "and below plain autoencoders", Side::Above, 0.0, |r| {
            r.difference("basic 0 %", "basic 25 %", "error")
        })
        .on("mnist")
        .published(0.0062, "3.46 less 2.84 %", Tag::V2)
        .from("Vincent et al. 2010, Table 3"),
        Criterion::interval("basic", "on basic the best noise ends at 3.3 % or less", Side::AtMost, 0.033, |r| {
            r.mean("basic 25 %", "error")
        })
        .on("mnist")
        .under(Profile::Full)
        .published(0.0284, "Vincent et al. 2010, Table 3", Tag::V2)
        .from("the suite's bound"),
        Criterion::interval("rect", "on rect it ends at 2.6 % or less", Side::AtMost, 0.026, |r| {
            r.mean("rect 25 %", "error")
        })
        .under(Profile::Full)
        .published(0.0199, "Vincent et al. 2010, Table 3", Tag::V2)
        .from("the suite's bound"),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Share of inputs that is masked.
    masked: f64,
    /// Epochs a layer; 0: no pretraining.
    pretrain: usize,
    learning: Learning,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let full = s.profile == Profile::Full;
    let width = s.profile.pick([50, 300, 1_000]);
    let of = |task: &str, masked: Option<f64>| {
        let examples = if task == "rect" { 1_000 } else { s.profile.pick([300, 2_000, 10_000]) };
        let learning = Learning {
            activation: Activation::SIGMOID,
            init: Init::GLOROT_UNIFORM,
            rule: momentum(0.9),
            rate: 0.1,
            cosine: true,
            batch: 20,
            ..Learning::new(&[width; 3], s.profile.pick([2, 30, 40]), examples)
        };
        let name = masked.map_or("none".to_string(), |m| format!("{:.0} %", 100.0 * m));
        let pretrain = if masked.is_some() { s.profile.pick([1, 15, 20]) } else { 0 };
        Variant::new(format!("{task} {name}"), Config { masked: masked.unwrap_or(0.0), pretrain, learning })
    };
    let shares: &[f64] = if full { &[0.0, 0.1, 0.25, 0.4] } else { &[0.0, 0.25] };
    let mut all = vec![of("basic", None)];
    all.extend(shares.iter().map(|m| of("basic", Some(*m))));
    if full {
        all.extend([None, Some(0.0), Some(0.25)].map(|m| of("rect", m)));
    }
    all
}

/// Outlines of rectangles on 28 x 28 pixels, taller (1) or wider (0), sides apart by 3 at least.
fn rectangles(n: usize, stream: &Stream) -> Labelled<f32> {
    let mut x = Array2::zeros((n, 784));
    let mut y = Vec::with_capacity(n);
    let mut u = [0.0f64; 64];
    for (i, mut row) in x.rows_mut().into_iter().enumerate() {
        stream.at(i as u64).uniform(0, &mut u);
        let side = |u: f64| 3 + (u * 23.0) as usize;
        let pair = u.chunks(2).take(31).map(|p| (side(p[0]), side(p[1]))).find(|(w, h)| w.abs_diff(*h) >= 3);
        let (w, h) = pair.unwrap_or((10, 20));
        let (left, top) = ((u[62] * (28 - w) as f64) as usize, (u[63] * (28 - h) as f64) as usize);
        for a in 0..w {
            row[top * 28 + left + a] = 1.0;
            row[(top + h - 1) * 28 + left + a] = 1.0;
        }
        for b in 0..h {
            row[(top + b) * 28 + left] = 1.0;
            row[(top + b) * 28 + left + w - 1] = 1.0;
        }
        y.push(u32::from(h > w));
    }
    Labelled::new("rectangles", x, y, 2)
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let learning = &c.learning;
    let (train, test) = if v.name.starts_with("rect") {
        let stream = Stream::new(seed).child("rectangles");
        (rectangles(learning.examples, &stream.child("train")), rectangles(10_000, &stream.child("test")))
    } else {
        let digits = common::digits(run)?;
        // Other examples for each seed, as the small set is drawn.
        let order = Stream::new(seed).child("examples").permutation(digits.train.rows());
        let chosen: Vec<usize> = (0..learning.examples.min(digits.train.rows())).map(|i| order.get(i)).collect();
        (digits.train.take(&chosen), digits.test.clone())
    };
    let learned = match c.pretrain {
        0 => learning.learn(&train, seed)?,
        epochs => {
            let (code, hidden) = learning.hidden.split_last().unwrap_or((&1, &[]));
            let net = AutoencoderConfig::new(train.cols(), *code)
                .hidden(hidden)
                .activation(Activation::SIGMOID)
                .code_activation(Activation::SIGMOID)
                .output_activation(Activation::SIGMOID)
                .init(learning.init);
            let mut pretraining = Pretraining::new(net)
                .epochs(epochs)
                .fine_tuning(0)
                .batch(20)
                .seed(seed)
                .optimizer(OptimizerConfig::new(Adam::default()).rate(1e-3));
            if c.masked > 0.0 {
                pretraining = pretraining.corruption(&MaskingConfig::new(c.masked));
            }
            let pretrained = pretraining.fit(train.x.view())?;
            if seed == 0 && !v.name.starts_with("rect") {
                let first = pretrained.model.encoder().linears()[0].weight();
                let w = pretrained.params.view(first);
                for unit in 0..16 {
                    let column: Vec<f64> = w.column(unit).iter().map(|v| f64::from(*v)).collect();
                    let most = column.iter().fold(1e-9, |m: f64, v| m.max(v.abs()));
                    run.image(
                        &format!("filter {unit:02}"),
                        Image::grey(28, 28, column.iter().map(|v| 0.5 + 0.5 * v / most)),
                    );
                }
            }
            let (mlp, params) = pretrained.with_output(train.classes, seed)?;
            learning.fit(mlp, params, &train, seed)?
        }
    };
    learned.draw(run);
    Ok(metrics([("error", learned.error(&test)?), ("train_loss", learned.losses[learned.losses.len() - 1])]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let names: Vec<&str> = r.variants.iter().map(|v| v.name.as_str()).collect();
    let (labels, values) = common::bars_of(r, &names, "error", 100.0);
    let chart = Chart::new(
        "Test error by pretraining",
        Axis::new("data and share masked in pretraining"),
        Axis::new("test error (%)"),
    );
    let mut all = vec![Figure::new(
        "error",
        "Test error after the same supervised training; mean over seeds, which draw the examples anew, with its 95 % interval.",
        bars(&chart, &labels, &["error".into()], &values),
    )?];
    let shown = ["basic 0 %", "basic 25 %"];
    let panels: Vec<Vec<Panel>> = shown
        .iter()
        .filter_map(|n| {
            let first = r.variant(n)?.first()?;
            let filters = first.images.values().take(10);
            Some(filters.map(|i| Panel { image: i.clone(), caption: String::new(), points: Vec::new() }).collect())
        })
        .collect();
    if panels.len() == 2 && panels.iter().all(|p: &Vec<Panel>| !p.is_empty()) {
        let svg =
            images(&vec![String::new(); 2], &vec![String::new(); 10], &panels, "above: no noise; below: 25 % masked");
        all.push(Figure::new(
            "filters",
            "Incoming weights of ten first-layer units after pretraining, first seed.",
            svg,
        )?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_are_taller_or_wider() {
        let set = rectangles(200, &Stream::new(5));
        assert!(set.counts().iter().all(|c| *c > 60));
        for (row, y) in set.x.rows().into_iter().zip(&set.y) {
            let on: Vec<(usize, usize)> = (0..784).filter(|i| row[*i] > 0.0).map(|i| (i / 28, i % 28)).collect();
            let span =
                |f: fn(&(usize, usize)) -> usize| on.iter().map(f).max().unwrap() - on.iter().map(f).min().unwrap();
            let (h, w) = (span(|p| p.0), span(|p| p.1));
            assert!(h.abs_diff(w) >= 3 && (h > w) == (*y == 1));
        }
    }
}
