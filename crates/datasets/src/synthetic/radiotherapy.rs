//! Simulated plans of breast radiotherapy.

use super::draw::{choice, normal, uniform};
use crate::anomalies::AnomalySet;
use layerwise_tensor::Stream;
use ndarray::Array2;

/// The thirty features of a plan; fields: 0 medial tangent, 1 lateral tangent, 2 medial IMRT, 3 lateral IMRT.
pub const RADIOTHERAPY_FEATURES: [&str; 30] = [
    "segments_2",
    "segments_3",
    "ssd_0",
    "ssd_1",
    "ssd_2",
    "ssd_3",
    "x1_0",
    "x1_1",
    "x1_2",
    "x1_3",
    "x2_0",
    "x2_1",
    "x2_2",
    "x2_3",
    "y1_0",
    "y1_1",
    "y1_2",
    "y1_3",
    "y2_0",
    "y2_1",
    "y2_2",
    "y2_3",
    "gantry_0",
    "gantry_1",
    "gantry_2",
    "gantry_3",
    "mu_0",
    "mu_1",
    "mu_2",
    "mu_3",
];

const SEG: usize = 0;
const SSD: usize = 2;
const X1: usize = 6;
const X2: usize = 10;
const Y1: usize = 14;
const Y2: usize = 18;
const GANTRY: usize = 22;
const MU: usize = 26;

/// Simulated plans of breast radiotherapy, hybrid IMRT: `normal` acceptable ones, then `anomalous` ones with one to three
/// defects each, whose size grows with `severity` (2.5 reproduces the published figures of the local outlier factor).
///
/// The data are invented. Each plan has 30 features as in J. Huang et al., Front. Oncol. 13:1142947 (2023), who show no
/// ranges; the ranges here are clinical common sense (source-axis distance 100 cm, two open tangents and two IMRT fields at the
/// same angles). The acceptable plans form four groups (side and prescription); monitor units are a non-linear function of dose,
/// field area and depth, so that a defect that leaves each feature in its range can still break the relations.
/// Units: cm, degrees, monitor units.
///
/// ```
/// use layerwise_datasets::synthetic::radiotherapy;
/// use layerwise_tensor::Stream;
/// let plans = radiotherapy(557, 19, 2.5, &Stream::new(0));
/// assert_eq!((plans.rows(), plans.cols(), plans.anomalies()), (576, 30, 19));
/// ```
pub fn radiotherapy(normal: usize, anomalous: usize, severity: f64, stream: &Stream) -> AnomalySet {
    let mut x = acceptable(normal + anomalous, &stream.child("plans"));
    spoil(&mut x, normal, severity, &stream.child("defects"));
    AnomalySet {
        name: "radiotherapy".into(),
        features: RADIOTHERAPY_FEATURES.map(String::from).into(),
        x,
        anomalous: (0..normal + anomalous).map(|i| i >= normal).collect(),
    }
}

