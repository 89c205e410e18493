//! Telgarsky's sawtooth: exponentially many teeth from depth, few from width, and whether training finds them.

use super::prelude::*;
use layerwise::nn::Mse;
use layerwise::optim::Cosine;
use layerwise::train::TrainError;

pub(crate) static EXPERIMENT: Experiment = Experiment {
    name: "depth-separation-sawtooth",
    question: "What can a deep network represent with few units that a shallow one cannot, and does training find it?",
    claim: "Deep networks represent some functions with exponentially fewer units than shallow ones.",
    protocol: "Constructed: the tent map iterated k = 1 to 12 times as a network of k hidden layers of 2 ReLU units, in f64; pieces \
               counted on a grid of 2^(k+3) dyadic points, the labels of 2^k alternating points read off. Shallow: what no network with \
               one hidden layer of as many units, 2k, can beat: 2k + 1 linear pieces at most, so a mean absolute error of (1 - 2k / \
               2^(k-1)) / 4 and a share of wrong labels of 1/2 - (2k + 2) / 2^(k+1), the latter also found by dynamic programming over \
               all labellings with so few intervals. Trained: 16 teeth (k = 5) on 512 points by networks of about 600 parameters with 1, \
               2, 4 and 6 hidden layers, Adam at 0.003 with a cosine, mean squared error, 10 networks a variant under quick.",
    anchor: Anchor {
        text: "T^k has 2^k linear pieces with 2 units a layer; networks with few units a layer and too few layers err on a constant share",
        source: "M. Telgarsky, Benefits of depth in neural networks, COLT 2016; bounds for one layer derived in the protocol",
        tag: Tag::M,
    },
    data: &[],
    tour: false,
    seeds: [1, 10, 20],
    seconds: [3.0, 60.0, 600.0],
    grain: Grain::Runs,
    variants,
    run,
    criteria: &[
        Criterion::exact("pieces", "the constructed networks have exactly 2^k pieces for every k from 1 to 12", Side::AtMost, 0.0, |r| {
            r.largest(&["constructed"], "pieces_off")
        })
        .from("Telgarsky 2016; follows from the tent map"),
        Criterion::exact("labels", "they put every one of 2^k alternating points on its side", Side::AtMost, 0.0, |r| {
            r.largest(&["constructed"], "wrong")
        })
        .from("follows from the tent map"),
        Criterion::exact(
            "shallow-error",
            "for k from 6 to 12 no network with one hidden layer of 2k units has a mean absolute error of 0.15 or less",
            Side::Above,
            0.15,
            |r| r.mean("constructed", "shallow_error").map(|e| Estimate::exact(e.value)),
        )
        .from("a line misses a tooth by 1/4 on average, and 2k units bend in at most 2k of the 2^(k-1) teeth; least at k = 6"),
        Criterion::exact(
            "shallow-labels",
            "dynamic programming over intervals gives the closed form of the shallow share of wrong labels for k = 3 to 10",
            Side::AtMost,
            0.0,
            |r| r.largest(&["constructed"], "bound_off"),
        )
        .from("1/2 - c / 2^(k+1) for c intervals, c even: each odd interval saves half a label"),
        Criterion::interval(
            "training-does-not-find",
            "trained networks of 4 and of 6 hidden layers come within 0.01 of 16 teeth in less than half of the tries",
            Side::Below,
            0.5,
            |r| {
                let found = |depth: usize| r.values(&format!("trained depth {depth}"), "found");
                estimate(&[found(4), found(6)].concat())
            },
        )
        .from("what can be represented need not be found: the suite expects rare finds"),
    ],
    figures,
};

/// Iterations of the tent map.
const MOST: usize = 12;
/// Teeth of the trained part are `2^(TRAINED - 1)`.
const TRAINED: usize = 5;
const DEPTHS: [usize; 4] = [1, 2, 4, 6];

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Hidden layers of trained networks; 0: the construction.
    depth: usize,
    parameters: usize,
    epochs: usize,
}

fn variants(s: &Settings<'_>) -> Vec<Variant> {
    let epochs = s.profile.pick([20, 2_000, 5_000]);
    let mut all = vec![Variant::new("constructed", Config { depth: 0, parameters: 0, epochs: 0 }).with_seeds(1)];
    for depth in DEPTHS {
        all.push(Variant::new(format!("trained depth {depth}"), Config { depth, parameters: 600, epochs }));
    }
    all
}

