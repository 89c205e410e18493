//! Every operation against differences, over shapes around vector lanes and the smallest sizes.

use std::cell::Cell;

use layerwise_autograd::gradcheck::{self, GradCheck};
use layerwise_autograd::tensor::ndarray::Array2;
use layerwise_autograd::{Backward, Forward, Graph, Inputs, Op, Trans, Var, ops};
use layerwise_tensor::{Accum, Constant, Initializer, Layout, Mode, ParamId, ParamKind, Params, Scalar, Stream};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::acts::{LEAKY, SOFTPLUS, TANH};
use crate::ledger::{gradient_ran, times};

/// Sizes of a case: rows, columns and one more.
#[derive(Clone, Debug)]
struct Sizes {
    r: usize,
    c: usize,
    k: usize,
    labels: Vec<u32>,
    norm: [ParamId; 3],
}

type Shapes = fn(&Sizes) -> Vec<(usize, usize)>;
type Function = fn(&mut Graph<'_, f64>, &[Var], &Sizes) -> Var;

struct Case {
    name: &'static str,
    shapes: Shapes,
    range: (f64, f64),
    kinks: &'static [f64],
    mode: Mode,
    f: Function,
}

fn case(name: &'static str, shapes: Shapes, f: Function) -> Case {
    Case { name, shapes, range: (-1.5, 1.5), kinks: &[], mode: Mode::Train, f }
}

impl Case {
    fn range(self, lo: f64, hi: f64) -> Self {
        Self { range: (lo, hi), ..self }
    }
    fn kinks(self, kinks: &'static [f64]) -> Self {
        Self { kinks, ..self }
    }
    fn eval(self) -> Self {
        Self { mode: Mode::Eval, ..self }
    }
}

const ONE: Shapes = |s| vec![(s.r, s.c)];
const TWO: Shapes = |s| vec![(s.r, s.c), (s.r, s.c)];
const ROW: Shapes = |s| vec![(s.r, s.c), (1, s.c)];
const COLUMN: Shapes = |s| vec![(s.r, s.c), (s.r, 1)];
const NUMBER: Shapes = |s| vec![(s.r, s.c), (1, 1)];
const LINEAR: Shapes = |s| vec![(s.r, s.k), (s.k, s.c), (1, s.c)];
const NORM: Shapes = |s| vec![(s.r, s.c), (1, s.c), (1, s.c)];

fn cases() -> Vec<Case> {
    use Trans::{No, Yes};
    vec![
        case("abs", ONE, |g, v, _| g.abs(v[0])).kinks(&[0.0]),
        case("activate", ONE, |g, v, _| g.activate(v[0], TANH)),
        case("activate", ONE, |g, v, _| g.activate(v[0], LEAKY)).kinks(&[0.0]),
        case("activate_derivative", ONE, |g, v, _| g.activate_derivative(v[0], TANH)),
        case("activate_derivative", ONE, |g, v, _| g.activate_derivative(v[0], SOFTPLUS)),
        case("add", TWO, |g, v, _| g.add(v[0], v[1])),
        case("add", ROW, |g, v, _| g.add(v[0], v[1])),
        case("add", COLUMN, |g, v, _| g.add(v[0], v[1])),
        case("add", NUMBER, |g, v, _| g.add(v[0], v[1])),
        case("add", ONE, |g, v, _| g.add(v[0], v[0])),
        case("batch_norm", NORM, |g, v, s| {
            g.batch_norm(v[0], Some(v[1]), Some(v[2]), s.norm[0], s.norm[1], s.norm[2], 0.1, 0.1)
        }),
        case("batch_norm", ONE, |g, v, s| g.batch_norm(v[0], None, None, s.norm[0], s.norm[1], s.norm[2], 0.1, 0.1)),
        case("batch_norm", NORM, |g, v, s| {
            g.batch_norm(v[0], Some(v[1]), Some(v[2]), s.norm[0], s.norm[1], s.norm[2], 1e-5, 0.1)
        })
        .eval(),
        case("batch_norm", ROW, |g, v, s| {
            g.batch_norm(v[0], Some(v[1]), Some(v[1]), s.norm[0], s.norm[1], s.norm[2], 0.1, 0.1)
        }),
        case("batch_norm_act_dropout", NORM, |g, v, s| {
            let [mean, var, tracked] = s.norm;
            g.batch_norm_act_dropout(v[0], Some(v[1]), Some(v[2]), mean, var, tracked, 0.1, 0.1, Some(TANH), 0.4)
        }),
        case("batch_norm_act_dropout", NORM, |g, v, s| {
            let [mean, var, tracked] = s.norm;
            g.batch_norm_act_dropout(v[0], Some(v[1]), Some(v[2]), mean, var, tracked, 0.1, 0.1, Some(SOFTPLUS), 0.0)
        }),
        case("batch_norm_act_dropout", ROW, |g, v, s| {
            let [mean, var, tracked] = s.norm;
            g.batch_norm_act_dropout(v[0], None, Some(v[1]), mean, var, tracked, 0.1, 0.1, Some(SOFTPLUS), 0.4)
        })
        .eval(),
        case("bce_with_logits", TWO, |g, v, _| g.bce_with_logits(v[0], v[1])),
        case("bce_with_logits", ONE, |g, v, _| g.bce_with_logits(v[0], v[0])),
        case("clamp", ONE, |g, v, _| g.clamp(v[0], -0.5, 0.7)).kinks(&[-0.5, 0.7]),
        case("concat", |s| vec![(s.r, s.c), (s.r, s.k)], |g, v, _| g.concat(v[0], v[1])),
        case("concat", ONE, |g, v, _| g.concat(v[0], v[0])),
        case("detach", TWO, |g, v, _| {
            let c = g.detach(v[0]);
            let c = g.scale(c, 0.0);
            g.add(v[1], c)
        }),
        case("div", TWO, |g, v, _| g.div(v[0], v[1])).range(0.5, 2.0),
        case("div", ROW, |g, v, _| g.div(v[0], v[1])).range(0.5, 2.0),
        case("div", COLUMN, |g, v, _| g.div(v[0], v[1])).range(0.5, 2.0),
        case("div", NUMBER, |g, v, _| g.div(v[0], v[1])).range(0.5, 2.0),
        case("div", ONE, |g, v, _| g.div(v[0], v[0])).range(0.5, 2.0),
        case("dropout", ONE, |g, v, _| g.dropout(v[0], 0.3)),
        case("dropout", ONE, |g, v, _| g.dropout(v[0], 1.0)),
        case("exp", ONE, |g, v, _| g.exp(v[0])),
        case("gather_cols", ONE, |g, v, s| g.gather_cols(v[0], &s.labels)),
        case("gaussian_kl", TWO, |g, v, _| g.gaussian_kl(v[0], v[1])),
        case("gaussian_kl", ONE, |g, v, _| g.gaussian_kl(v[0], v[0])),
        case("layer_norm", NORM, |g, v, _| g.layer_norm(v[0], Some(v[1]), Some(v[2]), 0.1)),
        case("layer_norm", ROW, |g, v, _| g.layer_norm(v[0], Some(v[1]), Some(v[1]), 0.1)),
        case("layer_norm", ONE, |g, v, _| g.layer_norm(v[0], None, None, 0.1)),
        case("layer_norm_act_dropout", NORM, |g, v, _| {
            g.layer_norm_act_dropout(v[0], Some(v[1]), Some(v[2]), 0.1, Some(TANH), 0.4)
        }),
        case("layer_norm_act_dropout", NORM, |g, v, _| {
            g.layer_norm_act_dropout(v[0], Some(v[1]), Some(v[2]), 0.1, Some(SOFTPLUS), 0.0)
        }),
        case("layer_norm_act_dropout", ONE, |g, v, _| g.layer_norm_act_dropout(v[0], None, None, 0.1, None, 0.4)),
        case("linear", LINEAR, |g, v, _| g.linear(v[0], v[1], Some(v[2]))),
        case("linear", LINEAR, |g, v, _| g.linear(v[0], v[1], None)),
        case("linear", |s| vec![(s.c, s.c)], |g, v, _| g.linear(v[0], v[0], None)),
        case("linear_act", LINEAR, |g, v, _| g.linear_act(v[0], v[1], Some(v[2]), TANH)),
        case("linear_act", LINEAR, |g, v, _| g.linear_act(v[0], v[1], Some(v[2]), SOFTPLUS)),
        case("linear_act", |s| vec![(s.c, s.c)], |g, v, _| g.linear_act(v[0], v[0], None, TANH)),
        case("linear_act_dropout", LINEAR, |g, v, _| g.linear_act_dropout(v[0], v[1], Some(v[2]), Some(TANH), 0.4)),
        case("linear_act_dropout", LINEAR, |g, v, _| g.linear_act_dropout(v[0], v[1], None, Some(SOFTPLUS), 0.4)),
        case("linear_act_dropout", LINEAR, |g, v, _| g.linear_act_dropout(v[0], v[1], None, None, 0.4)),
        case("log", ONE, |g, v, _| g.log(v[0])).range(0.3, 3.0),
        case("log_softmax", ONE, |g, v, _| g.log_softmax(v[0])),
        case("log_sum_exp", ONE, |g, v, _| g.log_sum_exp(v[0])),
        case("matmul", |s| vec![(s.r, s.k), (s.k, s.c)], |g, v, _| g.matmul(v[0], No, v[1], No)),
        case("matmul", |s| vec![(s.k, s.r), (s.k, s.c)], |g, v, _| g.matmul(v[0], Yes, v[1], No)),
        case("matmul", |s| vec![(s.r, s.k), (s.c, s.k)], |g, v, _| g.matmul(v[0], No, v[1], Yes)),
        case("matmul", |s| vec![(s.k, s.r), (s.c, s.k)], |g, v, _| g.matmul(v[0], Yes, v[1], Yes)),
        case("matmul", ONE, |g, v, _| g.matmul(v[0], No, v[0], Yes)),
        case("matmul", ONE, |g, v, _| g.matmul(v[0], Yes, v[0], No)),
        case("matmul", |s| vec![(s.c, s.c)], |g, v, _| g.matmul(v[0], Yes, v[0], Yes)),
        case("mean_all", ONE, |g, v, _| g.mean_all(v[0])),
        case("mean_over_cols", ONE, |g, v, _| g.mean_over_cols(v[0])),
        case("mean_over_rows", ONE, |g, v, _| g.mean_over_rows(v[0])),
        case("mse", TWO, |g, v, _| g.mse(v[0], v[1])),
        case("mse", ONE, |g, v, _| g.mse(v[0], v[0])),
        case("mul", TWO, |g, v, _| g.mul(v[0], v[1])),
        case("mul", ROW, |g, v, _| g.mul(v[0], v[1])),
        case("mul", COLUMN, |g, v, _| g.mul(v[0], v[1])),
        case("mul", NUMBER, |g, v, _| g.mul(v[0], v[1])),
        case("mul", ONE, |g, v, _| g.mul(v[0], v[0])),
        case("neg", ONE, |g, v, _| g.neg(v[0])),
        case("reparameterise", TWO, |g, v, _| g.reparameterise(v[0], v[1])),
        case("reparameterise", ONE, |g, v, _| g.reparameterise(v[0], v[0])),
        case("reparameterise", TWO, |g, v, _| g.reparameterise(v[0], v[1])).eval(),
        case("reshape", ONE, |g, v, s| g.reshape(v[0], s.r * s.c, 1)),
        case("reshape", ONE, |g, v, s| g.reshape(v[0], s.c, s.r)),
        case("scale", ONE, |g, v, _| g.scale(v[0], -2.5)),
        case("shift", ONE, |g, v, _| g.shift(v[0], 3.0)),
        case("slice_cols", ONE, |g, v, s| g.slice_cols(v[0], s.c / 3..s.c)),
        case("softmax", ONE, |g, v, _| g.softmax(v[0])),
        case("softmax_cross_entropy", ONE, |g, v, s| g.softmax_cross_entropy(v[0], &s.labels)),
        case("sqrt", ONE, |g, v, _| g.sqrt(v[0])).range(0.3, 3.0),
        case("square", ONE, |g, v, _| g.square(v[0])),
        case("sub", TWO, |g, v, _| g.sub(v[0], v[1])),
        case("sub", ROW, |g, v, _| g.sub(v[0], v[1])),
        case("sub", COLUMN, |g, v, _| g.sub(v[0], v[1])),
        case("sub", NUMBER, |g, v, _| g.sub(v[0], v[1])),
        case("sub", ONE, |g, v, _| g.sub(v[0], v[0])),
        case("sum_all", ONE, |g, v, _| g.sum_all(v[0])),
        case("sum_over_cols", ONE, |g, v, _| g.sum_over_cols(v[0])),
        case("sum_over_rows", ONE, |g, v, _| g.sum_over_rows(v[0])),
        case(
            "tied_linear",
            |s| vec![(s.r, s.k), (s.c, s.k), (1, s.c)],
            |g, v, _| g.tied_linear(v[0], v[1], Some(v[2])),
        ),
        case("tied_linear", ONE, |g, v, _| g.tied_linear(v[0], v[0], None)),
        case("transpose", ONE, |g, v, _| g.transpose(v[0])),
    ]
}

/// Buffers for batch norm, away from the trivial 0 and 1.
fn buffers(c: usize) -> (Params<f64>, [ParamId; 3]) {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let ids = [
        scope.param("running_mean", ParamKind::Buffer, 1, c, Constant(0.3)),
        scope.param("running_var", ParamKind::Buffer, 1, c, Constant(0.6)),
        scope.param("num_batches_tracked", ParamKind::Buffer, 1, 1, Constant(0.0)),
    ];
    (Params::init(layout, &Stream::new(0)), ids)
}

fn size() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 2, 3, 7, 8, 9, 15, 16, 17, 33])
}

