//! Which threshold keeps its promise about false alarms.

use super::prelude::*;
use layerwise::autoencoder::anomaly::{AutoencoderDetector, Threshold};
use layerwise::datasets::synthetic;
use layerwise::datasets::{Scaler, ScalerKind};

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "thresholds",
    question: "Which rule for the threshold on the reconstruction error raises as many false alarms as it promises?",
    claim: "The lecture: the threshold is the average reconstruction error of normal data.",
    protocol: "Scores: reconstruction errors of an autoencoder 30-24-12-24-30 (tanh, 150 epochs) on simulated normal radiotherapy plans \
               it has not seen: 1 000 train it, 1 000 calibrate, 20 000 give the true rate. And draws from a log-normal law (sigma 0.7), \
               1 000 to calibrate, 100 000 for the rate. Rules on the calibration scores: mean; mean + 3 standard deviations; quantile; \
               generalised Pareto tail above the 98 % quantile (SPOT); conformal. Realised rates for alpha = 0.1, 0.05, 0.01 and, for \
               the Pareto tail, 0.001. 200 splits in all under quick over the seeds, for the log-normal law.",
    anchor: Anchor {
        text: "conformal: the false alarm rate is at most alpha on average over calibrations; Pareto tails extrapolate beyond the data",
        source: "V. Vovk et al. 2005 (theorem); A. Siffer et al., Anomaly detection in streams with extreme value theory, KDD 2017",
        tag: Tag::M,
    },
    data: &[],
    tour: false,
    seeds: [2, 20, 40],
    seconds: [4.0, 60.0, 120.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact(
            "conformal",
            "the conformal rule's mean false alarm rate is at most alpha plus two standard errors for alpha \
                                       0.1, 0.05 and 0.01 on both laws (estimate: largest excess in standard errors)",
            Side::AtMost,
            2.0,
            |r| {
                let mut worst = f64::NEG_INFINITY;
                for law in LAWS {
                    for alpha in ALPHAS {
                        let rates = r.values(law, &format!("conformal_{alpha}"));
                        if rates.len() < 2 {
                            return None;
                        }
                        let error = stats::std(&rates) / (rates.len() as f64).sqrt();
                        worst = worst.max((stats::mean(&rates) - alpha) / error.max(1e-9));
                    }
                }
                Some(Estimate::exact(worst))
            },
        )
        .from("the theorem"),
        Criterion::interval(
            "three-sigma",
            "on the log-normal law mean + 3 standard deviations raises at least 5 times the alarms its \
                                            nominal 0.13 % promises",
            Side::AtLeast,
            5.0,
            |r| estimate(&r.values("log-normal", "three_sigma").iter().map(|v| v / 0.00135).collect::<Vec<_>>()),
        )
        .from("it is the normal law's number; errors are skewed"),
        Criterion::exact(
            "pareto",
            "the Pareto tail's mean rate at alpha = 0.001 is within a factor of 2 on both laws (estimate: largest \
                                    factor)",
            Side::AtMost,
            2.0,
            |r| {
                let factor = |law: &str| {
                    let rate = r.mean(law, "pareto_0.001")?.value.max(1e-9);
                    Some((rate / 0.001).max(0.001 / rate))
                };
                Some(Estimate::exact(factor(LAWS[0])?.max(factor(LAWS[1])?)))
            },
        )
        .from("Siffer et al. 2017; the suite's factor"),
        Criterion::exact(
            "mean",
            "the mean alone flags between 25 and 50 % of all normals on both laws (estimate: largest distance from \
                                  37.5 %)",
            Side::AtMost,
            0.125,
            |r| {
                let off = |law: &str| Some((r.mean(law, "mean")?.value - 0.375).abs());
                Some(Estimate::exact(off(LAWS[0])?.max(off(LAWS[1])?)))
            },
        )
        .from("skewed errors lie below their mean more often than above"),
    ],
    figures,
};

