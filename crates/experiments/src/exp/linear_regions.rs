//! Linear regions of ReLU networks: counted exactly where a theorem says how many, and along lines where chance decides.

use super::prelude::*;
use std::collections::BTreeSet;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "linear-regions",
    question: "Into how many linear regions do ReLU networks cut their input, and does depth make more of them?",
    claim: "Deep networks have exponentially many more linear regions than shallow ones of the same size.",
    protocol: "Plane: 20 networks with one hidden layer of 12 units and normal weights and biases; all regions found by their patterns \
               around every crossing of two lines. Folded: 4 units a layer fold each coordinate once, and the last layer cuts by 4 lines \
               in general position; patterns counted on a grid of 2 048 x 2 048 points. Random: inputs of 10 numbers, 1 to 6 hidden \
               layers, 24 to 384 units in all, He's weights and biases N(0, 0.1^2); pieces along a straight line of length 8, by the \
               changes of the pattern over 40 000 points. Trained: 784-64-64-10 on 2 000 digits, pieces between pairs of test images \
               before and after 10 epochs of Adam.",
    anchor: Anchor {
        text: "one layer: 1 + n + n(n-1)/2 regions of the plane; deep: at least prod floor(n_l / n_0)^n_0 times the last layer's; random \
               networks cut a line into pieces in proportion to their units, whatever their depth",
        source: "Zaslavsky 1975; G. Montufar et al., NIPS 2014; B. Hanin and D. Rolnick, ICML 2019",
        tag: Tag::M,
    },
    data: &[DIGITS],
    tour: false,
    seeds: [1, 5, 10],
    seconds: [5.0, 60.0, 600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact("zaslavsky", "each of the shallow networks has exactly 1 + 12 + 66 = 79 regions", Side::AtMost, 0.0, |r| {
            r.largest(&["plane"], "off")
        })
        .from("Zaslavsky 1975, lines in general position"),
        Criterion::exact(
            "montufar",
            "the folded network of three layers has at least 4^2 x 11 = 176 regions, the bound of Montufar et al.",
            Side::AtLeast,
            176.0,
            |r| r.mean("folded", "regions").map(|e| Estimate::exact(e.value)),
        )
        .from("Montufar et al. 2014, theorem 4 with n_0 = 2 and layers of 4 units"),
        Criterion::interval(
            "slope-low",
            "random networks: the slope of log pieces against log units over all depths is above 0.8",
            Side::Above,
            0.8,
            |r| estimate(&slopes(r)),
        )
        .from("Hanin and Rolnick 2019: in proportion, a slope of 1; the suite's band is 0.8 to 1.2"),
        Criterion::interval("slope-high", "and it is below 1.2", Side::Below, 1.2, |r| estimate(&slopes(r)))
            .from("the same band"),
        Criterion::interval(
            "training-keeps",
            "training changes the number of pieces between test images by less than a factor of 2 (its logarithm to base 2 is below 1)",
            Side::Below,
            1.0,
            |r| estimate(&r.values("trained", "log2_change").iter().map(|c| c.abs()).collect::<Vec<_>>()),
        )
        .from("Hanin and Rolnick 2019: training changes little"),
    ],
    figures,
};

const DEPTHS: [usize; 4] = [1, 2, 4, 6];
const UNITS: [usize; 5] = [24, 48, 96, 192, 384];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Hidden layers of random networks.
    depth: usize,
    /// Points along a line, or networks in the plane.
    count: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let points = s.profile.pick([2_000, 40_000, 40_000]);
    let mut all = vec![
        Variant::new("plane", Config { depth: 1, count: 20 }).with_seeds(1),
        Variant::new("folded", Config { depth: 3, count: s.profile.pick([512, 2_048, 2_048]) }).with_seeds(1),
    ];
    all.extend(DEPTHS.map(|depth| Variant::new(format!("random depth {depth}"), Config { depth, count: points })));
    all.push(Variant::new("trained", Config { depth: 2, count: s.profile.pick([200, 2_000, 2_000]) }));
    all
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    let stream = Stream::new(seed).child("linear-regions");
    match v.name.as_str() {
        "plane" => Ok(metrics([("off", (0..config.count).map(|i| plane(&stream.at(i as u64))).fold(0.0, f64::max))])),
        "folded" => folded(config.count),
        "trained" => trained(&config, seed, run),
        _ => random(&config, &stream, run),
    }
}