/// Plans without a defect.
fn acceptable(n: usize, stream: &Stream) -> Array2<f64> {
    let gauss = |name: &str, mean, std| normal(stream, name, n, mean, std);
    let gauss4 = |name: &str, mean, std| normal(stream, name, 4 * n, mean, std);
    let side = uniform(stream, "side", n, 0.0, 1.0);
    let dose = uniform(stream, "dose", n, 0.0, 1.0);
    let size = gauss("size", 0.0, 1.0);
    let separation = gauss("separation", 0.0, 0.9);
    let width = gauss("width", 0.0, 0.5);
    let posterior = gauss("posterior", 0.6, 0.25);
    let (superior, inferior) = (gauss("superior", 0.0, 0.9), gauss("inferior", 0.0, 0.9));
    let (medial, lateral) = (gauss("medial", 307.0, 4.0), gauss("lateral", 0.0, 1.2));
    let (second_medial, second_lateral) = (gauss("second medial", 0.0, 0.6), gauss("second lateral", 0.0, 0.6));
    let (offset, bolus) = (gauss("offset", 0.0, 0.6), normal(stream, "skin", 2 * n, 2.2, 0.4));
    let setup = normal(stream, "setup", 2 * n, 0.0, 0.03);
    let shrink = normal(stream, "shrink", 2 * n, 0.6, 0.2);
    let (jaw1, jaw2) = (gauss4("jaw 1", 0.0, 0.05), gauss4("jaw 2", 0.0, 0.05));
    let (open, balance) = (gauss("open", 0.74, 0.04), gauss("balance", 0.5, 0.025));
    let output = gauss4("output", 1.0, 0.02);
    let segments = normal(stream, "segments", 2 * n, 0.0, 0.9);

    let mut x = Array2::zeros((n, 30));
    for (i, mut plan) in x.rows_mut().into_iter().enumerate() {
        let left = side[i] < 0.52;
        let hypofractionated = dose[i] < 0.35;
        let size = size[i];
        let sep = (20.0 + 2.2 * size + separation[i]).clamp(13.0, 29.0);
        let wid = (7.6 + 0.9 * size + width[i]).clamp(4.8, 11.5);
        let post = posterior[i].clamp(0.0, 1.6);
        let y_sup = (8.6 + 0.5 * size + superior[i]).clamp(5.5, 12.5);
        let y_inf = (8.9 + 0.7 * size + inferior[i]).clamp(5.5, 12.5);

        // The lateral field faces the medial one, but for the divergence of the beam: the posterior edges coincide.
        let med = (medial[i] + 0.6 * size).clamp(292.0, 320.0).round();
        let divergence = 2.0 * ((wid - post) / 200.0).atan().to_degrees();
        let lat = (med - 180.0 + divergence + lateral[i]).round();
        let gantry = [med, lat, med + second_medial[i].round(), lat + second_lateral[i].round()];

        let open = open[i].clamp(0.6, 0.88);
        let balance = balance[i].clamp(0.4, 0.6);
        let part = [open * balance, open * (1.0 - balance), (1.0 - open) * balance, (1.0 - open) * (1.0 - balance)];
        let prescription = if hypofractionated { 290.0 } else { 200.0 };

        for f in 0..4 {
            let (side, imrt) = (f % 2, f >= 2);
            let depth = if side == 0 { sep / 2.0 + offset[i] } else { sep / 2.0 - offset[i] };
            let ssd = 100.0 - (depth - bolus[2 * i + side]).clamp(3.0, 16.0);
            let ssd = if imrt { ssd + setup[2 * i + side] } else { ssd };
            // Fields of modulated intensity are a little smaller.
            let shrink = if imrt { shrink[2 * i + side].clamp(0.1, 1.4) } else { 0.0 };
            let (mut x1, mut x2) = if side == 0 { (post, wid) } else { (wid, post) };
            if !left {
                std::mem::swap(&mut x1, &mut x2);
            }
            let less = |jaw: f64| if jaw > 2.0 { jaw - shrink } else { jaw };
            let (x1, x2) = (less(x1), less(x2));
            let y1 = y_inf + jaw1[4 * i + f] - 0.6 * shrink;
            let y2 = y_sup + jaw2[4 * i + f] - 0.6 * shrink;

            let area = (x1 + x2) * (y1 + y2);
            let square = 2.0 * area / ((x1 + x2) + (y1 + y2));
            let output_factor = 0.92 + 0.08 * (1.0 - (-square / 9.0).exp());
            let tissue_maximum = 0.985 * (-0.045 * (100.0 - ssd - 1.5)).exp();
            let modulation = if imrt { 1.25 } else { 1.0 };
            let mu = prescription * part[f] / (output_factor * tissue_maximum) * modulation * output[4 * i + f];

            plan[SSD + f] = ssd;
            plan[X1 + f] = x1;
            plan[X2 + f] = x2;
            plan[Y1 + f] = y1;
            plan[Y2 + f] = y2;
            plan[GANTRY + f] = if left { gantry[f] } else { (360.0 - gantry[f]).rem_euclid(360.0) };
            plan[MU + f] = mu;
        }
        for k in 0..2 {
            let wanted = 4.0 + 0.9 * size + 12.0 * ((1.0 - open) - 0.26) + segments[2 * i + k];
            plan[SEG + k] = wanted.round().clamp(1.0, 12.0);
        }
    }
    x
}

const DEFECTS: usize = 8;

