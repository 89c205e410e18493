//! Loss surfaces of plain and residual networks, and the straight way from the first weights to the solution.

use super::prelude::*;
use crate::figure::{Image, Panel, regions};
use layerwise::nn::SequentialModelConfig;
use layerwise::nn::layer::{ActivationConfig, LayerConfig, LinearConfig, ResidualConfig};
use layerwise::tensor::ParamKind;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "loss-landscape",
    question: "What do the losses of deep networks look like, and do ways around the layers smooth them?",
    claim: "Cost functions of deep networks are complex and not convex; residual connections make them smoother.",
    protocol: "784-32, 20 layers of 32 units, 10: plain and residual (10 blocks of two layers, branches times 0.3); He's weights, Adam \
               at 0.001, batches of 128, 10 epochs of 5 000 digits. Surface: loss of 500 training images on 21 x 21 points (51 x 51 \
               under full) of [-1, 1]^2 along two random directions whose columns of weights (filters) have the norms of the network's; \
               non-convex where the smaller eigenvalue of the surface's Hessian, by differences, is below -0.05 times the largest \
               absolute one of all points. Straight way: 784-100-100-10, SGD at 0.1, loss at 50 places from the first weights to the \
               last; largest rise over the loss's whole fall.",
    anchor: Anchor {
        text: "without ways around the surface of deep networks becomes chaotic; the loss falls monotonically on the straight way",
        source: "H. Li et al., NeurIPS 2018; I. Goodfellow et al., ICLR 2015",
        tag: Tag::M,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [8.0, 120.0, 1200.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::interval(
            "smoother",
            "the share of non-convex points is smaller for the residual network",
            Side::Below,
            0.0,
            |r| r.difference("residual", "plain", "nonconvex"),
        )
        .from("Li et al. 2018 (from memory)"),
        Criterion::interval(
            "monotone",
            "the straight way rises nowhere by more than 2 % of the whole fall",
            Side::AtMost,
            0.02,
            |r| r.mean("straight way", "rise"),
        )
        .from("Goodfellow et al. 2015 (from memory); the suite's bound"),
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    points: usize,
    learning: Learning,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let (epochs, examples) = (s.profile.pick([1, 10, 20]), s.profile.pick([300, 5_000, 10_000]));
    let points = s.profile.pick([7, 21, 51]);
    let learning = Learning::new(&[32; 20], epochs, examples);
    let straight = Learning { rule: sgd(), rate: 0.1, ..Learning::new(&[100; 2], epochs, examples) };
    vec![
        Variant::new("plain", Config { points, learning: learning.clone() }),
        Variant::new("residual", Config { points, learning }),
        Variant::new("straight way", Config { points: 50, learning: straight }),
    ]
}

fn network(kind: &str) -> SequentialModelConfig {
    let linear = LinearConfig::new(32).init(Init::HE_NORMAL);
    let relu = ActivationConfig::new(Activation::RELU);
    let mut net = SequentialModelConfig::new(784).then(&linear).then(&relu);
    for _ in 0..10 {
        if kind == "residual" {
            let block = ResidualConfig::default().then(&linear).then(&relu).then(&linear).scale(0.3);
            net.layers.push(LayerConfig::of(&block));
        } else {
            net = net.then(&linear).then(&relu).then(&linear).then(&relu);
        }
    }
    net.then(&LinearConfig::new(10).init(Init::HE_NORMAL))
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let digits = common::digits(run)?;
    let train = digits.train.head(c.learning.examples);
    if v.name == "straight way" {
        let (mlp, born) = c.learning.network(train.cols(), 10).create::<f32>(seed)?;
        let learned = c.learning.fit(mlp, born.clone(), &train, seed)?;
        return straight(&c, &born, &learned.params, &learned.model, &train, run);
    }
    let (model, params) = network(&v.name).create::<f32>(seed)?;
    let learned = c.learning.fit(model, params, &train, seed)?;
    let part = train.head(500);
    let directions = [0, 1].map(|d| direction(&learned.params, &Stream::new(seed).child("direction").at(d)));
    let n = c.points;
    let at = |i: usize| -1.0 + 2.0 * i as f32 / (n - 1) as f32;
    let mut surface = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        for j in 0..n {
            let mut moved = learned.params.clone();
            for ((p, a), b) in moved.trainable_mut().iter_mut().zip(&directions[0]).zip(&directions[1]) {
                *p += at(i) * a + at(j) * b;
            }
            let samples = Samples::labels(part.x.view(), &part.y)?;
            let loss = evaluate(&learned.model, &SoftmaxCrossEntropy, &moved, &samples, 500);
            surface[(i, j)] = if loss.is_finite() { loss.min(1e6) } else { 1e6 };
        }
    }
    if seed == 0 {
        let (low, high) = surface.iter().fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(*v), h.max(*v)));
        let shade = |v: f64| 1.0 - (v / low).ln() / (high / low).ln().max(1e-9);
        let scale = 5;
        let pixels = (0..n * scale * n * scale).map(|p| {
            let (y, x) = (p / (n * scale) / scale, p % (n * scale) / scale);
            // Steps of a twelfth, as height lines.
            (shade(surface[(n - 1 - y, x)]) * 12.0).floor() / 12.0
        });
        run.image("surface", Image::grey(n * scale, n * scale, pixels));
    }
    let height = surface.iter().fold(0.0f64, |h, v| h.max(*v));
    Ok(metrics([("nonconvex", nonconvex(&surface)), ("train_loss", learned.loss(&part)?), ("highest", height)]))
}

