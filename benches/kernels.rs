//! Every kernel at the workloads' sizes, in `f32` and `f64`, beside the time it needs at least: `cargo bench -p layerwise-benches`.

mod floors;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use floors::Floors;
use layerwise_benches::{LINEAR_SIZES, normal};
use layerwise_tensor::kernel::{self, Form, LinearShape, Par};
use layerwise_tensor::{Accum, Scalar, math};

fn products<T: Scalar>(c: &mut Criterion, floors: &mut Floors) {
    let title = format!("gemm/{:?}", T::DTYPE);
    let mut group = c.benchmark_group(&title);
    for &[m, k, n] in LINEAR_SIZES {
        group.throughput(Throughput::Elements((2 * m * n * k) as u64));
        let (x, w, dz) = (normal::<T>("x", m * k), normal::<T>("w", k * n), normal::<T>("dz", m * n));
        let mut y = vec![T::zero(); m * n];
        let mut dw = vec![T::zero(); k * n];
        let mut dx = vec![T::zero(); m * k];
        let name = format!("{m}x{k}x{n}");
        for form in ["forward", "weight gradient", "input gradient"] {
            floors.note::<T>(&title, &format!("{form}/{name}"), 2 * m * n * k, m * k + k * n + m * n);
        }
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

fn linear<T: Scalar>(c: &mut Criterion, floors: &mut Floors) {
    let title = format!("linear_forward/{:?}", T::DTYPE);
    let mut group = c.benchmark_group(&title);
    for &[batch, inputs, outputs] in LINEAR_SIZES {
        group.throughput(Throughput::Elements((2 * batch * inputs * outputs) as u64));
        let shape = LinearShape { batch, inputs, outputs };
        let (x, w, b) =
            (normal::<T>("x", batch * inputs), normal::<T>("w", inputs * outputs), normal::<T>("b", outputs));
        let mut y = vec![T::zero(); batch * outputs];
        let values = batch * inputs + inputs * outputs + batch * outputs + outputs;
        let name = format!("one thread/{batch}x{inputs}x{outputs}");
        floors.note::<T>(&title, &name, 2 * batch * inputs * outputs, values);
        for (name, par) in [("one thread", Par::Seq), ("pool", Par::Auto)] {
            group.bench_function(format!("{name}/{batch}x{inputs}x{outputs}"), |bench| {
                bench.iter(|| kernel::linear_forward(shape, &x, &w, Some(&b), black_box(&mut y), &mut [], None, par));
            });
        }
    }
    group.finish();
}

fn elementary<T: Scalar>(c: &mut Criterion, floors: &mut Floors) {
    const N: usize = 16 * 1024;
    let title = format!("elementary/{:?}", T::DTYPE);
    let mut group = c.benchmark_group(&title);
    group.throughput(Throughput::Elements(N as u64));
    let x = normal::<T>("x", N);
    let mut y = x.clone();
    // One closure per function, so that each loop is compiled with the function inside it.
    macro_rules! bench {
        ($name:literal, $f:path) => {
            // Traffic alone: how many operations a formula needs is not a property of the function.
            floors.note::<T>(&title, $name, 0, 2 * N);
            group.bench_function($name, |b| {
                b.iter(|| {
                    math::vectorize(
                        #[inline(always)]
                        || {
                            for (y, x) in y.iter_mut().zip(black_box(&x)) {
                                *y = $f(*x);
                            }
                        },
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

fn rows<T: Scalar>(c: &mut Criterion, floors: &mut Floors) {
    const ROWS: usize = 128;
    const COLS: usize = 1024;
    let title = format!("rows 128x1024/{:?}", T::DTYPE);
    let mut group = c.benchmark_group(&title);
    for (name, matrices) in [("softmax", 2), ("layer norm", 3), ("column sums", 1), ("sum of squares", 1)] {
        floors.note::<T>(&title, name, 0, matrices * ROWS * COLS);
    }
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

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut floors = Floors::new();
    products::<f32>(&mut criterion, &mut floors);
    products::<f64>(&mut criterion, &mut floors);
    linear::<f32>(&mut criterion, &mut floors);
    linear::<f64>(&mut criterion, &mut floors);
    elementary::<f32>(&mut criterion, &mut floors);
    elementary::<f64>(&mut criterion, &mut floors);
    rows::<f32>(&mut criterion, &mut floors);
    rows::<f64>(&mut criterion, &mut floors);
    criterion.final_summary();
    floors.print();
}