/// The tent map, `relu(2x) - relu(4x - 2)` on [0, 1], `k` times in `k` hidden layers.
fn constructed(k: usize) -> Result<(Mlp, Params<f64>), ExperimentError> {
    let (mlp, mut params) = Mlp::builder(1).hidden(&vec![2; k]).outputs(1).create::<f64>(0)?;
    for (layer, linear) in mlp.linears().into_iter().enumerate() {
        let (weights, biases): (&[f64], &[f64]) = match layer {
            0 => (&[2.0, 4.0], &[0.0, -2.0]),
            l if l == k => (&[1.0, -1.0], &[0.0]),
            // In: relu(2x) and relu(4x - 2), whose difference is the tent; out: 2 and 4 times it.
            _ => (&[2.0, 4.0, -2.0, -4.0], &[0.0, -2.0]),
        };
        params.get_mut(linear.weight()).copy_from_slice(weights);
        if let Some(bias) = linear.bias() {
            params.get_mut(bias).copy_from_slice(biases);
        }
    }
    Ok((mlp, params))
}

fn run(v: &Variant, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let config: Config = v.config()?;
    if config.depth > 0 { trained(&config, seed, run) } else { construction(run) }
}

fn construction(run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let (mut off, mut wrong, mut bound_off) = (0, 0, 0.0f64);
    let (mut pieces, mut shallow) = (Vec::new(), Vec::new());
    for k in 1..=MOST {
        let (mlp, params) = constructed(k)?;
        let n = 1usize << (k + 3);
        let grid = |n: usize| Array2::from_shape_fn((n + 1, 1), |(i, _)| i as f64 / n as f64);
        let y = predict(&mlp, &params, grid(n).view(), 4096);
        let slope = |i: usize| y[(i + 1, 0)] - y[(i, 0)];
        let count = 1 + (1..n).filter(|i| slope(*i) != slope(*i - 1)).count();
        off = off.max(count.abs_diff(1 << k));
        // The points j / 2^k are alternately at 0 and at 1.
        let points = predict(&mlp, &params, grid(1 << k).view(), 4096);
        wrong += (0..1 << k).filter(|j| points[(*j, 0)] != (j % 2) as f64).count();
        pieces.push(count as f64);
        shallow.push(least_error(k));
        if (3..=10).contains(&k) {
            let labels: Vec<bool> = (0..1 << k).map(|j| j % 2 == 1).collect();
            bound_off = bound_off.max((fewest_wrong(&labels, 2 * k + 2) - least_wrong(k)).abs());
        }
        run.log(k as u64, &[("pieces", count as f64), ("shallow_error", least_error(k))]);
    }
    let ks = || (1..=MOST).map(|k| k as f64);
    run.curve("pieces", ks(), pieces);
    run.curve("shallow pieces", ks(), (1..=MOST).map(|k| (2 * k + 1) as f64));
    run.curve("shallow error", ks(), shallow);
    run.curve("shallow wrong", ks(), (1..=MOST).map(|k| 100.0 * least_wrong(k)));
    let least = (6..=MOST).map(least_error).fold(f64::INFINITY, f64::min);
    Ok(metrics([
        ("pieces_off", off as f64),
        ("wrong", wrong as f64),
        ("shallow_error", least),
        ("bound_off", bound_off),
    ]))
}

/// Mean absolute error no network with one hidden layer of 2k units can beat on the k-fold tent.
fn least_error(k: usize) -> f64 {
    0.25 * (1.0 - 2.0 * k as f64 / 2f64.powi(k as i32 - 1)).max(0.0)
}

/// Share of wrong labels it cannot beat on 2^k alternating points.
fn least_wrong(k: usize) -> f64 {
    (0.5 - (2 * k + 2) as f64 / 2f64.powi(k as i32 + 1)).max(0.0)
}

/// The least share of wrong labels of any labelling that is constant on at most `intervals` intervals.
fn fewest_wrong(labels: &[bool], intervals: usize) -> f64 {
    let none = usize::MAX / 2;
    // By number of intervals so far and the label of the last: the fewest mistakes.
    let mut best = vec![[none; 2]; intervals + 1];
    for (i, label) in labels.iter().enumerate() {
        let mut next = vec![[none; 2]; intervals + 1];
        for c in 1..=intervals {
            for said in 0..2 {
                let stay = best[c][said];
                let change = if i == 0 { usize::from(c != 1) * none } else { best[c - 1][1 - said] };
                next[c][said] = stay.min(change).min(none) + usize::from((said == 1) != *label);
            }
        }
        best = next;
    }
    best.iter().flatten().min().map_or(1.0, |m| *m as f64 / labels.len() as f64)
}

