//! Which sets of the plane networks with 0, 1 and 2 hidden layers can tell apart.

use super::common;
use crate::criterion::{Criterion, Estimate, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Figure, Image, Panel, regions};
use crate::results::{Results, estimate};
use layerwise::autograd::{Graph, Trans, Var};
use layerwise::datasets::synthetic::{self, Region};
use layerwise::nn::{Activation, AnyModule, BceWithLogits, BuildModel, Init, Mlp, Module};
use layerwise::optim::Cosine;
use layerwise::tensor::ndarray::Array2;
use layerwise::tensor::{Layout, ParamId, ParamKind, Params, Scalar, Stream};
use layerwise::train::{Samples, Trainer, predict};
use serde::{Deserialize, Serialize};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "regions-by-depth",
    question: "Which regions of the plane can networks with 0, 1 and 2 hidden layers learn?",
    claim: "Without a hidden layer a network separates half-planes; with one hidden layer convex regions; with two, any region. \
            The second statement holds for threshold units and concave heads: a free layer of rectifiers also learns regions that \
            are not convex, so both kinds of one-layer network are shown.",
    protocol: "Seven regions of the square [-1, 1]^2, each covering half of it; 2 000 points to train, 10 000 to test. Four families: \
               logistic regression; a concave head, b - sum a_k^2 relu(w_k x + c_k) with 64 units, whose accepted set is convex by \
               construction; a free network with one hidden layer of 64 rectifiers; a free network with two. Adam at 0.01 with a \
               cosine (0.1 without a hidden layer, where the problem is convex), batches of 64, the same number of steps for all.",
    anchor: Anchor {
        text: "a qualitative figure: half-planes, convex regions, arbitrary regions for 0, 1, 2 hidden layers of threshold units",
        source: "R. P. Lippmann, An introduction to computing with neural nets, IEEE ASSP Magazine, 1987",
        tag: Tag::M,
    },
    data: &[],
    tour: true,
    seeds: [1, 3, 10],
    seconds: [3.0, 15.0, 50.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "linear-half-plane",
            statement: "without a hidden layer at least 99 % of the half-plane's points are right",
            threshold: 0.99,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "a line separates a half-plane; 1 % is left for the finite sample",
            cause: "",
            estimate: |r| r.mean("linear half_plane", "accuracy"),
        },
        Criterion {
            id: "linear-xor",
            statement: "without a hidden layer at most 75 % of the points of XOR are right",
            threshold: 0.75,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "no line does better than three of the four quadrants",
            cause: "",
            estimate: |r| r.mean("linear xor", "accuracy"),
        },
        Criterion {
            id: "concave-convex",
            statement: "the concave head gets at least 98 % of the points right on the worst of the convex regions",
            threshold: 0.98,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "the claim, with 2 % left for the finite sample",
            cause: "",
            estimate: |r| extreme(r, "concave", f64::min, Region::is_convex),
        },
        Criterion {
            id: "concave-others",
            statement: "the concave head gets at most 90 % of the points right on the best of two discs, ring and XOR",
            threshold: 0.90,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "a convex set cannot cover these regions without covering what lies between their parts",
            cause: "",
            estimate: |r| extreme(r, "concave", f64::max, |region| !region.is_convex()),
        },
        Criterion {
            id: "concave-midpoints",
            statement: "no midpoint of two points accepted by a concave head is rejected, in 100 000 pairs per run",
            threshold: 0.0,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Smoke,
            needs: None,
            published: None,
            source: "a theorem: the accepted set of a concave function is convex",
            cause: "",
            estimate: |r| {
                let counts = Region::ALL.map(|x| r.values(&format!("concave {x}"), "violations").iter().sum::<f64>());
                Some(Estimate::exact(counts.iter().sum()))
            },
        },
        Criterion {
            id: "two-layers-all",
            statement: "with two hidden layers at least 98 % of the points are right on the worst of the seven regions",
            threshold: 0.98,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "the claim, with 2 % left for the finite sample",
            cause: "",
            estimate: |r| extreme(r, "two", f64::min, |_| true),
        },
        Criterion {
            id: "one-layer-xor",
            statement: "a free network with one hidden layer gets at least 97 % of the points of XOR right",
            threshold: 0.97,
            side: Side::AtLeast,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "the counter-example to reading the claim without its condition",
            cause: "",
            estimate: |r| r.mean("one xor", "accuracy"),
        },
    ],
    figures,
};

