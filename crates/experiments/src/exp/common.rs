//! What several experiments share: digits to learn, a score on them, curves over seeds.

use crate::error::ExperimentError;
use crate::experiment::{Need, Run};
use crate::figure::Series;
use crate::results::{Results, VariantResults};
use layerwise::datasets::catalog::{self, DataDir};
use layerwise::datasets::{Labelled, Split, synthetic};
use layerwise::nn::Module;
use layerwise::tensor::ndarray::ArrayView2;
use layerwise::tensor::{Params, Stream};
use layerwise::train::{metrics, predict};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// MNIST, or what replaces it.
pub(super) const DIGITS: Need =
    Need { set: "mnist", without: "digits drawn by program are used instead (12 000 to train, 2 000 to test)" };

type Digits = Arc<Split<Labelled<f32>>>;

/// MNIST when it is at hand, else digits drawn by program, which the record then says. Read once in a process.
pub(super) fn digits(run: &mut Run<'_>) -> Result<Digits, ExperimentError> {
    static READ: Mutex<Option<(Option<PathBuf>, Digits)>> = Mutex::new(None);
    let root = run.data.has("mnist").then(|| run.data.root().map(PathBuf::from)).flatten();
    if root.is_none() {
        run.note("Digits drawn by program, not MNIST: the numbers are not comparable with published ones.");
    }
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, digits)) = read.as_ref().filter(|(from, _)| *from == root) {
        return Ok(digits.clone());
    }
    let digits = match &root {
        Some(root) => catalog::mnist(&DataDir::new(root))?,
        None => {
            let stream = Stream::new(1987).child("digits");
            Split {
                train: synthetic::digits(12_000, &stream.child("train")),
                test: synthetic::digits(2_000, &stream.child("test")),
            }
        }
    };
    let digits = Arc::new(digits);
    *read = Some((root, digits.clone()));
    Ok(digits)
}

/// Share of the rows of `data` that `model` puts into their class.
pub(super) fn accuracy(
    model: &impl Module<f32>,
    params: &Params<f32>,
    x: ArrayView2<'_, f32>,
    y: &[u32],
) -> Result<f64, ExperimentError> {
    let classes = metrics::classify(predict(model, params, x, 512).view())?;
    Ok(metrics::accuracy(&classes, y)?)
}

/// A curve of every variant, as the mean over its seeds with a band from the least to the greatest.
pub(super) fn bands(results: &Results, curve: &str, of: impl Fn(&VariantResults) -> bool) -> Vec<Series> {
    results
        .variants
        .iter()
        .filter(|v| of(v))
        .map(|v| Series::band(v.name.as_str(), v.curves(curve).into_iter().map(|c| (&c.x[..], &c.y[..]))))
        .filter(|s| !s.points.is_empty())
        .collect()
}

/// Mean and half the t interval, for a bar.
pub(super) fn bar(results: &Results, variant: &str, metric: &str, scale: f64) -> (f64, f64) {
    match results.mean(variant, metric) {
        Some(e) => (scale * e.value, e.ci95.map_or(0.0, |[lo, hi]| scale * (hi - lo) / 2.0)),
        None => (0.0, 0.0),
    }
}

/// The slope of the least-squares line through points.
pub(super) fn slope(points: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
    let (mx, my) = (crate::stats::mean(&x), crate::stats::mean(&y));
    let rise: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
    rise / x.iter().map(|x| (x - mx) * (x - mx)).sum::<f64>()
}

/// What `f` makes of a metric of two variants, seed by seed, with its t interval.
pub(super) fn paired(
    r: &Results,
    a: (&str, &str),
    b: (&str, &str),
    f: impl Fn(f64, f64) -> f64,
) -> Option<crate::results::Estimate> {
    let (first, second) = (r.variant(a.0)?, r.variant(b.0)?);
    let pairs = first.outcomes.iter().filter_map(|x| {
        let y = second.outcomes.iter().find(|y| y.seed == x.seed)?;
        Some(f(*x.metrics.get(a.1)?, *y.metrics.get(b.1)?))
    });
    crate::results::estimate(&pairs.collect::<Vec<_>>())
}

/// Bars of one metric over variants, with their intervals.
pub(super) fn bars_of(r: &Results, variants: &[&str], metric: &str, scale: f64) -> (Vec<String>, Vec<Vec<(f64, f64)>>) {
    let values = variants.iter().map(|v| vec![bar(r, v, metric, scale)]).collect();
    (variants.iter().map(|v| (*v).to_string()).collect(), values)
}

/// The values of every hidden layer of `mlp` on `x`, from input to output; a norm, as in use, and the activation included, dropout not.
pub(super) fn hidden(
    mlp: &layerwise::nn::Mlp,
    params: &Params<f32>,
    x: ArrayView2<'_, f32>,
) -> Vec<layerwise::tensor::ndarray::Array2<f32>> {
    let mut tape = layerwise::autograd::Tape::new();
    let mut g = tape.graph(params, layerwise::tensor::Mode::Eval, Stream::new(0));
    let input = g.input(x);
    let cuts = mlp.forward_hidden(&mut g, input);
    cuts.into_iter().map(|h| g.value(h).to_owned()).collect()
}
