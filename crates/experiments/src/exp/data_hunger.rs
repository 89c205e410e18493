//! Test error against the number of training examples.

use super::prelude::*;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "data-hunger",
    question: "How does the error fall with the number of training examples?",
    claim: "Deep networks need much data.",
    protocol: "784-256-256-10, ReLU, He's weights, dropout 0.2 in the hidden layers, Adam at 0.001 with a cosine, batches of 64; 100 to \
               10 000 digits (60 000 under full), 2 000 steps each (10 000 under full), so the same computation whatever the number. \
               Multinomial logistic regression beside it. Slope of log error against log examples by least squares.",
    anchor: Anchor {
        text: "error falls as a power of the number of examples",
        source: "J. Hestness et al., Deep learning scaling is predictable, empirically, 2017; no figure for MNIST",
        tag: Tag::M,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 3, 5],
    seconds: [4.0, 60.0, 900.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact(
            "monotone",
            "the mean test error falls with every step in the number of examples",
            Side::Below,
            0.0,
            |r| {
                let means = sizes(r.profile)
                    .iter()
                    .map(|n| Some(r.mean(&format!("mlp {n}"), "error")?.value))
                    .collect::<Option<Vec<_>>>();
                means?.windows(2).map(|w| w[1] - w[0]).reduce(f64::max).map(Estimate::exact)
            },
        )
        .from("more data must not hurt"),
        Criterion::interval(
            "steep",
            "the slope of log error against log examples is below -0.3",
            Side::Below,
            -0.3,
            |r| estimate(&slopes(r)),
        )
        .on("mnist")
        .from("the suite's band for MNIST: -0.3 to -0.7"),
        Criterion::interval("not-too-steep", "and above -0.7", Side::Above, -0.7, |r| estimate(&slopes(r)))
            .on("mnist")
            .from("the same band"),
        Criterion::interval(
            "few-suffice-for-linear",
            "with 100 examples the network is less than 3 points better than logistic regression",
            Side::Below,
            0.03,
            |r| r.difference("logistic 100", "mlp 100", "error"),
        )
        .from("with few examples there is little for depth to find"),
    ],
    figures,
};

fn sizes(profile: Profile) -> Vec<usize> {
    match profile {
        Profile::Smoke => vec![100, 300],
        Profile::Quick => vec![100, 300, 1_000, 3_000, 10_000],
        Profile::Full => vec![100, 300, 1_000, 3_000, 10_000, 60_000],
    }
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let steps = s.profile.pick([60usize, 2_000, 10_000]);
    let of = |n: usize, hidden: &[usize], dropout| {
        let epochs = steps.div_ceil(n.div_ceil(64));
        Learning { dropout, cosine: true, batch: 64, ..Learning::new(hidden, epochs, n) }
    };
    let sizes = sizes(s.profile);
    let mlps = sizes.iter().map(|n| Variant::new(format!("mlp {n}"), of(*n, &[256, 256], 0.2)));
    let logistic = sizes.iter().map(|n| Variant::new(format!("logistic {n}"), of(*n, &[], 0.0)));
    mlps.chain(logistic).collect()
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let learning: Learning = v.config()?;
    let digits = common::digits(run)?;
    // Other examples for each seed.
    let order = Stream::new(seed).child("examples").permutation(digits.train.rows());
    let chosen: Vec<usize> = (0..learning.examples.min(digits.train.rows())).map(|i| order.get(i)).collect();
    let train = digits.train.take(&chosen);
    let learned = learning.learn(&train, seed)?;
    run.log(learned.losses.len() as u64, &[("loss", learned.losses.last().copied().unwrap_or(f64::NAN))]);
    Ok(metrics([("error", learned.error(&digits.test)?), ("train_loss", learned.loss(&train)?)]))
}

/// The slope for each seed.
fn slopes(r: &Results) -> Vec<f64> {
    let sizes = sizes(r.profile);
    let errors: Vec<Vec<f64>> = sizes.iter().map(|n| r.values(&format!("mlp {n}"), "error")).collect();
    let seeds = errors.iter().map(Vec::len).min().unwrap_or(0);
    (0..seeds).map(|s| common::slope(sizes.iter().zip(&errors).map(|(n, e)| ((*n as f64).ln(), e[s].ln())))).collect()
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let sizes = sizes(r.profile);
    let x: Vec<f64> = sizes.iter().map(|n| *n as f64).collect();
    let of = |kind: &str, title: &str| {
        let errors: Vec<Vec<f64>> = sizes.iter().map(|n| r.values(&format!("{kind} {n}"), "error")).collect();
        let seeds = errors.iter().map(Vec::len).min().unwrap_or(0);
        let curves: Vec<Vec<f64>> = (0..seeds).map(|s| errors.iter().map(|e| 100.0 * e[s]).collect()).collect();
        Series::band(title, curves.iter().map(|c| (&x[..], &c[..])))
    };
    let chart = Chart::new(
        "Error by number of examples",
        Axis::new("training examples").log(),
        Axis::new("test error (%)").log(),
    );
    Ok(vec![Figure::new(
        "error",
        "Test error by the number of training examples at an equal number of steps; bands over all seeds, which draw their examples anew.",
        lines(&chart, &[of("mlp", "784-256-256-10"), of("logistic", "logistic regression")]),
    )?])
}
