//! The penalty on the Jacobian of an encoder.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::{Activation, ConfigError, Linear, Mlp};
use layerwise_tensor::{Scalar, kernel};
use serde::{Deserialize, Serialize};

/// How strongly an encoder is held insensitive to its input: `weight` times the squared Frobenius norm of its Jacobian, averaged over
/// the rows of the batch.
///
/// In configurations `{"weight": 0.1}` or `{"weight": 0.1, "probes": 2}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Contraction {
    /// The factor of the penalty; above 0.
    pub weight: f64,
    /// With 0, the default, the norm is exact. Else it is estimated from so many random probes in each step, which costs less where the
    /// code is wide. An encoder of one layer has a closed form and needs none.
    #[serde(default)]
    pub probes: usize,
}

impl Contraction {
    /// The exact penalty with this weight.
    pub fn new(weight: f64) -> Self {
        Self { weight, probes: 0 }
    }

    /// With so many probes instead of the exact norm.
    pub fn probes(self, probes: usize) -> Self {
        Self { probes, ..self }
    }

    pub(crate) fn check(&self, path: &str) -> Result<(), ConfigError> {
        if self.probes > MOST_PROBES {
            let remedy = "0 asks for the exact norm";
            let expected = format!("at most {MOST_PROBES}");
            return Err(ConfigError::bad_value(path, "`contractive.probes`", expected, self.probes, remedy));
        }
        if self.weight.is_finite() && self.weight > 0.0 {
            return Ok(());
        }
        let remedy = "give the factor of the penalty, such as 0.1, or leave `contractive` out";
        Err(ConfigError::bad_value(path, "`contractive.weight`", "finite and above 0", self.weight, remedy))
    }
}

/// More probes than an exact norm would cost.
const MOST_PROBES: usize = 10_000;

/// An encoder of linear layers and activations that asks for a small Jacobian.
#[derive(Clone, Debug)]
pub(crate) struct Contracted {
    stages: Vec<Stage>,
    contraction: Contraction,
}

#[derive(Clone, Debug)]
struct Stage {
    name: String,
    linear: Linear,
    activation: Activation,
}

/// A layer that has been passed: a list on the stack of calls, from the code down to the input.
#[derive(Clone, Copy)]
struct Passed<'a> {
    /// The weight `(in, out)`.
    w: Var,
    /// The derivative `f'(z)`, `(batch, out)`; none where that is 1.
    d: Option<Var>,
    below: Option<&'a Passed<'a>>,
}

impl Contracted {
    /// `mlp` holds linear layers only, each followed by the activation of the same place.
    pub(crate) fn new(mlp: &Mlp, activations: &[Activation], contraction: Contraction) -> Self {
        let stages = mlp.layer_names().zip(mlp.linears()).zip(activations);
        let stages = stages
            .map(|((name, linear), activation)| Stage {
                name: name.to_owned(),
                linear: linear.clone(),
                activation: *activation,
            })
            .collect();
        Self { stages, contraction }
    }