/// Checks `f` around the case: as it is, and with every input also used on another path, so that gradients add up.
fn check(case: &Case, r: usize, c: usize, k: usize, seed: u64, twice: bool) -> Result<f64, String> {
    let (params, norm) = buffers(c);
    let sizes = Sizes { r, c, k, labels: (0..r).map(|i| ((7 * i + 3) % c) as u32).collect(), norm };
    let stream = Stream::new(seed);
    let inputs: Vec<Array2<f64>> = (case.shapes)(&sizes)
        .iter()
        .enumerate()
        .map(|(i, s)| gradcheck::random(s.0, s.1, case.range.0, case.range.1, &stream.at(i as u64)))
        .collect();
    let check = GradCheck::new().seed(seed).mode(case.mode).keep_away(case.kinks, 0.02);
    let result = check.run(&params, &inputs, |g, vars| {
        let mut y = (case.f)(g, vars, &sizes);
        if twice {
            // The other path is made later, so the backward pass reaches it first and the operation's gradient must add.
            for v in vars {
                let s = g.square(*v);
                let s = g.sum_all(s);
                y = g.add(y, s);
            }
        }
        y
    });
    result.map(|report| report.error).map_err(|e| format!("{}: {e}", case.name))
}

#[test]
fn every_operation_passes_the_gradient_check() {
    for case in cases() {
        let mut runner = TestRunner::new(Config { cases: times(16), failure_persistence: None, ..Config::default() });
        let worst = Cell::new(0.0f64);
        runner
            .run(&(size(), size(), size(), any::<u64>(), any::<bool>()), |(r, c, k, seed, twice)| {
                let error = check(&case, r, c, k, seed, twice).map_err(TestCaseError::fail)?;
                worst.set(worst.get().max(error));
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        for (r, c, k) in [(1, 1, 1), (1, 17, 16), (17, 1, 15), (16, 16, 1)] {
            for twice in [false, true] {
                let error = check(&case, r, c, k, 1, twice).unwrap_or_else(|e| panic!("{e}"));
                worst.set(worst.get().max(error));
            }
        }
        gradient_ran(case.name, times(16) + 8, worst.get());
    }
}

#[test]
fn no_operation_is_left_out() {
    let tested: Vec<&str> = cases().iter().map(|c| c.name).collect();
    for entry in ops::table() {
        assert!(tested.contains(&entry.name), "`{}` has no gradient check", entry.name);
    }
    for name in tested {
        assert!(ops::table().iter().any(|e| e.name == name), "`{name}` is not in the table");
    }
    assert!(ops::table().is_sorted_by_key(|e| e.name));
}

/// Spread over both signs, without randomness of its own.
#[derive(Debug)]
struct Spread;

impl Initializer for Spread {
    fn fill(&self, _: usize, _: usize, stream: &Stream, out: &mut [f64]) {
        stream.normal(0, out);
        out.iter_mut().for_each(|v| *v *= 0.4);
    }
}

#[test]
fn a_network_with_tied_frozen_and_unused_parameters() {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let w = scope.param("w", ParamKind::Weight, 5, 3, Spread);
    let b = scope.param("b", ParamKind::Bias, 1, 3, Spread);
    let c = scope.param("c", ParamKind::Bias, 1, 5, Spread);
    let frozen = scope.param("frozen", ParamKind::Weight, 5, 5, Spread);
    let _unused = scope.param("unused", ParamKind::Weight, 2, 2, Spread);
    let mut params = Params::init(layout, &Stream::new(3));
    params.set_frozen(frozen, true);
    let x = gradcheck::random(9, 5, -1.0, 1.0, &Stream::new(4));
    gradcheck::check(&params, &[x], |g, v| {
        let (w, b, c, frozen) = (g.param(w), g.param(b), g.param(c), g.param(frozen));
        let h = g.linear(v[0], frozen, None);
        let code = g.linear_act_dropout(h, w, Some(b), Some(TANH), 0.2);
        let y = g.tied_linear(code, w, Some(c));
        g.mse(y, v[0])
    });
}

#[test]
fn kinks_inside_a_network_are_left_behind_by_smaller_steps() {
    for seed in 0..20 {
        let stream = Stream::new(seed);
        let x = gradcheck::random(8, 8, -1.0, 1.0, &stream.at(0));
        let w = gradcheck::random(8, 8, -1.0, 1.0, &stream.at(1));
        let check = GradCheck::new().seed(seed).step(1e-4);
        let (params, _) = buffers(1);
        let result = check.run(&params, &[x, w], |g, v| {
            let h = g.linear_act(v[0], v[1], None, LEAKY);
            g.linear_act(h, v[1], None, LEAKY)
        });
        result.unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
}

/// `y = x³` with a gradient that is wrong at one place, or does not add.
#[derive(Clone, Copy)]
struct WrongCube {
    x: Var,
    wrong_at: Option<usize>,
    adds: bool,
}

impl<T: Scalar> Op<T> for WrongCube {
    fn name(&self) -> &'static str {
        "wrong_cube"
    }
    fn inputs(&self) -> Inputs {
        Inputs::new(&[self.x])
    }
    fn forward(&self, f: &mut Forward<'_, T>) {
        for (y, x) in f.y.iter_mut().zip(f.values.get(self.x)) {
            *y = *x * *x * *x;
        }
    }
    fn backward(&self, b: &mut Backward<'_, T>) {
        let x = b.values.get(self.x);
        if let Some((dx, accum)) = b.grads.get(self.x) {
            for (i, (dx, (dy, x))) in dx.iter_mut().zip(b.dy.iter().zip(x)).enumerate() {
                let factor = if self.wrong_at == Some(i) { 3.001 } else { 3.0 };
                let d = T::of(factor) * *x * *x * *dy;
                *dx = if accum == Accum::Add && self.adds { *dx + d } else { d };
            }
        }
    }
}

fn wrong(wrong_at: Option<usize>, adds: bool, twice: bool) -> Result<(), gradcheck::Failure> {
    let (params, _) = buffers(1);
    let x = gradcheck::random(17, 17, 0.5, 1.5, &Stream::new(8));
    let run = GradCheck::new().run(&params, &[x], |g, v| {
        let y = g.push(WrongCube { x: v[0], wrong_at, adds }, 17, 17);
        if twice { g.add(y, v[0]) } else { y }
    });
    run.map(|_| ())
}

#[test]
fn a_gradient_that_is_wrong_by_a_thousandth_in_one_of_289_entries_is_caught_and_named() {
    assert!(wrong(None, true, false).is_ok());
    let failure = wrong(Some(2 * 17 + 5), true, false).expect_err("a wrong entry must be caught");
    assert_eq!(failure.entries.len(), 1);
    assert_eq!((failure.entries[0].row, failure.entries[0].col), (2, 5));
    assert!(failure.to_string().contains("input 0 [2, 5]"), "{failure}");
}

#[test]
fn a_gradient_that_replaces_where_it_should_add_is_caught() {
    assert!(wrong(None, true, true).is_ok());
    assert!(wrong(None, false, true).is_err());
}

#[test]
fn a_cut_path_is_caught() {
    let (params, _) = buffers(1);
    let x = gradcheck::random(3, 3, 0.5, 1.5, &Stream::new(8));
    assert!(GradCheck::new().run(&params, &[x], |g, v| g.detach(v[0])).is_err());
}

#[test]
#[should_panic(expected = "gradient check failed")]
fn check_panics_with_the_report() {
    let (params, _) = buffers(1);
    gradcheck::check(&params, &[Array2::ones((1, 2))], |g, v| g.detach(v[0]));
}
