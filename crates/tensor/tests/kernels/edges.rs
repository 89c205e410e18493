//! Empty and smallest shapes, extreme values, and lengths that do not match.

use std::panic::{AssertUnwindSafe, catch_unwind};

use layerwise_tensor::kernel::{self, Form, LinearShape, Par};
use layerwise_tensor::{Accum, Scalar};

const INF: f64 = f64::INFINITY;

#[test]
fn softmax_survives_large_and_missing_logits() {
    check::<f32>();
    check::<f64>();

    fn check<T: Scalar>() {
        let huge = T::max_value().as_f64() / 4.0;
        let row = |x: [f64; 3]| x.map(T::of);
        let softmax = |x: [f64; 3]| {
            let mut y = [T::one(); 3];
            kernel::softmax(1, 3, &row(x), &mut y, Par::Seq);
            y.map(|v| v.as_f64())
        };
        let log_sum_exp = |x: [f64; 3]| {
            let mut out = [T::one()];
            kernel::log_sum_exp(1, 3, &row(x), &mut out, Par::Seq);
            out[0].as_f64()
        };
        let log_softmax = |x: [f64; 3]| {
            let mut y = [T::one(); 3];
            kernel::log_softmax(1, 3, &row(x), &mut y, Par::Seq);
            y.map(|v| v.as_f64())
        };
        let tiny = 4.0 * T::epsilon().as_f64();
        assert_eq!(softmax([huge, -huge, 0.0]), [1.0, 0.0, 0.0]);
        assert!(softmax([1000.0; 3]).iter().all(|v| (v - 1.0 / 3.0).abs() < tiny));
        assert!(softmax([-1000.0, -INF, -1000.0]).iter().zip([0.5, 0.0, 0.5]).all(|(v, w)| (v - w).abs() < tiny));
        assert!(softmax([-INF; 3]).iter().all(|v| v.is_nan()));
        assert!(softmax([0.0, f64::NAN, 0.0]).iter().all(|v| v.is_nan()));
        assert_eq!(log_softmax([huge, 0.0, -INF])[0], 0.0);
        assert_eq!(log_softmax([huge, 0.0, -INF])[2], -INF);
        assert!((log_sum_exp([1000.0, 1000.0, -INF]) - (1000.0 + 2f64.ln())).abs() < 1000.0 * tiny);
        assert_eq!(log_sum_exp([huge, 0.0, 0.0]), T::of(huge).as_f64());
        assert_eq!(log_sum_exp([-INF; 3]), -INF);
        assert_eq!(log_sum_exp([INF, 0.0, -INF]), INF);
        assert!(log_sum_exp([0.0, f64::NAN, 0.0]).is_nan());
    }
}

#[test]
fn the_largest_magnitude_does_not_hide_a_nan() {
    for place in [0, 15, 16, 17, 39] {
        let mut x = [1.0f32; 40];
        x[place] = f32::NAN;
        x[20] = -5.0;
        assert!(kernel::max_abs(&x).is_nan(), "at {place}");
        x[place] = 0.0;
        assert_eq!(kernel::max_abs(&x), 5.0);
    }
    assert_eq!(kernel::max_abs::<f64>(&[]), 0.0);
}

#[test]
fn a_constant_column_or_row_is_normalised_to_zero() {
    let x = [1e4f32; 6];
    let (mut y, mut z) = ([1.0; 6], [1.0; 6]);
    let (mut mean, mut var, mut rstd) = ([0.0; 3], [1.0; 3], [0.0; 3]);
    kernel::batch_norm_forward(
        2,
        3,
        1e-5,
        &x,
        None,
        None,
        &mut y,
        &mut z,
        &mut mean,
        &mut var,
        &mut rstd,
        &mut [],
        None,
        Par::Seq,
    );
    assert_eq!((y, z, mean, var), ([0.0; 6], [0.0; 6], [1e4; 3], [0.0; 3]));
    kernel::layer_norm_forward(2, 3, 1e-5, &x, None, None, &mut y, &mut z, &mut rstd[..2], &mut [], None, Par::Seq);
    assert_eq!((y, z), ([0.0; 6], [0.0; 6]));
}

