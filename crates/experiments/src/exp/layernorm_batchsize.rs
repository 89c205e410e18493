//! Layer norm does not care how large the batch is; batch norm does.

use super::prelude::*;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "layernorm-batchsize",
    question: "Does layer normalisation hold where batches are small?",
    claim: "Layer normalisation does not depend on the batch and works with small ones.",
    protocol: "784-256-256-10 (1000-1000 under full), ReLU, He's weights, norm on the hidden layers, Adam at 0.001: none, batch norm, \
               layer norm, with batches of 128 (6 epochs of 10 000 digits; 15 of 60 000 under full) and of 4 (1 epoch of 10 000; 3 of 60 \
               000). Mean training loss of the last epoch, test error. And the layer-norm network's output for one image alone and in a \
               batch.",
    anchor: Anchor {
        text: "batches of 128 and 4: layer norm robust to the batch size and faster; curves only",
        source: "J. L. Ba, J. R. Kiros, G. E. Hinton, Layer normalization, 2016, Fig. 6",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [5.0, 90.0, 3000.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "small",
            "at batch 4 the training loss with layer norm is below that with batch norm",
            Side::Below,
            0.0,
            |r| r.difference("layer, 4", "batch, 4", "train_loss"),
        )
        .from("Ba et al. 2016, Fig. 6"),
        Criterion::interval(
            "large",
            "at batch 128 their test errors differ by less than 0.2 points",
            Side::Below,
            0.002,
            |r| common::paired(r, ("layer, 128", "error"), ("batch, 128", "error"), |a, b| (a - b).abs()),
        )
        .under(Profile::Full)
        .from("Ba et al. 2016; the suite's bound"),
        Criterion::exact(
            "independent",
            "with layer norm the output for an image is the same, to the bit, alone and in any batch",
            Side::AtMost,
            0.0,
            |r| r.largest(&["layer, 128", "layer, 4"], "batch_dependence"),
        )
        .from("its statistics are of one example"),
    ],
    figures,
};

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let width = s.profile.pick([64, 256, 1_000]);
    let mut all = Vec::new();
    for (batch, epochs) in [(128, s.profile.pick([1, 6, 15])), (4, s.profile.pick([1, 1, 3]))] {
        for (name, norm) in [("none", Norm::None), ("batch", Norm::Batch), ("layer", Norm::Layer)] {
            let examples = s.profile.pick([400, 10_000, 60_000]);
            let learning = Learning { norm, batch, ..Learning::new(&[width; 2], epochs, examples) };
            all.push(Variant::new(format!("{name}, {batch}"), learning));
        }
    }
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let learning: Learning = v.config()?;
    let digits = common::digits(run)?;
    let (mlp, params) = learning.network(digits.train.cols(), 10).create::<f32>(seed)?;
    let every = (learning.examples.div_ceil(learning.batch) * learning.epochs / 20).max(1);
    let (mut sum, mut losses) = (0.0, Vec::new());
    let learned = learning.watch(mlp, params, &digits.train, seed, |s| {
        sum += s.loss;
        if (s.step + 1).is_multiple_of(every as u64) {
            losses.push(sum / every as f64);
            sum = 0.0;
        }
    })?;
    let rows = |i: usize| ((i + 1) * every * learning.batch) as f64;
    run.curve("loss", (0..losses.len()).map(rows), losses.iter().copied());
    let together = predict(&learned.model, &learned.params, digits.test.x.slice(s![..64, ..]), 64);
    let mut apart = 0.0f64;
    for i in 0..64 {
        let alone = predict(&learned.model, &learned.params, digits.test.x.slice(s![i..=i, ..]), 1);
        let off = alone.row(0).iter().zip(together.row(i)).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        apart = apart.max(off);
    }
    Ok(metrics([
        ("train_loss", learned.losses.last().copied().filter(|_| !learned.diverged).unwrap_or(10.0)),
        ("error", learned.error(&digits.test)?),
        ("batch_dependence", apart),
    ]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let mut all = Vec::new();
    for batch in ["128", "4"] {
        let chart = Chart::new(
            format!("Batches of {batch}"),
            Axis::new("examples seen"),
            Axis::new("training loss (nats)").log(),
        );
        let ending = format!(", {batch}");
        let series = common::bands(r, "loss", |v| v.name.ends_with(&ending));
        let caption =
            format!("Training loss with batches of {batch}, in twentieths of the training; bands over all seeds.");
        all.push(Figure::new(&format!("loss-{batch}"), caption, lines(&chart, &series))?);
    }
    Ok(all)
}
