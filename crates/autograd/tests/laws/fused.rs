//! A fused operation gives what its parts give.

use layerwise_autograd::gradcheck::random;
use layerwise_autograd::tensor::ndarray::Array2;
use layerwise_autograd::{Act, Graph, Tape, Trans, Var};
use layerwise_tensor::{Accum, Constant, Gradients, Layout, Mode, ParamKind, Params, Scalar, Stream};
use proptest::prelude::*;

use crate::acts::{LEAKY, SOFTPLUS, TANH};
use crate::ledger::times;

/// Value and gradients of the inputs, for a gradient of the value that differs from entry to entry.
type Outcome<T> = (Vec<T>, Vec<Vec<T>>);

fn run<T: Scalar>(inputs: &[Array2<f64>], f: impl Fn(&mut Graph<'_, T>, &[Var]) -> Var) -> Outcome<T> {
    run_with(Layout::new(), inputs, f)
}

fn run_with<T: Scalar>(
    layout: Layout,
    inputs: &[Array2<f64>],
    f: impl Fn(&mut Graph<'_, T>, &[Var]) -> Var,
) -> Outcome<T> {
    let params = Params::<T>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let mut g = tape.graph(&params, Mode::Train, Stream::new(11));
    let vars: Vec<Var> = inputs.iter().map(|x| g.leaf(x.mapv(T::of).view())).collect();
    let y = f(&mut g, &vars);
    let value = g.slice(y).to_vec();
    let mut dy = vec![T::zero(); value.len()];
    Stream::new(12).normal(0, &mut dy);
    g.backward_from(y, &dy, &mut grads, Accum::Replace);
    let gradients =
        vars.iter().map(|v| tape.grad(*v).map(|d| d.iter().copied().collect()).unwrap_or_default()).collect();
    (value, gradients)
}

fn close<T: Scalar>(a: &Outcome<T>, b: &Outcome<T>, tolerance: f64) {
    let flat = |o: &Outcome<T>| o.0.iter().chain(o.1.iter().flatten()).map(|v| v.as_f64()).collect::<Vec<f64>>();
    let (a, b) = (flat(a), flat(b));
    assert_eq!(a.len(), b.len());
    // Relative to the largest entry: sums of different order lose digits of it, not of the smallest.
    let size = a.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in a.iter().zip(&b).enumerate() {
        assert!((a - b).abs() <= tolerance * size, "entry {i}: {a} against {b}");
    }
}

fn both<T: Scalar>(
    inputs: &[Array2<f64>],
    fused: impl Fn(&mut Graph<'_, T>, &[Var]) -> Var,
    parts: impl Fn(&mut Graph<'_, T>, &[Var]) -> Var,
) -> (Outcome<T>, Outcome<T>) {
    (run(inputs, fused), run(inputs, parts))
}

fn inputs(shapes: &[(usize, usize)], seed: u64) -> Vec<Array2<f64>> {
    let stream = Stream::new(seed);
    shapes.iter().enumerate().map(|(i, s)| random(s.0, s.1, -2.0, 2.0, &stream.at(i as u64))).collect()
}

fn size() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 2, 5, 15, 16, 17, 40])
}

/// 64 times the rounding unit: a few sums of at most 40 terms.
fn tolerance<T: Scalar>() -> f64 {
    64.0 * T::epsilon().as_f64()
}

fn linear_laws<T: Scalar>(x: &[Array2<f64>], act: Act) {
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.linear_act(v[0], v[1], Some(v[2]), act),
        |g, v| {
            let z = g.linear(v[0], v[1], Some(v[2]));
            g.activate(z, act)
        },
    );
    assert_eq!(fused, parts, "linear_act must give the bits of linear and activate");
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.linear_act_dropout(v[0], v[1], Some(v[2]), Some(act), 0.3),
        |g, v| {
            let y = g.linear_act(v[0], v[1], Some(v[2]), act);
            g.dropout(y, 0.3)
        },
    );
    assert_eq!(fused.0, parts.0, "linear_act_dropout must give the bits of linear_act and dropout");
    close(&fused, &parts, tolerance::<T>());
}

