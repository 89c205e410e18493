//! GFLOP/s of the three products of a linear layer, for one thread and two: `cargo run --release -p layerwise-tensor --example products`.

#![allow(missing_docs)]

use std::time::Instant;

use layerwise_tensor::kernel::{Form, Par, backend, cpu_level, gemm};
use layerwise_tensor::{Accum, Scalar, Stream};

fn main() {
    println!("{}, vectors: {}", backend(), cpu_level());
    println!("{:>5} {:>22} {:>7}  {:>8} {:>8} {:>8}", "type", "batch x in x out", "threads", "x w", "xT dz", "dz wT");
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a thread or two");
        for shape in [[128, 784, 1024], [64, 784, 256], [128, 1024, 10], [1, 784, 1024]] {
            pool.install(|| report::<f32>("f32", shape, threads));
        }
        pool.install(|| report::<f64>("f64", [128, 784, 1024], threads));
    }
}

fn report<T: Scalar>(name: &str, [batch, inputs, outputs]: [usize; 3], threads: usize) {
    let matrix = |rows: usize, cols: usize| {
        let mut values = vec![T::zero(); rows * cols];
        Stream::new(1).uniform(0, &mut values);
        values
    };
    let (mut x, mut w, mut z) = (matrix(batch, inputs), matrix(inputs, outputs), matrix(batch, outputs));
    let rates = [Form::Nn, Form::Tn, Form::Nt].map(|form| {
        let mut product = || match form {
            Form::Nn => gemm(form, batch, outputs, inputs, &x, &w, Accum::Replace, &mut z, Par::Auto),
            Form::Tn => gemm(form, inputs, outputs, batch, &x, &z, Accum::Replace, &mut w, Par::Auto),
            Form::Nt => gemm(form, batch, inputs, outputs, &z, &w, Accum::Replace, &mut x, Par::Auto),
        };
        product();
        let fastest = (0..200)
            .map(|_| {
                let start = Instant::now();
                product();
                start.elapsed().as_secs_f64()
            })
            .fold(f64::INFINITY, f64::min);
        2.0 * (batch * inputs * outputs) as f64 / fastest / 1e9
    });
    let shape = format!("{batch} x {inputs} x {outputs}");
    println!("{name:>5} {shape:>22} {threads:>7}  {:>8.1} {:>8.1} {:>8.1}", rates[0], rates[1], rates[2]);
}