/// Puts 1 + Binomial(2, 0.35) different defects into each plan from row `first` on.
fn spoil(x: &mut Array2<f64>, first: usize, severity: f64, stream: &Stream) {
    for i in first..x.nrows() {
        let own = stream.at(i as u64);
        let extra = uniform(&own, "count", 2, 0.0, 1.0).iter().filter(|&&u| u < 0.35).count();
        let kinds = own.child("kinds").permutation(DEFECTS);
        for k in 0..1 + extra {
            let draw = own.child("defect").at(k as u64);
            let mut plan = [0.0; 30];
            plan.iter_mut().zip(x.row(i)).for_each(|(p, v)| *p = *v);
            defect(&mut plan, kinds.get(k), severity, &draw);
            x.row_mut(i).iter_mut().zip(plan).for_each(|(v, p)| *v = p);
        }
    }
}

fn defect(plan: &mut [f64; 30], kind: usize, severity: f64, stream: &Stream) {
    let field = choice(stream, "field", 1, 4)[0];
    let which = choice(stream, "which", 1, 2)[0];
    let sign = if choice(stream, "sign", 1, 2)[0] == 0 { 1.0 } else { -1.0 };
    let between = |low, high| uniform(stream, "size", 1, low, high)[0] * severity;
    match kind {
        // Transposed digits, wrong laterality.
        0 => plan[GANTRY + field] = (plan[GANTRY + field] + sign * between(8.0, 26.0).round()).rem_euclid(360.0),
        // Wrong isocentre, shifted patient.
        1 => plan[SSD + field] += sign * between(1.5, 4.0),
        // Field too wide.
        2 => plan[[X1, X2][which] + field] += between(2.0, 4.0),
        // Target cut.
        3 => {
            let jaw = &mut plan[[Y1, Y2][which] + field];
            *jaw = (*jaw - between(2.0, 4.0)).max(0.5);
        }
        // Wrong weight of a field.
        4 => plan[MU + field] *= (sign * between(0.3, 0.65)).exp(),
        // Over-modulated.
        5 => {
            plan[SEG + which] += between(5.0, 8.0).round();
            plan[MU + 2 + which] *= (uniform(stream, "weight", 1, 0.2, 0.5)[0] * severity).exp();
        }
        // Medial and lateral field in the wrong order.
        6 => {
            let pair = 2 * which;
            for first in [SSD, X1, X2, Y1, Y2, GANTRY, MU] {
                plan.swap(first + pair, first + pair + 1);
            }
        }
        // Wrong prescription or number of fractions.
        _ => {
            let factor = (sign * between(0.2, 0.4)).exp();
            plan[MU..MU + 4].iter_mut().for_each(|mu| *mu *= factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scaler, ScalerKind};

    fn range(x: &Array2<f64>, first: usize, count: usize) -> (f64, f64) {
        let part = x.columns().into_iter().skip(first).take(count);
        part.flatten().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)))
    }

    /// The ranges that 557 draws of the original simulator had, with room for other draws.
    #[test]
    fn acceptable_plans_have_the_documented_ranges() {
        for seed in 0..5 {
            let x = radiotherapy(557, 0, 2.5, &Stream::new(seed)).x;
            let wanted = [
                ("segments", SEG, 2, 1.0..=2.0, 8.0..=11.0),
                ("ssd", SSD, 4, 85.5..=88.5, 95.0..=97.1),
                ("x", X1, 8, 0.0..=0.0, 9.7..=11.5),
                ("y", Y1, 8, 4.5..=5.9, 11.2..=12.8),
                ("gantry", GANTRY, 4, 39.0..=46.0, 314.0..=322.0),
                ("mu", MU, 4, 16.0..=30.0, 165.0..=235.0),
            ];
            for (name, first, count, lowest, highest) in wanted {
                let (low, high) = range(&x, first, count);
                assert!(lowest.contains(&low) && highest.contains(&high), "seed {seed}, {name}: {low} to {high}");
            }
            assert!(x.iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn acceptable_plans_have_the_documented_moments() {
        let n = 20_000;
        let x = radiotherapy(n, 0, 2.5, &Stream::new(11)).x;
        let mean = |j: usize| x.column(j).mean().unwrap();
        let close = |name: &str, found: f64, wanted: f64, room: f64| {
            assert!((found - wanted).abs() < room, "{name}: {found}, {wanted} wanted");
        };
        close("segments", mean(SEG), 4.0, 0.05);
        close("skin distance", mean(SSD), 100.0 - (10.0 - 2.2), 0.05);
        close("lower jaw", mean(Y1), 8.9, 0.05);
        close("upper jaw", mean(Y2 + 2), 8.6 - 0.36, 0.05);
        let left = (0..n).filter(|&i| x[[i, GANTRY]] > 180.0).count() as f64 / n as f64;
        close("share of left breasts", left, 0.52, 0.015);
        // The fields of a pair face each other but for the divergence of the beam.
        let facing =
            (0..n).filter(|&i| x[[i, GANTRY]] > 180.0).map(|i| x[[i, GANTRY]] - x[[i, GANTRY + 1]]).sum::<f64>();
        close("angle between the tangents", facing / (left * n as f64), 180.0 - 4.0, 0.3);
        // Monitor units times output and depth give the prescription back: 200 or 290, and nothing between.
        let dose = |i: usize| {
            (0..4)
                .map(|f| {
                    let at = |first: usize| x[[i, first + f]];
                    let (wide, high) = (at(X1) + at(X2), at(Y1) + at(Y2));
                    let square = 2.0 * wide * high / (wide + high);
                    let output = 0.92 + 0.08 * (1.0 - (-square / 9.0).exp());
                    let depth = 0.985 * (-0.045 * (100.0 - at(SSD) - 1.5)).exp();
                    at(MU) * output * depth / if f < 2 { 1.0 } else { 1.25 }
                })
                .sum::<f64>()
        };
        let high = (0..n).map(dose).inspect(|d| assert!((d - 200.0).abs() < 20.0 || (d - 290.0).abs() < 29.0, "{d}"));
        close("share of the shorter course", high.filter(|&d| d > 245.0).count() as f64 / n as f64, 0.35, 0.015);
    }

    #[test]
    fn anomalous_plans_are_the_last_and_differ() {
        let (plans, plain) = (radiotherapy(50, 200, 2.5, &Stream::new(1)), radiotherapy(250, 0, 2.5, &Stream::new(1)));
        assert_eq!(plans.anomalies(), 200);
        let same = |i: usize| plans.x.row(i) == plain.x.row(i);
        assert!((0..50).all(same) && !(50..250).any(same));
        assert!(plans.x.iter().all(|v| v.is_finite()));
    }

    /// The severity 2.5 was chosen so that the local outlier factor reaches the published 0.9535: 0.956 +- 0.016 there.
    #[test]
    fn the_local_outlier_factor_finds_them_as_well_as_published() {
        let seeds = 8;
        let mean = |severity| (0..seeds).map(|seed| lof_auc(seed, severity)).sum::<f64>() / seeds as f64;
        let (published, milder) = (mean(2.5), mean(1.5));
        println!("area under the ROC curve: {published:.4} at severity 2.5, {milder:.4} at 1.5");
        assert!((0.93..0.98).contains(&published), "{published}");
        assert!((0.82..0.92).contains(&milder), "{milder}");
    }

    fn lof_auc(seed: u64, severity: f64) -> f64 {
        const K: usize = 20;
        let plans = radiotherapy(557, 19, severity, &Stream::new(seed).child("plans"));
        let x = Scaler::fit(ScalerKind::Standard, plans.x.view()).transform(plans.x.view());
        let n = x.nrows();
        let near: Vec<Vec<(f64, usize)>> = (0..n)
            .map(|i| {
                let to = |j: usize| x.row(i).iter().zip(x.row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
                let mut all: Vec<(f64, usize)> = (0..n).filter(|&j| j != i).map(|j| (to(j), j)).collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0));
                all.truncate(K);
                all
            })
            .collect();
        let reach = |&(d, j): &(f64, usize)| d.max(near[j][K - 1].0);
        let density: Vec<f64> = near.iter().map(|m| K as f64 / m.iter().map(reach).sum::<f64>()).collect();
        let score: Vec<f64> =
            (0..n).map(|i| near[i].iter().map(|&(_, j)| density[j]).sum::<f64>() / K as f64 / density[i]).collect();
        let below = |i: usize| (0..557).filter(|&j| score[j] < score[i]).count() as f64 / 557.0;
        (557..n).map(below).sum::<f64>() / 19.0
    }
}