fn loss_laws<T: Scalar>(x: &[Array2<f64>], labels: &[u32]) {
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.softmax_cross_entropy(v[0], labels),
        |g, v| {
            let y = g.log_softmax(v[0]);
            let y = g.gather_cols(y, labels);
            let y = g.mean_all(y);
            g.neg(y)
        },
    );
    close(&fused, &parts, tolerance::<T>());
    let (lse, by_exp) = both::<T>(
        x,
        |g, v| g.log_sum_exp(v[0]),
        |g, v| {
            let y = g.exp(v[0]);
            let y = g.sum_over_cols(y);
            g.log(y)
        },
    );
    close(&lse, &by_exp, tolerance::<T>());
    let (softmax, by_exp) = both::<T>(
        x,
        |g, v| g.softmax(v[0]),
        |g, v| {
            let e = g.exp(v[0]);
            let s = g.sum_over_cols(e);
            g.div(e, s)
        },
    );
    close(&softmax, &by_exp, tolerance::<T>());
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.bce_with_logits(v[0], v[1]),
        |g, v| {
            // softplus(z) = -ln(1 - sigmoid(z)) and z = ln(p / (1 - p)): the textbook form, fine while z is moderate.
            let e = g.exp(v[0]);
            let one_more = g.shift(e, 1.0);
            let p = g.div(e, one_more);
            let (log_p, q) = (g.log(p), g.neg(p));
            let q = g.shift(q, 1.0);
            let log_q = g.log(q);
            let one_less = g.neg(v[1]);
            let one_less = g.shift(one_less, 1.0);
            let (a, b) = (g.mul(v[1], log_p), g.mul(one_less, log_q));
            let sum = g.add(a, b);
            let mean = g.mean_all(sum);
            g.neg(mean)
        },
    );
    close(&fused, &parts, tolerance::<T>());
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.mse(v[0], v[1]),
        |g, v| {
            let d = g.sub(v[0], v[1]);
            let s = g.square(d);
            g.mean_all(s)
        },
    );
    close(&fused, &parts, tolerance::<T>());
}

fn gaussian_laws<T: Scalar>(x: &[Array2<f64>]) {
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.reparameterise(v[0], v[1]),
        |g, v| {
            let (rows, cols) = g.shape(v[0]);
            let stream = g.next_stream();
            let noise = g.input_from(rows, cols, |out| stream.normal(0, out));
            let half = g.scale(v[1], 0.5);
            let std = g.exp(half);
            let noise = g.mul(std, noise);
            g.add(v[0], noise)
        },
    );
    close(&fused, &parts, tolerance::<T>());
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.gaussian_kl(v[0], v[1]),
        |g, v| {
            let (var, square) = (g.exp(v[1]), g.square(v[0]));
            let sum = g.add(var, square);
            let sum = g.sub(sum, v[1]);
            let sum = g.shift(sum, -1.0);
            let sum = g.scale(sum, 0.5);
            let sum = g.sum_over_cols(sum);
            g.mean_all(sum)
        },
    );
    close(&fused, &parts, tolerance::<T>());
}

/// `gain (x - mean) / sqrt(var + eps) + bias` of primitive operations; `mean` takes the mean of each row or of each column.
fn normalise<T: Scalar>(g: &mut Graph<'_, T>, v: &[Var], mean: fn(&mut Graph<'_, T>, Var) -> Var) -> Var {
    let m = mean(g, v[0]);
    let d = g.sub(v[0], m);
    let s = g.square(d);
    let var = mean(g, s);
    let var = g.shift(var, 0.01);
    let std = g.sqrt(var);
    let n = g.div(d, std);
    let n = g.mul(n, v[1]);
    g.add(n, v[2])
}

