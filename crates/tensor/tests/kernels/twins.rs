//! Every kernel against its slow twin.

use layerwise_tensor::kernel::{self, Form, LinearShape, Par, Tile, reference};
use layerwise_tensor::{Accum, Scalar};
use proptest::prelude::*;

use crate::common::{normal, times};
use crate::{assert_close, assert_sums, size};

const FORMS: [Form; 3] = [Form::Nn, Form::Tn, Form::Nt];
const ACCUMS: [Accum; 2] = [Accum::Replace, Accum::Add];

/// A sum of `n` products of normal values, rounded at every step: the error grows like `sqrt(n)` times a value of size `sqrt(n)`.
fn product_units(n: usize) -> f64 {
    16.0 + 4.0 * n as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: times(48), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gemm(m in size(), n in size(), k in size(), form in 0..3usize, accum in 0..2usize, seed: u64) {
        gemm_of::<f32>(m, n, k, FORMS[form], ACCUMS[accum], seed);
        gemm_of::<f64>(m, n, k, FORMS[form], ACCUMS[accum], seed);
    }

    #[test]
    fn linear(batch in size(), inputs in size(), outputs in size(), bias: bool, accum in 0..2usize, seed: u64) {
        linear_of::<f32>(LinearShape { batch, inputs, outputs }, bias, ACCUMS[accum], seed);
        linear_of::<f64>(LinearShape { batch, inputs, outputs }, bias, ACCUMS[accum], seed);
    }

    #[test]
    fn reductions(rows in size(), cols in size(), accum in 0..2usize, seed: u64) {
        reductions_of::<f32>(rows, cols, ACCUMS[accum], seed);
        reductions_of::<f64>(rows, cols, ACCUMS[accum], seed);
    }

    #[test]
    fn softmax(rows in size(), cols in size(), accum in 0..2usize, seed: u64) {
        softmax_of::<f32>(rows, cols, ACCUMS[accum], seed);
        softmax_of::<f64>(rows, cols, ACCUMS[accum], seed);
    }

    #[test]
    fn norms(rows in size(), cols in size().prop_map(|cols| cols.max(1)), gain: bool, bias: bool, accum in 0..2usize, seed: u64) {
        norms_of::<f32>(rows, cols, gain, bias, ACCUMS[accum], seed);
        norms_of::<f64>(rows, cols, gain, bias, ACCUMS[accum], seed);
    }

    #[test]
    fn transpose(rows in size(), cols in size(), seed: u64) {
        let x = normal::<f32>(seed, "x", rows * cols);
        let (mut y, mut z) = (x.clone(), x.clone());
        kernel::transpose(rows, cols, &x, &mut y);
        reference::transpose(rows, cols, &x, &mut z);
        prop_assert_eq!(&y, &z);
        kernel::transpose(cols, rows, &y, &mut z);
        prop_assert_eq!(&x, &z);
    }
}

fn gemm_of<T: Scalar>(m: usize, n: usize, k: usize, form: Form, accum: Accum, seed: u64) {
    let (a, b) = (normal::<T>(seed, "a", m * k), normal::<T>(seed, "b", k * n));
    let mut found = normal::<T>(seed, "c", m * n);
    let mut wanted = found.clone();
    kernel::gemm(form, m, n, k, &a, &b, accum, &mut found, Par::Auto);
    reference::gemm(form, m, n, k, &a, &b, accum, &mut wanted);
    assert_close("gemm", &found, &wanted, product_units(k));
}