const FAMILIES: [(&str, &str); 4] = [
    ("linear", "no hidden layer"),
    ("concave", "1, concave head"),
    ("one", "1 hidden layer"),
    ("two", "2 hidden layers"),
];

/// Pixels along a side of a decision map.
const MAP: usize = 56;

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    width: usize,
    epochs: usize,
    rate: f64,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let epochs = s.profile.pick([40, 200, 200]);
    let config = |family: &str| Config { width: 64, epochs, rate: if family == "linear" { 0.1 } else { 0.01 } };
    FAMILIES.iter().flat_map(|(f, _)| Region::ALL.map(|r| Variant::new(format!("{f} {r}"), config(f)))).collect()
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let (family, name) = v.name.split(' ').next().zip(v.name.split(' ').nth(1)).unwrap_or_default();
    let region = Region::ALL.into_iter().find(|r| r.name() == name).unwrap_or(Region::Xor);
    let stream = Stream::new(seed).child("regions");
    let train = synthetic::regions::<f32>(region, 2_000, 0.0, &stream.child("train"));
    let test = synthetic::regions::<f32>(region, 10_000, 0.0, &stream.child("test"));
    let target = Array2::from_shape_fn((train.rows(), 1), |(i, _)| train.y[i] as f32);

    let (model, mut params) = model(family, config.width, seed)?;
    let samples = Samples::values(train.x.view(), target.view())?;
    let steps = (config.epochs * train.rows().div_ceil(64)) as u64;
    let trainer = Trainer::new(&model, BceWithLogits).epochs(config.epochs).batch(64).seed(seed);
    let report = trainer.rate(config.rate).schedule(Cosine::new(steps, 0.0)).fit(&mut params, &samples)?;
    for e in &report.history.epochs {
        run.log(e.epoch as u64, &[("loss", e.loss)]);
    }
    let accepted = |x: &Array2<f32>| predict(&model, &params, x.view(), 4096).into_iter().collect::<Vec<f32>>();
    let right = accepted(&test.x).iter().zip(&test.y).filter(|(z, y)| (**z > 0.0) == (**y == 1)).count();
    let violations = violations(&test.x, &accepted);
    let place = |i: usize| (2 * i + 1) as f32 / MAP as f32 - 1.0;
    let grid = Array2::from_shape_fn((MAP * MAP, 2), |(i, j)| if j == 0 { place(i % MAP) } else { -place(i / MAP) });
    run.image("map", Image::colour(MAP, MAP, accepted(&grid).into_iter().map(shade)));
    Ok(metrics([("accuracy", right as f64 / test.rows() as f64), ("violations", violations as f64)]))
}

/// How many midpoints of accepted points are rejected, of 100 000 pairs. A hair's breadth is allowed for rounding in `f32`.
fn violations(x: &Array2<f32>, score: &impl Fn(&Array2<f32>) -> Vec<f32>) -> usize {
    let inside: Vec<usize> = score(x).iter().enumerate().filter(|(_, z)| **z > 0.0).map(|(i, _)| i).collect();
    if inside.len() < 2 {
        return 0;
    }
    let pair = |k: usize| (inside[k % inside.len()], inside[(k * 7919 + k / inside.len() + 1) % inside.len()]);
    let middle = Array2::from_shape_fn((100_000, 2), |(k, j)| {
        let (a, b) = pair(k);
        0.5 * (x[[a, j]] + x[[b, j]])
    });
    score(&middle).iter().filter(|z| **z < -1e-4).count()
}

/// Blue outside, orange inside, in sixteen steps of the probability.
fn shade(logit: f32) -> [f64; 3] {
    let p = (1.0 / (1.0 + f64::from(-logit).exp()) * 15.0).round() / 15.0;
    let (outside, inside) = ([0.62, 0.79, 0.91], [0.98, 0.76, 0.45]);
    std::array::from_fn(|i| outside[i] + p * (inside[i] - outside[i]))
}

