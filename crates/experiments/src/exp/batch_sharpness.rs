//! Small and large batches: test accuracy, sharpness, and the way between the two solutions.

use super::prelude::*;
use layerwise::tensor::Gradients;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "batch-sharpness",
    question: "Do large batches find sharper minima that generalise worse?",
    claim: "Loss landscapes are articulated: small batches find flat minima, large ones sharp minima that generalise worse.",
    protocol: "784-5x128-10 (5x512 under full), batch norm, ReLU, Adam at 0.001: batches of 256 for 10 epochs, and of a tenth of the \
               data for 100 epochs, on 10 000 digits (40 and 200 epochs of 60 000 under full). Sharpness in a random subspace of 100 \
               dimensions: largest rise of the loss over 2 000 training images, in % of 1 + loss, within |z_i| <= epsilon (|A+ theta|_i \
               + 1), epsilon = 0.001 and 0.0005, by 10 steps of projected sign ascent. Loss on the straight way from the small-batch \
               solution (0) to the large-batch one (1), from -1 to 2.",
    anchor: Anchor {
        text: "F1: test 98.03 against 97.81 %; sharpness in 100 dimensions, epsilon 0.001: 0.11 against 9.22; 0.0005: 0.05 against 9.17",
        source: "N. Keskar et al., On large-batch training, ICLR 2017, Tables 2 to 4",
        tag: Tag::V,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [8.0, 120.0, 5400.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "generalises",
            "the small-batch network's test accuracy is higher",
            Side::Above,
            0.0,
            |r| r.mean("pair", "gap"),
        )
        .published(0.0022, "98.03 less 97.81 %", Tag::V)
        .from("Keskar et al. 2017, Table 2"),
        Criterion::interval(
            "sharper",
            "the large-batch network's sharpness at epsilon 0.001 is at least 5 times the small-batch one's",
            Side::AtLeast,
            5.0,
            |r| r.mean("pair", "sharpness_ratio"),
        )
        .published(84.0, "9.22 / 0.11", Tag::V)
        .from("Keskar et al. 2017, Table 4; the suite's factor")
        .because("probably that both networks fit these few digits to a loss near 0, where the measure, a rise over 1 + loss, is small for \
             either; the source's networks and data are larger."),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    small: Learning,
    /// Batches of a tenth of the rows take more epochs to learn.
    large_epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let width = s.profile.pick([32, 128, 512]);
    let (epochs, examples) = (s.profile.pick([1, 10, 40]), s.profile.pick([500, 10_000, 60_000]));
    let small = Learning { norm: Norm::Batch, batch: 256, ..Learning::new(&[width; 5], epochs, examples) };
    vec![Variant::new("pair", Config { small, large_epochs: s.profile.pick([10, 100, 200]) })]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let Config { small, large_epochs } = v.config()?;
    let digits = common::digits(run)?;
    let train = digits.train.head(small.examples);
    let large = Learning { batch: train.rows() / 10, epochs: large_epochs, ..small.clone() };
    let first = small.learn(&train, seed)?;
    let second = large.learn(&train, seed)?;
    let part = train.head(2_000);
    let loss = |params: &Params<f32>| -> Result<f64, ExperimentError> {
        let samples = Samples::labels(part.x.view(), &part.y)?;
        Ok(evaluate(&first.model, &SoftmaxCrossEntropy, params, &samples, 512))
    };
    let stream = Stream::new(seed).child("subspace");
    let mut sharp = Vec::new();
    for epsilon in [1e-3, 5e-4] {
        for params in [&first.params, &second.params] {
            sharp.push(sharpness(params, epsilon, &stream, &part, &first.model)?);
        }
    }
    let (mut way, mut losses, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..=24 {
        let alpha = -1.0 + 3.0 * f64::from(i) / 24.0;
        let mut mixed = first.params.clone();
        let blend = |a: &mut [f32], b: &[f32]| a.iter_mut().zip(b).for_each(|(a, b)| *a += alpha as f32 * (b - *a));
        blend(mixed.trainable_mut(), second.params.trainable());
        blend(mixed.buffers_mut(), second.params.buffers());
        // A variance must not be negative beyond the ends.
        let floor = |v: &mut f32| *v = v.max(1e-6);
        if !(0.0..=1.0).contains(&alpha) {
            mixed.buffers_mut().iter_mut().for_each(floor);
        }
        way.push(alpha);
        losses.push(loss(&mixed)?.min(1e3));
        errors.push(100.0 * (1.0 - common::accuracy(&first.model, &mixed, digits.test.x.view(), &digits.test.y)?));
    }
    run.curve("loss", way.iter().copied(), losses.iter().copied());
    run.curve("test error", way.iter().copied(), errors.iter().copied());
    let (small_error, large_error) = (first.error(&digits.test)?, second.error(&digits.test)?);
    Ok(metrics([
        ("small_test", 1.0 - small_error),
        ("large_test", 1.0 - large_error),
        ("gap", large_error - small_error),
        ("small_train", 1.0 - first.error(&train)?),
        ("large_train", 1.0 - second.error(&train)?),
        ("small_sharpness", sharp[0]),
        ("large_sharpness", sharp[1]),
        ("sharpness_ratio", sharp[1] / sharp[0].max(1e-6)),
        ("small_sharpness_half", sharp[2]),
        ("large_sharpness_half", sharp[3]),
    ]))
}

/// Largest rise of the loss in a box in 100 random dimensions, in % of 1 + loss.
fn sharpness(
    params: &Params<f32>,
    epsilon: f64,
    stream: &Stream,
    data: &Labelled<f32>,
    model: &Mlp,
) -> Result<f64, ExperimentError> {
    const DIMS: usize = 100;
    let n = params.trainable().len();
    let mut drawn = vec![0.0f32; n * DIMS];
    stream.normal(0, &mut drawn);
    let basis = Array2::from_shape_vec((n, DIMS), drawn).unwrap_or_default();
    // Columns of a tall Gaussian matrix are nearly orthogonal, of length sqrt n: its pseudo-inverse is its transpose over n.
    let theta = Array1::from_vec(params.trainable().to_vec());
    let inside = basis.t().dot(&theta) / n as f32;
    let bound = inside.mapv(|a| epsilon as f32 * (a.abs() + 1.0));
    let at = |z: &Array1<f32>| -> Result<(f64, Array1<f32>), ExperimentError> {
        let mut moved = params.clone();
        let step = basis.dot(z);
        moved.trainable_mut().iter_mut().zip(&step).for_each(|(p, d)| *p += d);
        let (loss, gradient) = gradient(model, &moved, data);
        Ok((loss, basis.t().dot(&Array1::from_vec(gradient))))
    };
    let mut z = Array1::<f32>::zeros(DIMS);
    let (start, mut slope) = at(&z)?;
    let mut highest = start;
    for step in 0..10 {
        let share = 1.0 / (1.0 + step as f32 * 0.5);
        for ((z, d), b) in z.iter_mut().zip(&slope).zip(&bound) {
            *z = (*z + share * b * d.signum()).clamp(-b, *b);
        }
        let (loss, next) = at(&z)?;
        highest = highest.max(loss);
        slope = next;
    }
    Ok(100.0 * (highest - start) / (1.0 + start))
}

/// Loss in use (running statistics) and its gradient.
fn gradient(model: &Mlp, params: &Params<f32>, data: &Labelled<f32>) -> (f64, Vec<f32>) {
    use layerwise::nn::{Loss, Module, Target};
    use layerwise::tensor::Accum;
    let (mut tape, mut grads) = (layerwise::autograd::Tape::new(), Gradients::new(params));
    let mut g = tape.graph(params, Mode::Eval, Stream::new(0));
    let x = g.input(data.x.view());
    let y = model.forward(&mut g, x);
    let loss = SoftmaxCrossEntropy.loss(&mut g, y, Target::Labels(&data.y));
    let value = g.backward(loss, &mut grads, Accum::Replace);
    (value, grads.values().to_vec())
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let loss = Chart::new(
        "Between the solutions",
        Axis::new("place on the way (0: small batches, 1: large)"),
        Axis::new("training loss (nats)").log(),
    );
    let names: Vec<String> = ["epsilon 0.001", "epsilon 0.0005"].map(String::from).into();
    let values: Vec<Vec<(f64, f64)>> =
        [["small_sharpness", "large_sharpness"], ["small_sharpness_half", "large_sharpness_half"]]
            .iter()
            .map(|pair| pair.iter().map(|m| common::bar(r, "pair", m, 1.0)).collect())
            .collect();
    let chart = Chart::new(
        "Sharpness in 100 random dimensions",
        Axis::new("size of the box"),
        Axis::new("rise of the loss (%)"),
    );
    Ok(vec![
        Figure::new(
            "way",
            "Loss on the straight way through both solutions; bands over all seeds.",
            lines(&loss, &common::bands(r, "loss", |_| true)),
        )?,
        Figure::new(
            "sharpness",
            "Largest rise of the loss in a small box; mean over seeds with its 95 % interval. Published: 0.11 and 9.22, 0.05 and 9.17.",
            bars(&chart, &names, &["batches of 256".into(), "a tenth of the data".into()], &values),
        )?,
    ])
}