fn linear_of<T: Scalar>(s: LinearShape, bias: bool, accum: Accum, seed: u64) {
    let LinearShape { batch, inputs, outputs } = s;
    let x = normal::<T>(seed, "x", batch * inputs);
    let w = normal::<T>(seed, "w", inputs * outputs);
    let dz = normal::<T>(seed, "dz", batch * outputs);
    let b = normal::<T>(seed, "b", outputs);
    let b = bias.then_some(&b[..]);
    let (mut y, mut saved) = (normal::<T>(seed, "y", batch * outputs), normal::<T>(seed, "saved", batch * outputs));
    let mut wanted = y.clone();
    reference::linear_forward(s, &x, &w, b, &mut wanted);

    kernel::linear_forward(s, &x, &w, b, &mut y, &mut [], None, Par::Auto);
    assert_close("y", &y, &wanted, product_units(inputs));
    // Twice the result, and the result and its row in `saved`: the epilogue sees each row once, finished, and knows which it is.
    let epilogue = |t: Tile<'_, T>| {
        assert!(t.y.len() == t.saved.len() && t.y.len().is_multiple_of(t.cols));
        for (i, (y, saved)) in t.y.iter_mut().zip(t.saved).enumerate() {
            *saved = *y + T::of((t.first_row + i / t.cols) as f64);
            *y += *y;
        }
    };
    kernel::linear_forward(s, &x, &w, b, &mut y, &mut saved, Some(&epilogue), Par::Auto);
    let twice: Vec<T> = wanted.iter().map(|v| *v + *v).collect();
    let rows: Vec<T> = wanted.iter().enumerate().map(|(i, v)| *v + T::of((i / outputs) as f64)).collect();
    assert_close("y after the epilogue", &y, &twice, 2.0 * product_units(inputs));
    assert_close("saved", &saved, &rows, product_units(inputs));

    let both = |what: &str, len: usize, terms: usize, fast: &dyn Fn(&mut [T]), slow: &dyn Fn(&mut [T])| {
        let mut found = normal::<T>(seed, what, len);
        let mut wanted = found.clone();
        fast(&mut found);
        slow(&mut wanted);
        assert_close(what, &found, &wanted, product_units(terms));
    };
    both(
        "dw",
        inputs * outputs,
        batch,
        &|dw| kernel::linear_backward_weight(s, &x, &dz, accum, dw, Par::Auto),
        &|dw| reference::linear_backward_weight(s, &x, &dz, accum, dw),
    );
    both("dx", batch * inputs, outputs, &|dx| kernel::linear_backward_input(s, &dz, &w, accum, dx, Par::Auto), &|dx| {
        reference::linear_backward_input(s, &dz, &w, accum, dx)
    });
    both("db", outputs, batch, &|db| kernel::linear_backward_bias(s, &dz, accum, db, Par::Auto), &|db| {
        reference::linear_backward_bias(s, &dz, accum, db)
    });
}

/// The sum of squares without the error of adding: what each addition loses is added at the end (Kahan, Babuska and Neumaier).
fn compensated_squares<T: Scalar>(x: &[T]) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0);
    for v in x {
        let v = v.as_f64();
        let square = v * v;
        // The terms are positive: the larger of the two is the sum, but for the first.
        let next = sum + square;
        lost += v.mul_add(v, -square) + if sum >= square { (sum - next) + square } else { (square - next) + sum };
        sum = next;
    }
    sum + lost
}

