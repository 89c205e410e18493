//! Every kernel at the workloads' sizes, in `f32` and `f64`: `cargo bench -p layerwise-benches`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use layerwise_benches::{LINEAR_SIZES, normal};
use layerwise_tensor::kernel::{self, Form, LinearShape, Par};
use layerwise_tensor::{Accum, Scalar, math};

fn products<T: Scalar>(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("gemm/{:?}", T::DTYPE));
    for &[m, k, n] in LINEAR_SIZES {
        group.throughput(Throughput::Elements((2 * m * n * k) as u64));
        let (x, w, dz) = (normal::<T>("x", m * k), normal::<T>("w", k * n), normal::<T>("dz", m * n));
        let mut y = vec![T::zero(); m * n];
        let mut dw = vec![T::zero(); k * n];
        let mut dx = vec![T::zero(); m * k];
        let name = format!("{m}x{k}x{n}");
        group.bench_function(format!("forward/{name}"), |b| {
            b.iter(|| kernel::gemm(Form::Nn, m, n, k, &x, &w, Accum::Replace, black_box(&mut y), Par::Seq));
        });
        group.bench_function(format!("weight gradient/{name}"), |b| {
            b.iter(|| kernel::gemm(Form::Tn, k, n, m, &x, &dz, Accum::Replace, black_box(&mut dw), Par::Seq));
        });
        group.bench_function(format!("input gradient/{name}"), |b| {
            b.iter(|| kernel::gemm(Form::Nt, m, k, n, &dz, &w, Accum::Replace, black_box(&mut dx), Par::Seq));
        });
    }
    group.finish();
}

fn linear<T: Scalar>(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("linear_forward/{:?}", T::DTYPE));
    for &[batch, inputs, outputs] in LINEAR_SIZES {
        group.throughput(Throughput::Elements((2 * batch * inputs * outputs) as u64));
        let shape = LinearShape { batch, inputs, outputs };
        let (x, w, b) =
            (normal::<T>("x", batch * inputs), normal::<T>("w", inputs * outputs), normal::<T>("b", outputs));
        let mut y = vec![T::zero(); batch * outputs];
        for (name, par) in [("one thread", Par::Seq), ("pool", Par::Auto)] {
            group.bench_function(format!("{name}/{batch}x{inputs}x{outputs}"), |bench| {
                bench.iter(|| kernel::linear_forward(shape, &x, &w, Some(&b), black_box(&mut y), &mut [], None, par));
            });
        }
    }
    group.finish();
}

fn elementary<T: Scalar>(c: &mut Criterion) {
    const N: usize = 16 * 1024;
    let mut group = c.benchmark_group(format!("elementary/{:?}", T::DTYPE));
    group.throughput(Throughput::Elements(N as u64));
    let x = normal::<T>("x", N);
    let mut y = x.clone();
    // One closure per function, so that each loop is compiled with the function inside it.
    macro_rules! bench {
        ($name:literal, $f:path) => {
            group.bench_function($name, |b| {
                b.iter(|| {
                    math::vectorize(
                        #[inline(always)]
                        || y.iter_mut().zip(black_box(&x)).for_each(|(y, x)| *y = $f(*x)),
                    )
                });
            });
        };
    }
    bench!("exp", math::exp);
    bench!("log", math::log);
    bench!("tanh", math::tanh);
    bench!("sigmoid", math::sigmoid);
    bench!("erf", math::erf);
    bench!("softplus", math::softplus);
    group.finish();
}

fn rows<T: Scalar>(c: &mut Criterion) {
    const ROWS: usize = 128;
    const COLS: usize = 1024;
    let mut group = c.benchmark_group(format!("rows 128x1024/{:?}", T::DTYPE));
    group.throughput(Throughput::Elements((ROWS * COLS) as u64));
    let x = normal::<T>("x", ROWS * COLS);
    let (gain, bias) = (normal::<T>("gain", COLS), normal::<T>("bias", COLS));
    let (mut y, mut normalized) = (x.clone(), x.clone());
    let mut rstd = vec![T::zero(); ROWS];
    group.bench_function("softmax", |b| b.iter(|| kernel::softmax(ROWS, COLS, &x, black_box(&mut y), Par::Seq)));
    group.bench_function("layer norm", |b| {
        b.iter(|| {
            let out = (black_box(&mut y), &mut normalized, &mut rstd);
            kernel::layer_norm_forward(
                ROWS,
                COLS,
                1e-5,
                &x,
                Some(&gain),
                Some(&bias),
                out.0,
                out.1,
                out.2,
                &mut [],
                None,
                Par::Seq,
            );
        });
    });
    let mut sums = vec![T::zero(); COLS];
    group.bench_function("column sums", |b| {
        b.iter(|| kernel::sum_over_rows(ROWS, COLS, &x, Accum::Replace, black_box(&mut sums), Par::Seq));
    });
    group.bench_function("sum of squares", |b| b.iter(|| black_box(kernel::sum_of_squares(black_box(&x), Par::Seq))));
    group.finish();
}

criterion_group!(
    kernels,
    products::<f32>,
    products::<f64>,
    linear::<f32>,
    linear::<f64>,
    elementary::<f32>,
    elementary::<f64>,
    rows::<f32>,
    rows::<f64>
);
criterion_main!(kernels);
