//! Linear regression with penalties, trained to the end, against what linear algebra says.

use layerwise::optim::{DecayOn, L1Style, Lbfgs, LbfgsConfig, Penalty};
use layerwise::prelude::*;
use ndarray::{Array2, ArrayView2};

use super::{measured, normal};

const ROWS: usize = 60;
const INPUTS: usize = 8;

/// Inputs that hang together, and outputs that depend on some of them, with noise.
fn data() -> (Array2<f64>, Array2<f64>) {
    let drawn = normal(ROWS * (INPUTS + 2), 1);
    let at = |i: usize, j: usize| drawn[i * (INPUTS + 2) + j];
    let x = Array2::from_shape_fn((ROWS, INPUTS), |(i, j)| at(i, j) + 0.6 * at(i, INPUTS) + 0.3 * j as f64);
    let truth = [1.5, -2.0, 0.0, 0.7, 0.0, 0.05, -0.4, 3.0];
    let y = Array2::from_shape_fn((ROWS, 1), |(i, _)| {
        (0..INPUTS).map(|j| truth[j] * x[[i, j]]).sum::<f64>() + 0.5 * at(i, INPUTS + 1) - 1.0
    });
    (x, y)
}

/// One linear layer with a bias, mean square error, and what is needed to train it.
struct Fit {
    mlp: Mlp,
    params: Params<f64>,
    grads: Gradients<f64>,
    tape: Tape<f64>,
    x: Array2<f64>,
    y: Array2<f64>,
}

impl Fit {
    fn new((x, y): (Array2<f64>, Array2<f64>)) -> Self {
        let (mlp, params) = Mlp::builder(x.ncols()).outputs(1).create::<f64>(3).expect("a linear layer");
        let grads = Gradients::new(&params);
        Self { mlp, params, grads, tape: Tape::new(), x, y }
    }

    /// By the optimizer of the neural networks, on all data at once.
    fn descend(mut self, config: OptimizerConfig, steps: usize) -> Vec<f64> {
        let mut optimizer = config.build(&self.params).expect("a valid configuration");
        for _ in 0..steps {
            loss(&self.mlp, &mut self.tape, &self.params, &mut self.grads, self.x.view(), self.y.view());
            optimizer.step(&mut self.params, &mut self.grads);
        }
        self.params.trainable().to_vec()
    }

    /// By L-BFGS with the penalty in its closure.
    fn quasi_newton(mut self, penalty: Penalty) -> Vec<f64> {
        let config = LbfgsConfig::default().strong_wolfe().max_iter(200).tolerances(1e-10, 0.0);
        let mut optimizer = Lbfgs::new(config, &self.params);
        let Self { mlp, params, grads, tape, x, y } = &mut self;
        optimizer.step(params, grads, |params: &Params<f64>, grads: &mut Gradients<f64>| {
            let value = loss(mlp, tape, params, grads, x.view(), y.view());
            penalty.add_gradient_of(params, grads, DecayOn::Weights);
            value + penalty.value_of(params, DecayOn::Weights)
        });
        self.params.trainable().to_vec()
    }
}

fn loss(
    mlp: &Mlp,
    tape: &mut Tape<f64>,
    params: &Params<f64>,
    grads: &mut Gradients<f64>,
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
) -> f64 {
    let mut g = tape.graph(params, Mode::Train, Stream::new(0));
    let input = g.input(x);
    let output = mlp.forward(&mut g, input);
    let loss = Mse.loss(&mut g, output, Target::Values(y));
    g.backward(loss, grads, Accum::Replace)
}

/// Second moments `2/n XᵀX` and `2/n Xᵀy` of the centred data, and the means: the bias is free, so it takes them.
struct Moments {
    xx: Array2<f64>,
    xy: Vec<f64>,
    means: Vec<f64>,
    mean: f64,
}

impl Moments {
    fn new((x, y): &(Array2<f64>, Array2<f64>)) -> Self {
        let n = x.nrows() as f64;
        let means: Vec<f64> = x.columns().into_iter().map(|c| c.sum() / n).collect();
        let mean = y.sum() / n;
        let centred = Array2::from_shape_fn(x.dim(), |(i, j)| x[[i, j]] - means[j]);
        let xx = centred.t().dot(&centred) * (2.0 / n);
        let xy = centred.t().dot(&(y - mean)) * (2.0 / n);
        Self { xx, xy: xy.iter().copied().collect(), means, mean }
    }

    /// The weights with their bias behind them.
    fn with_bias(&self, mut w: Vec<f64>) -> Vec<f64> {
        let bias = self.mean - w.iter().zip(&self.means).map(|(w, m)| w * m).sum::<f64>();
        w.push(bias);
        w
    }