fn reductions_of<T: Scalar>(rows: usize, cols: usize, accum: Accum, seed: u64) {
    let x = normal::<T>(seed, "x", rows * cols);
    let y = normal::<T>(seed, "y", rows * cols);
    let total = |x: &[T]| x.iter().map(|v| v.as_f64().abs()).sum::<f64>();
    let product: f64 = x.iter().zip(&y).map(|(x, y)| (x.as_f64() * y.as_f64()).abs()).sum();
    let n = rows * cols;
    assert_sums("sum", &[kernel::sum(&x)], &[reference::sum(&x)], n, |_| total(&x));
    let (found, wanted) = (kernel::sum_of_squares(&x, Par::Auto), compensated_squares(&x));
    // Blocks in the element type: sixteen terms in a lane, then the lanes pairwise. In `f64` the plain sum of the twin errs by more.
    let error = (found - wanted).abs();
    assert!(error <= 32.0 * T::epsilon().as_f64() * wanted, "sum of squares: {found} instead of {wanted}");
    assert_sums("the twin's sum of squares", &[reference::sum_of_squares(&x)], &[wanted], n, |_| wanted);
    assert_sums("dot", &[kernel::dot(&x, &y)], &[reference::dot(&x, &y)], n, |_| product);
    assert_eq!(kernel::max_abs(&x), reference::max_abs(&x));

    let before = normal::<T>(seed, "out", rows.max(cols));
    let (mut found, mut wanted) = (before.clone(), before.clone());
    kernel::sum_over_rows(rows, cols, &x, accum, &mut found[..cols], Par::Auto);
    reference::sum_over_rows(rows, cols, &x, accum, &mut wanted[..cols]);
    let size = |j: usize| before[j].as_f64().abs() + (0..rows).map(|i| x[i * cols + j].as_f64().abs()).sum::<f64>();
    assert_sums("column sums", &found[..cols], &wanted[..cols], rows + 1, size);
    let (mut found, mut wanted) = (before.clone(), before.clone());
    kernel::sum_over_cols(rows, cols, &x, accum, &mut found[..rows], Par::Auto);
    reference::sum_over_cols(rows, cols, &x, accum, &mut wanted[..rows]);
    let size = |i: usize| before[i].as_f64().abs() + total(&x[i * cols..(i + 1) * cols]);
    assert_sums("row sums", &found[..rows], &wanted[..rows], cols + 1, size);
}

fn softmax_of<T: Scalar>(rows: usize, cols: usize, accum: Accum, seed: u64) {
    let n = rows * cols;
    let x: Vec<T> = normal::<T>(seed, "x", n).iter().map(|v| *v * T::of(8.0)).collect();
    let dy = normal::<T>(seed, "dy", n);
    let (mut found, mut wanted) = (x.clone(), x.clone());
    // `exp` of a difference of about 40 turns its rounding into as many units.
    let units = 100.0;

    kernel::softmax(rows, cols, &x, &mut found, Par::Auto);
    reference::softmax(rows, cols, &x, &mut wanted);
    assert_close("softmax", &found, &wanted, units);
    let y = wanted.clone();
    (found, wanted) = (x.clone(), x.clone());
    kernel::softmax_backward(rows, cols, &y, &dy, accum, &mut found, Par::Auto);
    reference::softmax_backward(rows, cols, &y, &dy, accum, &mut wanted);
    assert_close("softmax backward", &found, &wanted, units);

    kernel::log_softmax(rows, cols, &x, &mut found, Par::Auto);
    reference::log_softmax(rows, cols, &x, &mut wanted);
    assert_close("log softmax", &found, &wanted, units);
    let y = wanted.clone();
    (found, wanted) = (x.clone(), x.clone());
    kernel::log_softmax_backward(rows, cols, &y, &dy, accum, &mut found, Par::Auto);
    reference::log_softmax_backward(rows, cols, &y, &dy, accum, &mut wanted);
    // The total of a row has the size of its length at most.
    assert_close("log softmax backward", &found, &wanted, units * (1.0 + (cols as f64).sqrt()));

    let (mut found, mut wanted) = (vec![T::zero(); rows], vec![T::zero(); rows]);
    kernel::log_sum_exp(rows, cols, &x, &mut found, Par::Auto);
    reference::log_sum_exp(rows, cols, &x, &mut wanted);
    assert_close("log-sum-exp", &found, &wanted, units);
    let (out, dout) = (wanted, &dy[..rows.min(n)]);
    if dout.len() == rows {
        let (mut found, mut wanted) = (x.clone(), x.clone());
        kernel::log_sum_exp_backward(rows, cols, &x, &out, dout, accum, &mut found, Par::Auto);
        reference::log_sum_exp_backward(rows, cols, &x, &out, dout, accum, &mut wanted);
        assert_close("log-sum-exp backward", &found, &wanted, units);
    }
}