/// A random direction whose columns of weights have the norms of those of `params`; biases and norms are left where they are.
fn direction(params: &Params<f32>, stream: &Stream) -> Vec<f32> {
    let mut all = vec![0.0f32; params.trainable().len()];
    let layout = params.layout();
    for id in layout.ids() {
        let spec = layout.spec(id);
        if spec.kind != ParamKind::Weight || spec.is_buffer() {
            continue;
        }
        let mut d = vec![0.0f32; spec.len()];
        stream.child(&spec.name).normal(0, &mut d);
        let w = params.get(id);
        for unit in 0..spec.cols {
            let norm =
                |v: &[f32]| (0..spec.rows).map(|i| f64::from(v[i * spec.cols + unit]).powi(2)).sum::<f64>().sqrt();
            let factor = (norm(w) / norm(&d).max(1e-30)) as f32;
            (0..spec.rows).for_each(|i| d[i * spec.cols + unit] *= factor);
        }
        all[spec.range()].copy_from_slice(&d);
    }
    all
}

/// Share of inner points where the surface bends down by more than a twentieth of its largest curvature.
fn nonconvex(surface: &Array2<f64>) -> f64 {
    let n = surface.nrows();
    let mut least = Vec::new();
    let mut largest = 0.0f64;
    for i in 1..n - 1 {
        for j in 1..n - 1 {
            let f = |a: usize, b: usize| surface[(a, b)];
            let xx = f(i + 1, j) - 2.0 * f(i, j) + f(i - 1, j);
            let yy = f(i, j + 1) - 2.0 * f(i, j) + f(i, j - 1);
            let xy = 0.25 * (f(i + 1, j + 1) - f(i + 1, j - 1) - f(i - 1, j + 1) + f(i - 1, j - 1));
            let (mean, root) = (0.5 * (xx + yy), (0.25 * (xx - yy).powi(2) + xy * xy).sqrt());
            least.push(mean - root);
            largest = largest.max((mean + root).abs()).max((mean - root).abs());
        }
    }
    least.iter().filter(|l| **l < -0.05 * largest).count() as f64 / least.len() as f64
}

fn straight(
    c: &Config,
    born: &Params<f32>,
    end: &Params<f32>,
    model: &Mlp,
    train: &Labelled<f32>,
    run: &mut Run<'_>,
) -> Result<Metrics, ExperimentError> {
    let part = train.head(2_000);
    let samples = Samples::labels(part.x.view(), &part.y)?;
    let mut losses = Vec::new();
    for i in 0..=c.points {
        let share = i as f32 / c.points as f32;
        let mut mixed = born.clone();
        mixed.trainable_mut().iter_mut().zip(end.trainable()).for_each(|(a, b)| *a += share * (b - *a));
        losses.push(evaluate(model, &SoftmaxCrossEntropy, &mixed, &samples, 512));
    }
    run.curve("way", (0..=c.points).map(|i| i as f64 / c.points as f64), losses.iter().copied());
    let fall = losses[0] - losses[c.points];
    // From the lowest so far: several small rises are one large one.
    let (mut lowest, mut rise) = (f64::INFINITY, 0.0f64);
    for l in &losses {
        lowest = lowest.min(*l);
        rise = rise.max(l - lowest);
    }
    Ok(metrics([("rise", rise / fall.max(1e-9)), ("fall", fall)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let names = ["plain", "residual"];
    let panels: Vec<Panel> = names
        .iter()
        .filter_map(|n| {
            let image = r.variant(n)?.first()?.images.get("surface")?.clone();
            let share = 100.0 * common::bar(r, n, "nonconvex", 1.0).0;
            Some(Panel { image, caption: format!("{share:.0} % not convex"), points: Vec::new() })
        })
        .collect();
    let way = Chart::new("Straight way", Axis::new("share of the way"), Axis::new("training loss (nats)"));
    let mut all = Vec::new();
    if panels.len() == 2 {
        let columns: Vec<String> = names.map(String::from).into();
        let note = "two random directions of the filters' norms; dark is high, in twelve steps of the logarithm";
        let caption = "Loss surfaces around the solutions of 20 layers, first seed; the solution is in the middle. Below: share of \
                       points where the surface is not convex, mean over seeds.";
        all.push(Figure::new("surfaces", caption, regions(&["loss".into()], &columns, &[panels], note))?);
    }
    all.push(Figure::new(
        "way",
        "Loss on the straight way from the first weights to the trained ones, 784-100-100-10; band over all seeds.",
        lines(&way, &common::bands(r, "way", |_| true)),
    )?);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bowl_is_convex_and_a_saddle_is_not() {
        let of = |sign: f64| {
            Array2::from_shape_fn((9, 9), |(i, j)| (i as f64 - 4.0).powi(2) + sign * (j as f64 - 4.0).powi(2))
        };
        assert_eq!(nonconvex(&of(1.0)), 0.0);
        assert_eq!(nonconvex(&of(-1.0)), 1.0);
    }
}