fn model(family: &str, width: usize, seed: u64) -> Result<(Box<dyn AnyModule>, Params<f32>), ExperimentError> {
    if family == "concave" {
        let mut layout = Layout::new();
        let head = ConcaveHead::new(&mut layout, width);
        return Ok((Box::new(head), Params::init(layout, &Stream::new(seed).child("init"))));
    }
    let hidden = vec![width; ["linear", "one", "two"].iter().position(|f| *f == family).unwrap_or(0)];
    let config = Mlp::builder(2).hidden(&hidden).outputs(1).activation(Activation::RELU);
    let (mlp, params) = config.create(seed)?;
    Ok((Box::new(mlp), params))
}

/// `z = b - sum_k a_k^2 relu(x w_k + c_k)`: concave in `x`, so `{z > 0}` is convex.
#[derive(Debug)]
struct ConcaveHead {
    w: ParamId,
    c: ParamId,
    a: ParamId,
    b: ParamId,
}

impl ConcaveHead {
    fn new(layout: &mut Layout, width: usize) -> Self {
        let mut scope = layout.scope();
        Self {
            w: scope.param("w", ParamKind::Weight, 2, width, Init::HE_NORMAL),
            c: scope.param("c", ParamKind::Bias, 1, width, Init::ZEROS),
            a: scope.param("a", ParamKind::Weight, width, 1, Init::GLOROT_NORMAL),
            b: scope.param("b", ParamKind::Bias, 1, 1, Init::ZEROS),
        }
    }
}

impl<T: Scalar> Module<T> for ConcaveHead {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let (w, c, a, b) = (g.param(self.w), g.param(self.c), g.param(self.a), g.param(self.b));
        let units = g.linear_act(x, w, Some(c), Activation::RELU.act()); // (batch, width)
        let squared = g.square(a);
        let sum = g.matmul(units, Trans::No, squared, Trans::No); // (batch, 1)
        let below = g.neg(sum);
        g.add(below, b)
    }
}

/// For each seed the least or greatest accuracy over some regions; then the mean with its interval.
fn extreme(r: &Results, family: &str, pick: fn(f64, f64) -> f64, of: fn(Region) -> bool) -> Option<Estimate> {
    let columns: Vec<Vec<f64>> =
        Region::ALL.into_iter().filter(|x| of(*x)).map(|x| r.values(&format!("{family} {x}"), "accuracy")).collect();
    let seeds = columns.iter().map(Vec::len).min()?;
    let values: Vec<f64> = (0..seeds).filter_map(|s| columns.iter().map(|c| c[s]).reduce(pick)).collect();
    estimate(&values)
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let columns = Region::ALL.map(|x| x.name().replace('_', " "));
    let panel = |family: &str, region: Region| {
        let name = format!("{family} {region}");
        let image =
            r.variant(&name).and_then(|v| v.first()).and_then(|o| o.images.get("map")).cloned().unwrap_or_default();
        Panel {
            image,
            caption: format!("{:.1} %", common::bar(r, &name, "accuracy", 100.0).0),
            points: outline(region),
        }
    };
    let panels: Vec<Vec<Panel>> = FAMILIES.iter().map(|(f, _)| Region::ALL.map(|x| panel(f, x)).into()).collect();
    let rows: Vec<String> = FAMILIES.iter().map(|(_, title)| title.to_string()).collect();
    let svg =
        regions(&rows, &columns, &panels, "x and y from -1 to 1; accuracy on 10 000 test points, mean over the seeds");
    let caption = "What each family accepts (orange) and rejects (blue), first seed. Dots lie on the border of the true region. The \
                   concave head accepts convex sets only; free rectifiers with one hidden layer are not bound by that.";
    Ok(vec![Figure::new("decision-maps", caption, svg)?])
}

/// Some points on the border of a region: where the membership of grid neighbours changes.
fn outline(region: Region) -> Vec<([f64; 2], usize)> {
    const N: usize = 24;
    let at = |i: usize| (2 * i + 1) as f64 / N as f64 - 1.0;
    let mut points = Vec::new();
    for i in 0..N {
        for j in 0..N - 1 {
            let between = (at(j) + at(j + 1)) / 2.0;
            if region.contains(at(j), at(i)) != region.contains(at(j + 1), at(i)) {
                points.push(([(between + 1.0) / 2.0, (at(i) + 1.0) / 2.0], 6));
            }
            if region.contains(at(i), at(j)) != region.contains(at(i), at(j + 1)) {
                points.push(([(at(i) + 1.0) / 2.0, (between + 1.0) / 2.0], 6));
            }
        }
    }
    points
}