/// How many regions of the plane 12 lines make, less what Zaslavsky's formula says.
fn plane(stream: &Stream) -> f64 {
    const N: usize = 12;
    let mut values = [0.0f64; 3 * N];
    stream.normal(0, &mut values);
    let lines: Vec<[f64; 3]> = (0..N).map(|i| [values[3 * i], values[3 * i + 1], values[3 * i + 2]]).collect();
    let mut regions = BTreeSet::new();
    // In general position every region has a corner: the four around each crossing are all there are.
    for i in 0..N {
        for j in 0..i {
            let ([a, b, c], [d, e, f]) = (lines[i], lines[j]);
            let det = a * e - b * d;
            let (x, y) = ((b * f - c * e) / det, (c * d - a * f) / det);
            let pattern = (0..N).filter(|k| lines[*k][0] * x + lines[*k][1] * y + lines[*k][2] > 0.0);
            let others = pattern.fold(0u32, |p, k| p | 1 << k) & !(1 << i | 1 << j);
            for both in 0..4u32 {
                regions.insert(others | (both & 1) << i | (both >> 1) << j);
            }
        }
    }
    (regions.len() as f64 - (1 + N + N * (N - 1) / 2) as f64).abs()
}

/// Two layers that fold the unit square onto itself twice, one that cuts it by four lines.
fn folded(points: usize) -> Result<Metrics, ExperimentError> {
    let (mlp, mut params) = Mlp::builder(2).hidden(&[4; 3]).outputs(1).create::<f64>(0)?;
    // Each coordinate has two units, relu(2x) and relu(4x - 2), whose difference is the tent.
    let fold: [f64; 8] = [2.0, 4.0, 0.0, 0.0, 0.0, 0.0, 2.0, 4.0];
    let read = |f: &[[f64; 4]; 2]| {
        [f[0].to_vec(), f[0].map(|v| -v).to_vec(), f[1].to_vec(), f[1].map(|v| -v).to_vec()].concat()
    };
    let refold = read(&[[2.0, 4.0, 0.0, 0.0], [0.0, 0.0, 2.0, 4.0]]);
    // x = 0.6, y = 0.4, y = x + 0.15, y = 0.9 - x: six crossings inside of the square.
    let cut = read(&[[1.0, 0.0, -1.0, 1.0], [0.0, 1.0, 1.0, 1.0]]);
    let biases = [[0.0, -2.0, 0.0, -2.0], [0.0, -2.0, 0.0, -2.0], [-0.6, -0.4, -0.15, -0.9]];
    for ((linear, weights), biases) in mlp.linears().into_iter().zip([fold.to_vec(), refold, cut]).zip(biases) {
        params.get_mut(linear.weight()).copy_from_slice(&weights);
        if let Some(bias) = linear.bias() {
            params.get_mut(bias).copy_from_slice(&biases);
        }
    }
    let mut regions = BTreeSet::new();
    for i in 0..points {
        // Off the lines of the construction, which are dyadic or simple decimals.
        let at = |i: usize| (i as f64 + 0.37) / points as f64;
        let row = Array2::from_shape_fn((points, 2), |(j, c)| if c == 0 { at(i) } else { at(j) });
        regions.extend(patterns(&mlp, &params, &row));
    }
    Ok(metrics([("regions", regions.len() as f64)]))
}

/// Which hidden units are on, for each row of `x`, as words of 64.
fn patterns(mlp: &Mlp, params: &Params<f64>, x: &Array2<f64>) -> Vec<Vec<u64>> {
    let linears = mlp.linears();
    let mut found = vec![Vec::new(); x.nrows()];
    let mut h = x.clone();
    let mut place = 0;
    for linear in &linears[..linears.len() - 1] {
        let mut z = h.dot(&params.view(linear.weight()));
        if let Some(bias) = linear.bias() {
            z += &Array1::from_vec(params.get(bias).to_vec());
        }
        for (words, row) in found.iter_mut().zip(z.rows()) {
            for (unit, v) in row.iter().enumerate() {
                if (place + unit) / 64 >= words.len() {
                    words.push(0);
                }
                words[(place + unit) / 64] |= u64::from(*v > 0.0) << ((place + unit) % 64);
            }
        }
        place += z.ncols();
        h = z.mapv(|v| v.max(0.0));
    }
    found
}

/// Pieces along the straight line from `from` to `to`.
fn pieces(mlp: &Mlp, params: &Params<f64>, from: &[f64], to: &[f64], points: usize) -> usize {
    const CHUNK: usize = 1_000;
    let mut last: Option<Vec<u64>> = None;
    let mut count = 0;
    for start in (0..points).step_by(CHUNK) {
        let n = CHUNK.min(points - start);
        let x = Array2::from_shape_fn((n, from.len()), |(i, j)| {
            let t = (start + i) as f64 / (points - 1) as f64;
            from[j] + t * (to[j] - from[j])
        });
        for pattern in patterns(mlp, params, &x) {
            count += usize::from(last.as_ref() != Some(&pattern));
            last = Some(pattern);
        }
    }
    count
}