fn trained(config: &Config, seed: u64, run: &mut Run<'_>) -> Result<Metrics, ExperimentError> {
    let (tent, exact) = constructed(TRAINED)?;
    let x = Array2::from_shape_fn((512, 1), |(i, _)| (i as f64 + 0.5) / 512.0);
    let y = predict(&tent, &exact, x.view(), 512).mapv(|v| v as f32);
    let x = x.mapv(|v| v as f32);
    let count = |w: usize| 2 * w + (config.depth - 1) * (w + 1) * w + w + 1;
    let width = (1..1_000).take_while(|w| count(*w) <= config.parameters).last().unwrap_or(1);
    let net = Mlp::builder(1).hidden(&vec![width; config.depth]).outputs(1);
    let (mlp, mut params) = net.create::<f32>(seed)?;
    let steps = (config.epochs * 8) as u64;
    let trainer = Trainer::new(&mlp, Mse).epochs(config.epochs).batch(64).seed(seed);
    let samples = Samples::values(x.view(), y.view())?;
    match trainer.rate(3e-3).schedule(Cosine::new(steps, 0.0)).fit(&mut params, &samples) {
        Ok(_) | Err(TrainError::Diverged { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    let found = predict(&mlp, &params, x.view(), 512);
    let error = found.iter().zip(&y).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / 512.0;
    let error = if error.is_finite() { error } else { 0.25 };
    if seed == 0 {
        run.curve("found", x.iter().map(|v| f64::from(*v)), found.iter().map(|v| f64::from(*v)));
        run.curve("teeth", x.iter().map(|v| f64::from(*v)), y.iter().map(|v| f64::from(*v)));
    }
    Ok(metrics([("error", error), ("found", f64::from(u8::from(error < 0.01))), ("width", width as f64)]))
}

fn figures(r: &Results) -> Result<Vec<Figure>, ExperimentError> {
    let of = |curve: &str, name: &str| {
        let c = r.variant("constructed").and_then(|v| v.first()).and_then(|o| o.curves.get(curve));
        c.map_or_else(Series::default, |c| Series::new(name, &c.x, &c.y))
    };
    let pieces = Chart::new("Linear pieces from 2k units", Axis::new("k"), Axis::new("pieces").log());
    let error = Chart::new("Mean absolute error", Axis::new("hidden layers"), Axis::new("mean absolute error"));
    let each: Vec<Series> = DEPTHS
        .iter()
        .map(|d| {
            let errors = r.values(&format!("trained depth {d}"), "error");
            // Beside each other, so that equal ones do not hide each other.
            let x: Vec<f64> =
                (0..errors.len()).map(|i| *d as f64 + 0.03 * (i as f64 - errors.len() as f64 / 2.0)).collect();
            Series::new(format!("depth {d}"), &x, &errors)
        })
        .chain([Series::new("a constant", &[0.5, 6.5], &[0.25, 0.25]).dashed()])
        .collect();
    let mut shown: Vec<Series> = Vec::new();
    for d in DEPTHS {
        let first = r.variant(&format!("trained depth {d}")).and_then(|v| v.first());
        if let Some(c) = first.and_then(|o| o.curves.get("found")) {
            shown.push(Series::new(format!("depth {d}"), &c.x, &c.y));
        }
        if let Some(c) = first.and_then(|o| o.curves.get("teeth")).filter(|_| d == DEPTHS[0]) {
            shown.insert(0, Series::new("16 teeth", &c.x, &c.y).dashed());
        }
    }
    let chart = Chart::new("What the first networks found", Axis::new("x"), Axis::new("output").range(-0.3, 1.3));
    Ok(vec![
        Figure::new(
            "pieces",
            "Linear pieces of the constructed deep network (2 units a layer) and the most a network with one layer of as many units can \
             have.",
            lines(&pieces, &[of("pieces", "deep, constructed"), of("shallow pieces", "one layer, at most")]),
        )?,
        Figure::new(
            "trained",
            "Error of trained networks of about 600 parameters on 16 teeth, one point for each seed; the constructed network, of 31 \
             parameters, makes none.",
            scatter(&error, &each),
        )?,
        Figure::new("found", "The functions found by the first seed's networks.", lines(&chart, &shown))?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_by_hand() {
        let labels = [false, true, false, true];
        assert_eq!(fewest_wrong(&labels, 1), 0.5);
        assert_eq!(fewest_wrong(&labels, 2), 0.25);
        assert_eq!(fewest_wrong(&labels, 4), 0.0);
    }

    #[test]
    fn the_tent_is_itself_iterated() {
        let (mlp, params) = constructed(3).unwrap();
        let x = Array2::from_shape_vec((3, 1), vec![0.1, 0.3, 0.77]).unwrap();
        let y = predict(&mlp, &params, x.view(), 3);
        let tent = |v: f64| if v < 0.5 { 2.0 * v } else { 2.0 - 2.0 * v };
        for (x, y) in x.iter().zip(&y) {
            assert!((tent(tent(tent(*x))) - y).abs() < 1e-12);
        }
    }
}