fn norm_laws<T: Scalar>(x: &[Array2<f64>]) {
    let (fused, parts) = both::<T>(
        x,
        |g, v| g.layer_norm(v[0], Some(v[1]), Some(v[2]), 0.01),
        |g, v| normalise(g, v, |g, x| g.mean_over_cols(x)),
    );
    // Dividing by a standard deviation of at least 0.1 magnifies what the mean has lost.
    close(&fused, &parts, 100.0 * tolerance::<T>());
    for (act, p) in [(TANH, 0.0), (SOFTPLUS, 0.0), (LEAKY, 0.3), (SOFTPLUS, 0.3)] {
        let (fused, parts) = both::<T>(
            x,
            |g, v| g.layer_norm_act_dropout(v[0], Some(v[1]), Some(v[2]), 0.01, Some(act), p),
            |g, v| {
                let n = g.layer_norm(v[0], Some(v[1]), Some(v[2]), 0.01);
                let y = g.activate(n, act);
                g.dropout(y, p)
            },
        );
        assert_eq!(fused.0, parts.0, "layer_norm_act_dropout must give the bits of its parts");
        close(&fused, &parts, 100.0 * tolerance::<T>());
        let statistics = || {
            let (mut layout, cols) = (Layout::new(), x[0].ncols());
            let mut scope = layout.scope();
            let [mean, var] = ["mean", "var"].map(|name| scope.param(name, ParamKind::Buffer, 1, cols, Constant(1.0)));
            let tracked = scope.param("tracked", ParamKind::Buffer, 1, 1, Constant(0.0));
            (layout, mean, var, tracked)
        };
        let (layout, mean, var, tracked) = statistics();
        let fused = run_with::<T>(layout, x, |g, v| {
            let (gain, bias) = (Some(v[1]), Some(v[2]));
            g.batch_norm_act_dropout(v[0], gain, bias, mean, var, tracked, 0.01, 0.1, Some(act), p)
        });
        let (layout, mean, var, tracked) = statistics();
        let parts = run_with::<T>(layout, x, |g, v| {
            let n = g.batch_norm(v[0], Some(v[1]), Some(v[2]), mean, var, tracked, 0.01, 0.1);
            let y = g.activate(n, act);
            g.dropout(y, p)
        });
        assert_eq!(fused.0, parts.0, "batch_norm_act_dropout must give the bits of its parts");
        close(&fused, &parts, 100.0 * tolerance::<T>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: times(24), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fused_equals_composed(r in size(), c in size(), k in size(), seed in any::<u64>()) {
        let x = inputs(&[(r, k), (k, c), (1, c)], seed);
        for act in [LEAKY, TANH, SOFTPLUS] {
            linear_laws::<f32>(&x, act);
            linear_laws::<f64>(&x, act);
        }
        let labels: Vec<u32> = (0..r).map(|i| ((5 * i + 1) % c) as u32).collect();
        let x = inputs(&[(r, c), (r, c)], seed);
        loss_laws::<f32>(&x, &labels);
        loss_laws::<f64>(&x, &labels);
        gaussian_laws::<f32>(&x);
        gaussian_laws::<f64>(&x);
        let x = inputs(&[(r, c), (1, c), (1, c)], seed);
        norm_laws::<f32>(&x);
        norm_laws::<f64>(&x);
    }

    #[test]
    fn tied_linear_is_linear_with_the_transpose(r in size(), c in size(), k in size(), seed in any::<u64>()) {
        let x = inputs(&[(r, k), (c, k), (1, c)], seed);
        let (tied, parts) = both::<f64>(&x, |g, v| g.tied_linear(v[0], v[1], Some(v[2])), |g, v| {
            let w = g.transpose(v[1]);
            g.linear(v[0], w, Some(v[2]))
        });
        close(&tied, &parts, tolerance::<f64>());
    }

    #[test]
    fn forms_of_matmul_are_matmuls_of_transposes(r in size(), c in size(), k in size(), seed in any::<u64>()) {
        let x = inputs(&[(r, k), (k, c)], seed);
        let (plain, turned) = both::<f64>(&x, |g, v| g.matmul(v[0], Trans::No, v[1], Trans::No), |g, v| {
            let (a, b) = (g.transpose(v[0]), g.transpose(v[1]));
            g.matmul(a, Trans::Yes, b, Trans::Yes)
        });
        close(&plain, &turned, tolerance::<f64>());
        let (one, other) = both::<f64>(&x, |g, v| {
            let a = g.transpose(v[0]);
            g.matmul(a, Trans::Yes, v[1], Trans::No)
        }, |g, v| {
            let b = g.transpose(v[1]);
            g.matmul(v[0], Trans::No, b, Trans::Yes)
        });
        close(&plain, &one, tolerance::<f64>());
        close(&plain, &other, tolerance::<f64>());
    }
}

#[test]
fn batch_norm_equals_its_parts_and_leaves_its_statistics_for_the_optimizer() {
    let mut layout = Layout::new();
    let mut scope = layout.scope();
    let mean = scope.param("running_mean", ParamKind::Buffer, 1, 3, Constant(0.0));
    let var = scope.param("running_var", ParamKind::Buffer, 1, 3, Constant(1.0));
    let tracked = scope.param("num_batches_tracked", ParamKind::Buffer, 1, 1, Constant(0.0));
    let mut params = Params::<f64>::init(layout, &Stream::new(0));
    let mut grads = Gradients::new(&params);
    let mut tape = Tape::new();
    let x = inputs(&[(4, 3), (1, 3), (1, 3)], 5);
    let mut outcomes = Vec::new();
    for fused in [true, false] {
        let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
        let v: Vec<Var> = x.iter().map(|x| g.leaf(x.view())).collect();
        let y = if fused {
            g.batch_norm(v[0], Some(v[1]), Some(v[2]), mean, var, tracked, 0.01, 0.1)
        } else {
            normalise(&mut g, &v, |g, x| g.mean_over_rows(x))
        };
        let value = g.slice(y).to_vec();
        let dy: Vec<f64> = (0..12).map(|i| f64::from(i) * 0.3 - 1.0).collect();
        g.backward_from(y, &dy, &mut grads, if fused { Accum::Replace } else { Accum::Add });
        let d = v.iter().filter_map(|v| tape.grad(*v)).map(|d| d.iter().copied().collect()).collect();
        outcomes.push((value, d));
    }
    close(&outcomes[0], &outcomes[1], 1e-12);

    assert_eq!(grads.pending_updates(), 3);
    grads.apply_updates(&mut params);
    for j in 0..3 {
        let column = x[0].column(j);
        let m = column.sum() / 4.0;
        let unbiased = column.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / 3.0;
        assert!((params.get(mean)[j] - 0.1 * m).abs() < 1e-12);
        assert!((params.get(var)[j] - (0.9 + 0.1 * unbiased)).abs() < 1e-12);
    }
    assert_eq!(params.get(tracked), &[1.0]);

    let mut g = tape.graph(&params, Mode::Eval, Stream::new(0));
    let v = g.input(x[0].view());
    let y = g.batch_norm(v, None, None, mean, var, tracked, 0.01, 0.1);
    let expected = (x[0][[2, 1]] - params.get(mean)[1]) / (params.get(var)[1] + 0.01).sqrt();
    assert!((g.value(y)[[2, 1]] - expected).abs() < 1e-12);
    g.finish(&mut grads);
    assert_eq!(grads.pending_updates(), 0, "a model in use must not move its statistics");
}