fn random(config: &Config, stream: &Stream, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    const INPUTS: usize = 10;
    let mut counts = Vec::new();
    for units in UNITS {
        let net =
            Mlp::builder(INPUTS).hidden(&vec![units / config.depth; config.depth]).outputs(1).init(Init::HE_NORMAL);
        let (mlp, mut params) = net.create::<f64>(units as u64)?;
        let drawn = stream.child("net").at(units as u64);
        for (l, linear) in mlp.linears().into_iter().enumerate() {
            let scale = (2.0 / linear.inputs() as f64).sqrt();
            let w = params.get_mut(linear.weight());
            drawn.child("weight").at(l as u64).normal(0, w);
            w.iter_mut().for_each(|w| *w *= scale);
            if let Some(bias) = linear.bias() {
                let b = params.get_mut(bias);
                drawn.child("bias").at(l as u64).normal(0, b);
                b.iter_mut().for_each(|b| *b *= 0.1);
            }
        }
        let mut direction = [0.0f64; INPUTS];
        drawn.child("line").normal(0, &mut direction);
        let norm = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
        let end = direction.map(|d| 4.0 * d / norm);
        counts.push(pieces(&mlp, &params, &end.map(|d| -d), &end, config.count) as f64);
    }
    run.curve("pieces", UNITS.iter().map(|u| *u as f64), counts.iter().copied());
    Ok(metrics([("pieces_384", counts[UNITS.len() - 1]), ("pieces_24", counts[0])]))
}

/// For each seed the slope of log pieces against log units, over the units of all depths.
fn slopes(r: &Results) -> Vec<f64> {
    let curves: Vec<_> =
        DEPTHS.iter().filter_map(|d| r.variant(&format!("random depth {d}")).map(|v| v.curves("pieces"))).collect();
    let seeds = curves.iter().map(Vec::len).min().unwrap_or(0);
    (0..seeds)
        .map(|s| {
            let points = curves.iter().flat_map(|c| c[s].x.iter().zip(&c[s].y)).map(|(x, y)| (x.ln(), y.ln()));
            common::slope(points)
        })
        .collect()
}

fn trained(config: &Config, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let digits = common::digits(run)?;
    let learning = Learning::new(&[64, 64], if config.count < 1_000 { 1 } else { 10 }, config.count);
    let (mlp, born) = learning.network(digits.train.cols(), 10).create::<f32>(seed)?;
    let start: Params<f64> = born.cast();
    let learned = learning.fit(mlp, born, &digits.train, seed)?;
    let end: Params<f64> = learned.params.cast();
    let row = |i: usize| digits.test.x.row(i).iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let total = |params: &Params<f64>| {
        (0..10).map(|i| pieces(&learned.model, params, &row(2 * i), &row(2 * i + 1), config.count)).sum::<usize>()
            as f64
    };
    let (before, after) = (total(&start), total(&end));
    Ok(metrics([("before", before / 10.0), ("after", after / 10.0), ("log2_change", (after / before).log2())]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let chart = Chart::new(
        "Pieces along a line through random networks",
        Axis::new("hidden units in all").log(),
        Axis::new("linear pieces").log(),
    );
    let mut series = common::bands(r, "pieces", |v| v.name.starts_with("random"));
    series.push(Series::new("one for two units", &[24.0, 384.0], &[12.0, 192.0]).dashed());
    let change: Vec<Vec<(f64, f64)>> =
        [["before", "after"].map(|m| common::bar(r, "trained", m, 1.0)).to_vec()].to_vec();
    let bar = Chart::new("Pieces between two test images", Axis::new("784-64-64-10"), Axis::new("linear pieces"));
    Ok(vec![
        Figure::new(
            "random",
            "Linear pieces along a straight line, by the number of hidden units and the depth they are arranged in; bands over all seeds. \
             Chance makes them in proportion to the units, not to a power of the depth.",
            lines(&chart, &series),
        )?,
        Figure::new(
            "trained",
            "Pieces along lines between test images before and after training; mean over seeds with its 95 % interval.",
            bars(&bar, &["digits".into()], &["before training".into(), "after".into()], &change),
        )?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_general_position() {
        assert_eq!(plane(&Stream::new(7)), 0.0);
    }

    #[test]
    fn the_sawtooth_has_its_pieces_along_a_line() {
        // relu(2x) - relu(4x - 2): on, both on: two patterns on (0, 1].
        let (mlp, mut params) = Mlp::builder(1).hidden(&[2]).outputs(1).create::<f64>(0).unwrap();
        let linear = mlp.linears()[0];
        params.get_mut(linear.weight()).copy_from_slice(&[2.0, 4.0]);
        params.get_mut(linear.bias().unwrap()).copy_from_slice(&[0.0, -2.0]);
        assert_eq!(pieces(&mlp, &params, &[0.1], &[1.0], 100), 2);
    }
}