const LAWS: [&str; 2] = ["autoencoder", "log-normal"];
const ALPHAS: [f64; 3] = [0.1, 0.05, 0.01];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    calibration: usize,
    /// Scores that give the true rate.
    fresh: usize,
    /// Calibrations a seed.
    splits: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let fresh = s.profile.pick([2_000, 20_000, 20_000]);
    vec![
        Variant::new(LAWS[0], Config { calibration: 1_000, fresh, splits: 1 }),
        Variant::new(LAWS[1], Config { calibration: 1_000, fresh: 5 * fresh, splits: 10 }),
    ]
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let c: Config = v.config()?;
    let stream = Stream::new(seed).child("thresholds");
    let mut sums = Metrics::new();
    for split in 0..c.splits {
        let (calibration, fresh) = if v.name == LAWS[0] {
            plans(&c, run.profile, seed, &stream)?
        } else {
            let draw = |name: &str, n| {
                let mut z = vec![0.0f64; n];
                stream.child(name).at(split as u64).normal(0, &mut z);
                z.into_iter().map(|z| (0.7 * z).exp()).collect::<Vec<f64>>()
            };
            (draw("calibration", c.calibration), draw("fresh", c.fresh))
        };
        let rate = |t: &Threshold| {
            let cut = t.cut(&calibration);
            fresh.iter().filter(|s| **s > cut).count() as f64 / fresh.len() as f64
        };
        let mut add = |name: String, rate: f64| *sums.entry(name).or_insert(0.0) += rate / c.splits as f64;
        add("mean".into(), rate(&Threshold::mean()));
        add("three_sigma".into(), rate(&Threshold::mean_plus_std(3.0)));
        for alpha in ALPHAS {
            add(format!("quantile_{alpha}"), rate(&Threshold::quantile(1.0 - alpha)));
            add(format!("conformal_{alpha}"), rate(&Threshold::conformal(alpha)));
            add(format!("pareto_{alpha}"), rate(&Threshold::pareto_tail(alpha)));
        }
        add("pareto_0.001".into(), rate(&Threshold::pareto_tail(0.001)));
        add("quantile_0.001".into(), rate(&Threshold::quantile(0.999)));
    }
    Ok(sums)
}

/// Errors on normal plans that calibrate, and on many more.
fn plans(c: &Config, profile: Profile, seed: u64, stream: &Stream) -> Result<(Vec<f64>, Vec<f64>), ExperimentError> {
    let set = synthetic::radiotherapy(1_000 + c.calibration + c.fresh, 0, 2.5, stream);
    let train = set.x.slice(s![..1_000, ..]);
    let scaler = Scaler::fit(ScalerKind::Standard, train);
    let detector = AutoencoderDetector::builder()
        .hidden(&[24])
        .code(12)
        .activation(Activation::TANH)
        .code_activation(Activation::TANH)
        .epochs(profile.pick([10, 150, 150]))
        .batch(64)
        .seed(seed)
        .rate(2e-3)
        .fit(scaler.transform(train).view())?;
    let score = |from: usize, to: usize| -> Result<Vec<f64>, ExperimentError> {
        Ok(detector.score(scaler.transform(set.x.slice(s![from..to, ..])).view())?.to_vec())
    };
    let middle = 1_000 + c.calibration;
    Ok((score(1_000, middle)?, score(middle, middle + c.fresh)?))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let mut all = Vec::new();
    for law in LAWS {
        let x = [0.001, 0.01, 0.05, 0.1];
        let of = |rule: &str, title: &str| {
            let ys: Vec<Vec<f64>> = x.iter().map(|a| r.values(law, &format!("{rule}_{a}"))).collect();
            let usable: Vec<usize> = (0..x.len()).filter(|i| !ys[*i].is_empty()).collect();
            let seeds = usable.iter().map(|i| ys[*i].len()).min().unwrap_or(0);
            let xs: Vec<f64> = usable.iter().map(|i| x[*i]).collect();
            let curves: Vec<Vec<f64>> =
                (0..seeds).map(|s| usable.iter().map(|i| ys[*i][s].max(1e-5)).collect()).collect();
            Series::band(title, curves.iter().map(|c| (&xs[..], &c[..])))
        };
        let series = [
            of("quantile", "quantile"),
            of("conformal", "conformal"),
            of("pareto", "Pareto tail"),
            Series::new("as promised", &x, &x).dashed(),
        ];
        let chart = Chart::new(
            format!("False alarms: {law}"),
            Axis::new("promised rate").log(),
            Axis::new("realised rate").log(),
        );
        let caption = format!(
            "Realised against promised rate of false alarms; bands over all seeds. The mean alone flags {:.0} %, mean + 3 standard \
             deviations {:.2} %.",
            100.0 * common::bar(r, law, "mean", 1.0).0,
            100.0 * common::bar(r, law, "three_sigma", 1.0).0,
        );
        all.push(Figure::new(law, caption, lines(&chart, &series))?);
    }
    Ok(all)
}