fn norms_of<T: Scalar>(rows: usize, cols: usize, gain: bool, bias: bool, accum: Accum, seed: u64) {
    const EPS: f64 = 1e-5;
    let n = rows * cols;
    let x = normal::<T>(seed, "x", n);
    let dy = normal::<T>(seed, "dy", n);
    let (g, b) = (normal::<T>(seed, "gain", cols), normal::<T>(seed, "bias", cols));
    let (gain, bias) = (gain.then_some(&g[..]), bias.then_some(&b[..]));
    // `1 / sqrt(var + eps)` is at most 316, which multiplies what is lost in `x - mean` and in the difference of the backward pass;
    // a second factor, of a few, stands for gains.
    let units = 64.0 * 316.0;
    let same = |what: &str, found: &[Vec<T>], wanted: &[Vec<T>]| {
        for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
            assert_close(&format!("{what} {i}"), f, w, units);
        }
    };
    let buffers = || -> [Vec<T>; 3] { [n, cols, cols].map(|len| normal(seed, "out", len)) };

    let mut found = [vec![T::zero(); n], vec![T::zero(); n], vec![T::zero(); rows]];
    let mut wanted = found.clone();
    let [y, z, r] = &mut found;
    kernel::layer_norm_forward(rows, cols, EPS, &x, gain, bias, y, z, r, &mut [], None, Par::Auto);
    let [y, z, r] = &mut wanted;
    reference::layer_norm_forward(rows, cols, EPS, &x, gain, bias, y, z, r);
    same("layer norm", &found, &wanted);
    let [_, z, r] = wanted;
    let (mut found, mut wanted) = (buffers(), buffers());
    let [dx, dg, db] = &mut found;
    kernel::layer_norm_backward(rows, cols, &z, &r, gain, &dy, Some((dx, accum)), dg, db, Par::Auto);
    let [dx, dg, db] = &mut wanted;
    reference::layer_norm_backward(rows, cols, &z, &r, gain, &dy, Some((dx, accum)), dg, db);
    same("layer norm backward", &found, &wanted);

    let mut found = [n, n, cols, cols, cols].map(|len| vec![T::zero(); len]);
    let mut wanted = found.clone();
    let [y, z, m, v, r] = &mut found;
    kernel::batch_norm_forward(rows, cols, EPS, &x, gain, bias, y, z, m, v, r, &mut [], None, Par::Auto);
    let [y, z, m, v, r] = &mut wanted;
    reference::batch_norm_forward(rows, cols, EPS, &x, gain, bias, y, z, m, v, r);
    same("batch norm", &found, &wanted);
    let [_, z, mut m, mut v, r] = wanted;
    let (mut found, mut wanted) = (buffers(), buffers());
    let [dx, dg, db] = &mut found;
    kernel::batch_norm_backward(rows, cols, &z, &r, gain, &dy, Some((dx, accum)), dg, db, Par::Auto);
    let [dx, dg, db] = &mut wanted;
    reference::batch_norm_backward(rows, cols, &z, &r, gain, &dy, Some((dx, accum)), dg, db);
    same("batch norm backward", &found, &wanted);

    if rows == 0 {
        // No rows have no mean; running statistics are always numbers.
        m.fill(T::zero());
        v.fill(T::one());
    }
    let (mut found, mut wanted) = (x.clone(), x.clone());
    kernel::batch_norm_eval(rows, cols, EPS, &x, gain, bias, &m, &v, &mut found, &mut [], None, Par::Auto);
    reference::batch_norm_eval(rows, cols, EPS, &x, gain, bias, &m, &v, &mut wanted);
    assert_close("batch norm in use", &found, &wanted, units);
    let (mut found, mut wanted) = (buffers(), buffers());
    let [dx, dg, db] = &mut found;
    kernel::batch_norm_eval_backward(rows, cols, EPS, &x, gain, &m, &v, &dy, Some((dx, accum)), dg, db, Par::Auto);
    let [dx, dg, db] = &mut wanted;
    reference::batch_norm_eval_backward(rows, cols, EPS, &x, gain, &m, &v, &dy, Some((dx, accum)), dg, db);
    same("batch norm in use, backward", &found, &wanted);
}