/// Far from zero, with squares beyond the range of `f32` and below it, and with a first row that lies far away from all others: the
/// guess of the mean that sums are taken about must not cost more than a few bits.
#[test]
fn normalised_values_are_right_wherever_a_column_or_row_lies() {
    const N: usize = 24;
    let noise: Vec<f64> = (0..N).map(|i| ((i * 7) % N) as f64 / N as f64 - 0.5).collect();
    let outlier: Vec<f64> = (0..N).map(|i| if i == 0 { 1e4 } else { noise[i] }).collect();
    let cases: [(f64, Vec<f64>); 5] = [
        (0.0, noise.iter().map(|v| 1e3 + v).collect()),
        (0.0, noise.iter().map(|v| 1e30 * v).collect()),
        (0.0, noise.iter().map(|v| 1e-25 * v).collect()),
        (1e-5, outlier),
        (1e-5, noise),
    ];
    for (eps, values) in &cases {
        let x: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        let exact: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        let mean = exact.iter().sum::<f64>() / N as f64;
        let var = exact.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / N as f64;
        let wanted: Vec<f64> = exact.iter().map(|v| (v - mean) / (var + eps).sqrt()).collect();
        let (mut y, mut z) = ([0.0f32; N], [0.0f32; N]);
        let (mut m, mut v, mut r) = ([0.0f32], [0.0f32], [0.0f32]);
        let near = |what: &str, y: &[f32]| {
            for (y, wanted) in y.iter().zip(&wanted) {
                // A mean of a thousand is known to 3e-5 in `f32`; the values spread over one.
                let error = (f64::from(*y) - wanted).abs();
                assert!(error < 3e-4 * (1.0 + wanted.abs()), "{what} of {values:?}: {y} instead of {wanted}");
            }
        };
        kernel::batch_norm_forward(
            N,
            1,
            *eps,
            &x,
            None,
            None,
            &mut y,
            &mut z,
            &mut m,
            &mut v,
            &mut r,
            &mut [],
            None,
            Par::Seq,
        );
        near("batch norm", &y);
        kernel::layer_norm_forward(1, N, *eps, &x, None, None, &mut y, &mut z, &mut r, &mut [], None, Par::Seq);
        near("layer norm", &y);
    }
}

#[test]
fn replacing_never_reads_what_was_there() {
    let nan = || vec![f64::NAN; 6];
    let x = [1.0; 6];
    let (mut c, mut d, mut e) = (nan(), nan(), nan());
    kernel::gemm(Form::Nn, 2, 3, 0, &[], &[], Accum::Replace, &mut c, Par::Auto);
    kernel::gemm(Form::Nn, 2, 3, 1, &x[..2], &x[..3], Accum::Replace, &mut d, Par::Auto);
    kernel::softmax_backward(2, 3, &x, &x, Accum::Replace, &mut e, Par::Auto);
    assert_eq!((c, d), (vec![0.0; 6], vec![1.0; 6]));
    assert!(e.iter().all(|v| v.is_finite()));
}

#[test]
fn wrong_lengths_are_named() {
    let s = LinearShape { batch: 2, inputs: 3, outputs: 4 };
    let (x, w, mut y) = ([0.0f32; 6], [0.0f32; 12], [0.0f32; 8]);
    let cases: [(&str, &mut dyn FnMut()); 5] = [
        ("linear: `x` holds 5 values where 2 rows of 3 are wanted", &mut || {
            kernel::linear_forward(s, &x[..5], &w, None, &mut [0.0; 8], &mut [], None, Par::Seq);
        }),
        ("linear: `saved` holds 7 values where 2 rows of 4 are wanted", &mut || {
            kernel::linear_forward(s, &x, &w, None, &mut [0.0; 8], &mut y[..7], None, Par::Seq);
        }),
        ("dot: `y` holds 5 values where 1 rows of 6 are wanted", &mut || {
            kernel::dot(&x, &x[..5]);
        }),
        ("softmax: `y` holds 12 values where 2 rows of 3 are wanted", &mut || {
            kernel::softmax(2, 3, &x, &mut w.clone(), Par::Seq);
        }),
        ("for_tiles: 6 values are not whole rows of 4", &mut || {
            kernel::for_tiles(4, &mut x.clone(), Par::Seq, |_, _| ());
        }),
    ];
    for (message, case) in cases {
        let panic = catch_unwind(AssertUnwindSafe(case)).expect_err(message);
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(message));
    }
}