    /// `(2/n XᵀX + l2 I) w = 2/n Xᵀy` by Cholesky's factors.
    fn ridge(&self, l2: f64) -> Vec<f64> {
        let n = self.xy.len();
        let mut l = self.xx.clone();
        (0..n).for_each(|i| l[[i, i]] += l2);
        for j in 0..n {
            for k in 0..j {
                for i in j..n {
                    l[[i, j]] -= l[[i, k]] * l[[j, k]];
                }
            }
            let pivot = l[[j, j]].sqrt();
            (j..n).for_each(|i| l[[i, j]] /= pivot);
        }
        let mut w = self.xy.clone();
        for i in 0..n {
            w[i] = (w[i] - (0..i).map(|k| l[[i, k]] * w[k]).sum::<f64>()) / l[[i, i]];
        }
        for i in (0..n).rev() {
            w[i] = (w[i] - (i + 1..n).map(|k| l[[k, i]] * w[k]).sum::<f64>()) / l[[i, i]];
        }
        self.with_bias(w)
    }

    /// The lasso by coordinate descent, each coordinate exactly in its turn.
    fn lasso(&self, l1: f64, l2: f64) -> Vec<f64> {
        let mut w = vec![0.0; self.xy.len()];
        for _ in 0..5000 {
            for j in 0..w.len() {
                let others: f64 = (0..w.len()).filter(|k| *k != j).map(|k| self.xx[[j, k]] * w[k]).sum();
                w[j] = soft(self.xy[j] - others, l1) / (self.xx[[j, j]] + l2);
            }
        }
        self.with_bias(w)
    }
}

fn soft(v: f64, threshold: f64) -> f64 {
    v.signum() * (v.abs() - threshold).max(0.0)
}

fn apart(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max)
}

#[test]
fn ridge_regression_is_its_normal_equations() {
    let moments = Moments::new(&data());
    for l2 in [0.0, 0.01, 0.3, 5.0] {
        let exact = moments.ridge(l2);
        let found = Fit::new(data()).quasi_newton(Penalty::L2(l2));
        measured(&format!("ridge {l2} by L-BFGS"), apart(&found, &exact), 1e-6);
        let config = OptimizerConfig::new(Sgd::default().momentum(0.9)).rate(0.01).weight_decay(l2);
        let found = Fit::new(data()).descend(config, 12_000);
        measured(&format!("ridge {l2} by momentum"), apart(&found, &exact), 1e-6);
    }
}

#[test]
fn proximal_steps_reach_the_lasso_and_the_elastic_net() {
    let moments = Moments::new(&data());
    for (l1, l2) in [(0.05, 0.0), (0.5, 0.0), (2.0, 0.0), (0.5, 0.3), (100.0, 0.0)] {
        let exact = moments.lasso(l1, l2);
        let config = OptimizerConfig::new(Sgd::default()).rate(0.03).weight_decay(l2).l1(l1);
        let found = Fit::new(data()).descend(config.l1_style(L1Style::Proximal), 40_000);
        measured(&format!("lasso {l1}, ridge {l2} by ISTA"), apart(&found, &exact), 1e-6);
        let zeros = |w: &[f64]| w.iter().map(|w| *w == 0.0).collect::<Vec<bool>>();
        assert_eq!(zeros(&found), zeros(&exact), "other weights are zero");
    }
}

/// Columns without mean, at right angles, with `2/n XᵀX = I`: each weight by itself, the least-squares one shrunk towards 0.
#[test]
fn with_an_orthogonal_design_the_lasso_is_soft_thresholding() {
    let (x, y) = data();
    let mut columns: Vec<Vec<f64>> = vec![vec![1.0; ROWS]];
    for column in x.columns() {
        let mut column = column.to_vec();
        // Twice, since once leaves rounding along the others.
        for _ in 0..2 {
            for other in &columns {
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let along = dot(&column, other) / dot(other, other);
                column.iter_mut().zip(other).for_each(|(c, o)| *c -= along * o);
            }
        }
        let length = column.iter().map(|c| c * c).sum::<f64>();
        column.iter_mut().for_each(|c| *c *= (ROWS as f64 / (2.0 * length)).sqrt());
        columns.push(column);
    }
    let x = Array2::from_shape_fn((ROWS, INPUTS), |(i, j)| columns[j + 1][i]);
    let moments = Moments::new(&(x.clone(), y.clone()));
    for l1 in [0.1, 0.8, 3.0] {
        let exact = moments.with_bias(moments.xy.iter().map(|v| soft(*v, l1)).collect());
        let config = OptimizerConfig::new(Sgd::default()).rate(0.3).l1(l1).l1_style(L1Style::Proximal);
        let found = Fit::new((x.clone(), y.clone())).descend(config, 500);
        measured(&format!("lasso {l1}, orthogonal design"), apart(&found, &exact), 1e-6);
    }
}
