//! Signals and gradients on their way through stacks as they are born, against what theory says layer by layer.

use super::common;
use super::stack::{Seen, Stack};
use crate::criterion::{Criterion, Estimate, Kind, Side};
use crate::error::ExperimentError;
use crate::experiment::{Anchor, Experiment, Grain, Metrics, Profile, Run, Settings, Tag, Variant, metrics};
use crate::figure::{Axis, Chart, Figure, bars, lines};
use crate::results::{Results, estimate};
use layerwise::nn::{Activation, Init};
use layerwise::tensor::Stream;
use serde::{Deserialize, Serialize};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "vanishing-gradients",
    question: "By how much do signals and gradients shrink or grow with each layer, and what decides it?",
    claim: "The derivative of the sigmoid is at most 1/4, so gradients vanish in deep networks; the right scale of the weights for the \
            activation keeps them.",
    protocol: "Slopes: stacks of 30 layers without biases, standard normal inputs and cotangents; slope of log10 of the gradient's norm \
               from the last layer to the first, a layer. Linear: 10 layers without activation, 20 stacks a seed; ratio of the outputs' \
               mean squares from layer to layer against n Var[W]. Jacobians: 5 layers of tanh, mean singular value over the layers, \
               weights U(+-1/sqrt n) (standard) or Glorot's (normalised); there too the norms of the weights' gradients by layer, and \
               both once more with inputs of standard deviation 0.3. Width 300, 1000 under full for the Jacobians.",
    anchor: Anchor {
        text: "mean singular value of a layer's Jacobian about 0.8 with normalised, 0.5 with standard weights; n Var[W] = 1/3 for \
               standard weights; weight gradients alike over layers even there (Eq. 14)",
        source: "X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010",
        tag: Tag::V,
    },
    data: &[],
    tour: false,
    seeds: [1, 5, 10],
    seconds: [5.0, 30.0, 600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion {
            id: "sigmoid-slope",
            statement: "sigmoid with Glorot's weights: log10 of the gradient's norm falls by at least 0.4 a layer",
            threshold: -0.4,
            side: Side::AtMost,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "sigma' <= 1/4: log10(1/4) = -0.60",
            cause: "",
            estimate: |r| r.mean("sigmoid glorot", "slope"),
        },
        Criterion {
            id: "tanh-slope",
            statement: "tanh with Glorot's weights: the slope is above -0.15 a layer",
            threshold: -0.15,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "tanh'(0) = 1",
            cause: "",
            estimate: |r| r.mean("tanh glorot", "slope"),
        },
        Criterion {
            id: "relu-he-slope",
            statement: "ReLU with He's weights: the mean slope is within 0.05 of 0",
            threshold: 0.05,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "He et al. 2015: the variance is kept on average",
            cause: "",
            estimate: |r| r.mean("relu he", "slope").map(|e| Estimate::exact(e.value.abs())),
        },
        Criterion {
            id: "relu-glorot-slope",
            statement: "ReLU with Glorot's weights: the mean slope is within 0.02 of log10(sqrt(1/2)) = -0.1505",
            threshold: 0.02,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "half of the units are off: half of the variance is lost a layer",
            cause: "",
            estimate: |r| {
                let slope = r.mean("relu glorot", "slope")?.value;
                Some(Estimate::exact((slope - 0.5f64.sqrt().log10()).abs()))
            },
        },
        Criterion {
            id: "linear-variance",
            statement: "without activations the mean square of the outputs changes by n Var[W] a layer, within 5 %, for standard (1/3) and \
                        Glorot's weights (1); the worse of the two",
            threshold: 0.05,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Glorot and Bengio 2010, Eq. 5",
            cause: "",
            estimate: |r| {
                let off = |name: &str, exact: f64| Some((r.mean(name, "ratio")?.value / exact - 1.0).abs());
                Some(Estimate::exact(off("linear standard", 1.0 / 3.0)?.max(off("linear glorot", 1.0)?)))
            },
        },
        Criterion {
            id: "jacobian-normalised",
            statement: "tanh with normalised weights: the mean singular value of a layer's Jacobian is within 0.1 of 0.8",
            threshold: 0.1,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: Some(crate::criterion::Published {
                value: 0.8,
                source: "Glorot and Bengio 2010, section 4.2.1",
                tag: Tag::V,
            }),
            source: "published: around 0.8",
            cause: "inputs of variance 1 bend tanh; with inputs of standard deviation 0.3, the last bars of the figure, it is 0.80.",
            estimate: |r| r.mean("tanh normalised", "singular").map(|e| Estimate::exact((e.value - 0.8).abs())),
        },
        Criterion {
            id: "jacobian-standard",
            statement: "tanh with standard weights: it is within 0.1 of 0.5",
            threshold: 0.1,
            side: Side::AtMost,
            kind: Kind::Exact,
            profile: Profile::Quick,
            needs: None,
            published: Some(crate::criterion::Published {
                value: 0.5,
                source: "Glorot and Bengio 2010, section 4.2.1",
                tag: Tag::V,
            }),
            source: "published: around 0.5",
            cause: "",
            estimate: |r| r.mean("tanh standard", "singular").map(|e| Estimate::exact((e.value - 0.5).abs())),
        },
        Criterion {
            id: "weight-gradients-alike",
            statement: "tanh with standard weights: the weights' gradients of the first and the last layer differ by less than a factor \
                        of 2, while the gradient at the outputs falls by more than 4",
            threshold: 0.0,
            side: Side::Above,
            kind: Kind::Interval,
            profile: Profile::Quick,
            needs: None,
            published: None,
            source: "Glorot and Bengio 2010, Eq. 14 and Figs. 7 and 8; in the linear regime the outputs' gradient falls by sqrt(3)^4 = 9",
            cause: "",
            estimate: |r| {
                let (weights, outputs) = (r.values("tanh standard", "weight_fall"), r.values("tanh standard", "fall"));
                // The nearer of the two conditions to being broken, in factors of 2.
                let room = |(w, o): (&f64, &f64)| (1.0 - w.log2().abs()).min(o.log2() - 2.0);
                estimate(&weights.iter().zip(&outputs).map(room).collect::<Vec<_>>())
            },
        },
    ],
    figures,
};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    activation: Activation,
    init: Init,
    width: usize,
    layers: usize,
    /// Standard deviation of the inputs.
    input: f32,
    /// Stacks whose numbers are averaged.
    stacks: usize,
    /// Whether Jacobians are taken apart.
    singular: bool,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let wide = s.profile.pick([100, 300, 1_000]);
    let of = |name: &str, activation, init, layers, stacks, singular| {
        let width = if singular { wide } else { 300 };
        Variant::new(name, Config { activation, init, width, layers, input: 1.0, stacks, singular })
    };
    let small = |name: &str, init| {
        let activation = Activation::TANH;
        Variant::new(name, Config { activation, init, width: wide, layers: 5, input: 0.3, stacks: 1, singular: true })
    };
    vec![
        of("sigmoid glorot", Activation::SIGMOID, Init::GLOROT_NORMAL, 30, 1, false),
        of("tanh glorot", Activation::TANH, Init::GLOROT_NORMAL, 30, 1, false),
        of("relu he", Activation::RELU, Init::HE_NORMAL, 30, 4, false),
        of("relu glorot", Activation::RELU, Init::GLOROT_NORMAL, 30, 4, false),
        of("linear standard", Activation::IDENTITY, Init::TORCH_LINEAR, 10, 20, false),
        of("linear glorot", Activation::IDENTITY, Init::GLOROT_NORMAL, 10, 20, false),
        of("tanh standard", Activation::TANH, Init::TORCH_LINEAR, 5, 1, true),
        of("tanh normalised", Activation::TANH, Init::GLOROT_UNIFORM, 5, 1, true),
        small("tanh standard, small inputs", Init::TORCH_LINEAR),
        small("tanh normalised, small inputs", Init::GLOROT_UNIFORM),
    ]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let stack = Stack {
        activation: c.activation,
        init: c.init,
        width: c.width,
        layers: c.layers,
        batch: c.width,
        input: c.input,
    };
    let stream = Stream::new(seed).child("stacks");
    let seen: Vec<Vec<Seen>> = (0..c.stacks).map(|i| stack.look(&stream.at(i as u64), c.singular)).collect();
    let n = c.stacks as f64;
    let mean = |f: &dyn Fn(&[Seen]) -> f64| seen.iter().map(|s| f(s)).sum::<f64>() / n;
    let last = c.layers - 1;
    let steps = last as f64;
    let layers = || (1..=c.layers).map(|l| l as f64);
    run.curve("gradient", layers(), (0..c.layers).map(|l| mean(&|s| s[l].gradient / s[last].gradient)));
    run.curve("signal", layers(), (0..c.layers).map(|l| mean(&|s| s[l].signal)));
    let mut found = metrics([
        ("slope", mean(&|s| (s[0].gradient / s[last].gradient).log10() / steps)),
        // Of the logarithms, since it is factors that follow each other.
        ("ratio", mean(&|s| (s[last].signal / s[0].signal).ln() / steps).exp()),
        ("fall", mean(&|s| s[last].gradient / s[0].gradient)),
        ("weight_fall", mean(&|s| s[last].weight_gradient / s[0].weight_gradient)),
    ]);
    if c.singular {
        let over_layers = |s: &[Seen]| s.iter().map(|s| s.singular).sum::<f64>() / c.layers as f64;
        found.insert("singular".into(), mean(&over_layers));
        run.curve("singular", layers(), (0..c.layers).map(|l| mean(&|s| s[l].singular)));
    }
    for (l, s) in seen[0].iter().enumerate() {
        let values = [("signal", s.signal), ("gradient", s.gradient), ("weight_gradient", s.weight_gradient)];
        run.log(l as u64 + 1, &values);
    }
    Ok(found)
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let deep = |v: &crate::results::VariantResults| v.config.get("layers").is_some_and(|l| l == 30);
    let gradient = Chart::new(
        "Gradient by layer, 30 layers as they are born",
        Axis::new("layer (1 is next to the input)"),
        Axis::new("norm, relative to the last layer").log().range(1e-19, 10.0),
    );
    let names: Vec<String> =
        ["tanh standard", "tanh normalised", "tanh standard, small inputs", "tanh normalised, small inputs"]
            .map(String::from)
            .into();
    let singular =
        Chart::new("Mean singular value of a layer's Jacobian", Axis::new("weights"), Axis::new("mean singular value"));
    let values: Vec<_> = names.iter().map(|n| vec![common::bar(r, n, "singular", 1.0)]).collect();
    Ok(vec![
        Figure::new(
            "gradients",
            "Norm of the gradient at each layer's outputs; bands over all seeds. Sigmoid loses more than a factor of 3 a layer, ReLU with \
             Glorot's weights a factor of 1.41, with He's nothing.",
            lines(&gradient, &common::bands(r, "gradient", deep)),
        )?,
        Figure::new(
            "jacobians",
            "Mean over the layers of a tanh network, and over seeds with its 95 % interval. Published: about 0.5 with standard, 0.8 with \
             normalised weights, for pictures. Small inputs: standard deviation 0.3 instead of 1, to see whether tanh is bent by the \
             inputs; no criterion looks at them.",
            bars(&singular, &names, &["mean singular value".into()], &values),
        )?,
    ])
}