    /// The code, with the penalty noted.
    pub(crate) fn forward<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        self.pass(g, x, &self.stages, None)
    }

    fn pass<T: Scalar>(&self, g: &mut Graph<'_, T>, x: Var, stages: &[Stage], below: Option<&Passed<'_>>) -> Var {
        let Some((stage, rest)) = stages.split_first() else {
            if let Some(top) = below {
                let norm = self.norm(g, top);
                let penalty = g.scale(norm, self.contraction.weight);
                g.penalize(penalty);
            }
            return x;
        };
        g.enter(&stage.name);
        let w = g.param(stage.linear.weight());
        let b = stage.linear.bias().map(|b| g.param(b));
        let z = g.linear(x, w, b);
        let (y, d) = if stage.activation.is_identity() {
            (z, None)
        } else {
            let act = stage.activation.act();
            (g.activate(z, act), Some(g.activate_derivative(z, act)))
        };
        g.leave();
        self.pass(g, y, rest, Some(&Passed { w, d, below }))
    }

    /// The mean over the rows of the squared norm of the Jacobian, `(1, 1)`.
    fn norm<T: Scalar>(&self, g: &mut Graph<'_, T>, top: &Passed<'_>) -> Var {
        match top.below {
            None => closed(g, top),
            Some(below) if self.contraction.probes == 0 => exact(g, top, below),
            Some(_) => self.estimated(g, top),
        }
    }

    /// The mean over probes `v`, whose entries are 1 or -1, of the squared norm of `v^T J`.
    fn estimated<T: Scalar>(&self, g: &mut Graph<'_, T>, top: &Passed<'_>) -> Var {
        // The derivative, where there is one, has a row for each of the batch; without any a row serves all.
        let rows = std::iter::successors(Some(top), |p| p.below).find_map(|p| p.d).map_or(1, |d| g.shape(d).0);
        let code = g.shape(top.w).1;
        let mut sum = None;
        for _ in 0..self.contraction.probes {
            let (stream, par) = (g.next_stream().child("probes"), g.par());
            let v = g.input_from(rows, code, |out| {
                kernel::for_tiles(code, out, par, |first, out| {
                    stream.bernoulli((first * code) as u64, 0.5, 2.0, out);
                    out.iter_mut().for_each(|v| *v -= T::one());
                });
            });
            let squares = pulled_back(g, v, Some(top));
            let one = g.mean_all(squares);
            sum = Some(sum.map_or(one, |sum| g.add(sum, one)));
        }
        let sum = sum.unwrap_or_else(|| unreachable!("there is a probe at least"));
        g.scale(sum, 1.0 / self.contraction.probes as f64)
    }
}

/// One layer: `sum_j f'(z_j)^2 sum_i w_ij^2`, averaged over the rows.
fn closed<T: Scalar>(g: &mut Graph<'_, T>, top: &Passed<'_>) -> Var {
    let squares = g.square(top.w);
    let Some(d) = top.d else { return g.sum_all(squares) };
    let lengths = g.sum_over_rows(squares); // (1, code)
    let d = g.square(d);
    let d = g.mean_over_rows(d); // (1, code)
    let products = g.mul(d, lengths);
    g.sum_all(products)
}

/// Row after row of the Jacobian: unit `j` of the code sends `f'(z_j) w_j^T` back through the layers below.
fn exact<T: Scalar>(g: &mut Graph<'_, T>, top: &Passed<'_>, below: &Passed<'_>) -> Var {
    let mut sum = None;
    for j in 0..g.shape(top.w).1 {
        let w = g.slice_cols(top.w, j..j + 1);
        let w = g.transpose(w); // (1, last hidden)
        let squares = pulled_back(g, w, Some(below));
        let squares = match top.d {
            None => squares,
            Some(d) => {
                let d = g.slice_cols(d, j..j + 1);
                let d = g.square(d); // (batch, 1)
                g.mul(d, squares)
            }
        };
        let one = g.mean_all(squares);
        sum = Some(sum.map_or(one, |sum| g.add(sum, one)));
    }
    sum.unwrap_or_else(|| unreachable!("a code has a width"))
}

/// The squared lengths of the rows of `t`, `(batch, out)` or one row for all, after they went back through a layer and those below:
/// `(batch, 1)`, or `(1, 1)` as long as no layer has a derivative.
fn pulled_back<T: Scalar>(g: &mut Graph<'_, T>, t: Var, layer: Option<&Passed<'_>>) -> Var {
    let Some(layer) = layer else {
        let squares = g.square(t);
        return g.sum_over_cols(squares);
    };
    let t = match layer.d {
        // The derivative first: it has all rows, `t` may be one.
        Some(d) => g.mul(d, t),
        None => t,
    };
    let t = g.tied_linear(t, layer.w, None); // t w^T
    pulled_back(g, t, layer.below)
}
