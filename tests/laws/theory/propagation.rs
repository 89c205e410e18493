//! Dropout keeps the expectation; initial weights keep the variance. The bounds are standard deviations of what is drawn, known exactly.

use layerwise::nn::{Dropout, DropoutConfig};
use layerwise::prelude::*;
use ndarray::Array2;

use super::{measured, normal};

/// Standard deviations a mean may be off: once in 16 000 draws it is farther by chance, and the draws are always the same here.
const SIGMAS: f64 = 4.0;

/// `y = x m / (1 - p)` has the mean `x` and the variance `x² p / (1 - p)`.
#[test]
fn inverted_dropout_keeps_the_mean_and_has_its_variance() {
    let (masks, count) = (2000, 500);
    let x = Array2::from_shape_vec((1, count), normal(count, 2)).expect("one row");
    for p in [0.1, 0.5, 0.8] {
        let mut layout = Layout::new();
        let layer: Dropout = DropoutConfig::new(p).build(&mut layout.scope()).expect("a probability");
        let params = Params::<f64>::init(layout, &Stream::new(0));
        let mut tape = Tape::new();
        let (mut sum, mut squares) = (0.0, 0.0);
        for mask in 0..masks {
            let mut g = tape.graph(&params, Mode::Train, Stream::new(4).child("dropout").at(mask));
            let input = g.input(x.view());
            let output = layer.forward(&mut g, input);
            for (y, x) in g.value(output).iter().zip(&x) {
                sum += y - x;
                // In units of the variance of this value.
                squares += (y / x - 1.0).powi(2) * (1.0 - p) / p;
            }
        }
        let (draws, odds) = ((masks as usize * count) as f64, p / (1.0 - p));
        let energy: f64 = x.iter().map(|x| x * x).sum();
        let deviation = (masks as f64 * energy * odds).sqrt();
        measured(&format!("dropout {p}, mean, in standard deviations"), (sum / deviation).abs(), SIGMAS);
        // ((y/x - 1)² / odds is 1/odds with probability p, else odds: its mean is 1, its variance (1/odds) p + odds² (1 - p) - 1.
        let variance = (p / (odds * odds) + odds * odds * (1.0 - p) - 1.0).max(0.0);
        let deviation = (variance * draws).sqrt().max(1e-12 * draws);
        measured(
            &format!("dropout {p}, variance, in standard deviations"),
            ((squares - draws) / deviation).abs(),
            SIGMAS,
        );
        let mut g = tape.graph(&params, Mode::Eval, Stream::new(4));
        let input = g.input(x.view());
        let output = layer.forward(&mut g, input);
        assert!(g.value(output) == x.view());
    }
}

/// Mean squares `|z|² / len` of output and input, and of the input's gradient and the output's, for so many networks: their quotients.
fn quotients(config: &MlpConfig, inputs: usize, outputs: usize, networks: u64) -> Vec<(f64, f64)> {
    let mean_square = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>() / v.len() as f64;
    let one = |seed: u64| {
        let (mlp, params) = config.create::<f64>(100 + seed).expect("a valid network");
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
        let x = Array2::from_shape_vec((1, inputs), normal(inputs, 300 + seed)).expect("one row");
        let dy = normal(outputs, 500 + seed);
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let input = g.leaf(x.view());
        let output = mlp.forward(&mut g, input);
        let forward = mean_square(g.slice(output)) / mean_square(x.as_slice().expect("one row"));
        g.backward_from(output, &dy, &mut grads, Accum::Replace);
        let dx = tape.grad(input).expect("the gradient of a leaf");
        (forward, mean_square(dx.as_slice().expect("one row")) / mean_square(&dy))
    };
    (0..networks).map(one).collect()
}

/// How many standard deviations the mean of `values` is from `expected`, where a value is `expected` times a product of independent factors
/// of mean 1 with these variances.
fn sigmas(values: impl ExactSizeIterator<Item = f64>, expected: f64, variances: &[f64]) -> f64 {
    let count = values.len() as f64;
    let variance = variances.iter().map(|v| 1.0 + v).product::<f64>() - 1.0;
    ((values.sum::<f64>() / count / expected - 1.0) / (variance / count).sqrt()).abs()
}

/// A layer of normal weights makes of an input of length `|x|` normal outputs of variance `var(w) |x|²`; the mean square of `n` of them has the
/// relative variance `2 / n`. After a ReLU, whose mean square is half, `5 / n`.
const LINEAR: f64 = 2.0;
const RELU: f64 = 5.0;

#[test]
fn he_keeps_the_variance_through_relu_and_glorot_halves_it() {
    let (width, depth) = (256, 10);
    let n = width as f64;
    // The first input is no output of a ReLU: its mean square is doubled, or kept. Then depth - 1 ReLUs, and the last sum.
    let mut variances = vec![RELU / n; depth - 1];
    variances.push(LINEAR / n);
    for (name, init, expected) in
        [("he", Init::HE_NORMAL, 2.0), ("glorot", Init::GLOROT_NORMAL, 0.5f64.powi(depth as i32 - 1))]
    {
        let config = Mlp::builder(width).hidden(&vec![width; depth - 1]).outputs(width);
        let config = config.activation(Activation::RELU).init(init);
        let found = quotients(&config, width, width, 24);
        let error = sigmas(found.iter().map(|q| q.0), expected, &variances);
        measured(&format!("{name} through {depth} ReLU layers, in standard deviations"), error, SIGMAS);
    }
}

/// Without activations every layer multiplies the mean square by `in var(w) = 2 in / (in + out)` forwards, and that of the gradient by
/// `2 out / (in + out)` backwards: a compromise, and 1 both ways where widths are equal.
#[test]
fn glorot_keeps_the_variance_both_ways() {
    for widths in [[200, 200, 200, 200], [300, 120, 200, 260]] {
        let config = Mlp::builder(widths[0]).hidden(&widths[1..3]).outputs(widths[3]);
        let config = config.activation(Activation::IDENTITY).init(Init::GLOROT_NORMAL);
        let found = quotients(&config, widths[0], widths[3], 40);
        let pairs = widths.windows(2).map(|w| (w[0] as f64, w[1] as f64));
        let forward: f64 = pairs.clone().map(|(i, o)| 2.0 * i / (i + o)).product();
        let backward: f64 = pairs.clone().map(|(i, o)| 2.0 * o / (i + o)).product();
        let outs: Vec<f64> = pairs.clone().map(|(_, o)| LINEAR / o).collect();
        let ins: Vec<f64> = pairs.map(|(i, _)| LINEAR / i).collect();
        let error = sigmas(found.iter().map(|q| q.0), forward, &outs);
        measured(&format!("glorot {widths:?} forwards, in standard deviations"), error, SIGMAS);
        let error = sigmas(found.iter().map(|q| q.1), backward, &ins);
        measured(&format!("glorot {widths:?} backwards, in standard deviations"), error, SIGMAS);
    }
}
