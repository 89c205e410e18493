//! No allocation in the steady state: after the second step, from gathering the batch to the update, training allocates nothing at all,
//! with our own products as with OpenBLAS (where matrixmultiply stands in for ours, its packing buffers, one per product). Every file
//! under `benches/workloads` is held to it, and to bounds of its memory and of its first step.
//!
//! A program of its own without the test harness, because it counts every allocation of the process, and the threads of the harness
//! allocate when they like.

mod counting;
mod workloads;

use std::sync::Barrier;

use layerwise::autoencoder::model;
use layerwise::nn::{
    ActivationConfig, ActivityConfig, DropConnectConfig, KSparseConfig, KlSparsityConfig, LayerNormConfig,
    LinearConfig, ResidualConfig, SequentialModelConfig, SpectralNormConfig, WeightNormConfig,
};
use layerwise::prelude::*;
use layerwise::tensor::kernel::{self, Form, Par};
use layerwise::train::Streams;
use ndarray::Array2;

/// Classes of every model here.
const OUTPUTS: usize = 10;

/// Allocations and calls of the product's backend in each of some steps after the second.
fn steps<T: Scalar, C: BuildModel>(config: &C, batch: usize, threads: usize) -> Vec<(u64, u64)>
where
    C::Model: Module<T>,
    SoftmaxCrossEntropy: Loss<T>,
{
    let (rows, inputs) = (4 * batch, config.inputs());
    let (model, mut params) = config.create::<T>(3).unwrap();
    let x = Array2::from_shape_fn((rows, inputs), |(i, j)| T::of(((i * 31 + j * 17) % 97) as f64 / 97.0 - 0.5));
    let y: Vec<u32> = (0..rows as u32).map(|i| i % OUTPUTS as u32).collect();
    in_pool(threads, || {
        let streams = Streams::new(5);
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
        let schedule = Warmup::new(3, Cosine::new(100, 0.1));
        let settings = OptimizerConfig::new(AdamW::default()).schedule(schedule).clip(Clip::GlobalNorm(1.0)).l1(1e-6);
        let mut optimizer = settings.build(&params).unwrap();
        let mut batches = Batches::new(rows, batch, streams.shuffle);
        let mut labels = vec![0; batch];
        let mut counts = Vec::with_capacity(16);
        for epoch in 0..3 {
            let mut before = counting::allocations();
            let mut products = kernel::product_blocks();
            for order in batches.epoch(epoch) {
                let mut g = tape.graph(&params, Mode::Train, streams.step.at(optimizer.steps()));
                let input = g.input_from(order.len(), inputs, |out| {
                    for (to, from) in out.chunks_exact_mut(inputs).zip(order) {
                        to.copy_from_slice(x.row(*from).as_slice().unwrap());
                    }
                });
                labels.iter_mut().zip(order).for_each(|(l, row)| *l = y[*row]);
                let output = model.forward(&mut g, input);
                let loss = SoftmaxCrossEntropy.loss(&mut g, output, Target::Labels(&labels[..order.len()]));
                g.backward(loss, &mut grads, Accum::Replace);
                optimizer.step(&mut params, &mut grads);
                let (now, calls) = (counting::allocations(), kernel::product_blocks());
                if optimizer.steps() > 2 {
                    counts.push((now - before, calls - products));
                }
                (before, products) = (now, calls);
            }
        }
        counts
    })
}

/// Runs `f` in a pool of one or two workers that have started, have stolen work and have multiplied once, and that never end: all four
/// allocate. Two of them work as a team, as in a training loop.
fn in_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = Box::leak(Box::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()));
    pool.install(|| {
        if threads == 2 {
            let meeting = Barrier::new(2);
            let multiply = || {
                meeting.wait();
                kernel::gemm(Form::Nn, 1, 1, 1, &[1.0f32], &[1.0], Accum::Replace, &mut [0.0], Par::Seq);
            };
            rayon::join(multiply, multiply);
        }
        kernel::team(f)
    })
}

#[track_caller]
fn check<T: Scalar, C: BuildModel>(name: &str, config: &C, batch: usize)
where
    C::Model: Module<T>,
    SoftmaxCrossEntropy: Loss<T>,
{
    let packs = kernel::backend() == "matrixmultiply";
    for threads in [1, 2] {
        let counts = steps::<T, C>(config, batch, threads);
        println!("{name} {:?}, {threads} threads: (allocations, products) {counts:?}", T::DTYPE);
        assert!(counts.len() >= 8);
        for (allocations, products) in counts {
            let allowed = if packs { products } else { 0 };
            assert!(
                allocations <= allowed,
                "{name} {:?}: {allocations} allocations in a step of {products} products",
                T::DTYPE
            );
        }
    }
}

/// Allocations and calls of the product's backend in each of some steps of an autoencoder after the third, penalties and noise included.
fn autoencoder_steps(config: &AutoencoderConfig) -> Vec<(u64, u64)> {
    let (model, mut params) = config.create::<f64>(3).unwrap();
    let x = Array2::from_shape_fn((32, config.inputs), |(i, j)| ((i * 31 + j * 17) % 97) as f64 / 97.0 - 0.5);
    in_pool(1, || {
        let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
        let mut optimizer = OptimizerConfig::new(AdamW::default()).build(&params).unwrap();
        let mut counts = Vec::with_capacity(8);
        for step in 0..11 {
            let (before, products) = (counting::allocations(), kernel::product_blocks());
            let mut g = tape.graph(&params, Mode::Train, Stream::new(5).at(step));
            let input = g.input(x.view());
            let output = model.forward(&mut g, input);
            let loss = g.square(output);
            let loss = g.mean_all(loss);
            g.backward(loss, &mut grads, Accum::Replace);
            optimizer.step(&mut params, &mut grads);
            if step > 2 {
                counts.push((counting::allocations() - before, kernel::product_blocks() - products));
            }
        }
        counts
    })
}

/// Every sample of every kind of autoencoder; how many there were.
fn check_autoencoders() -> usize {
    let packs = kernel::backend() == "matrixmultiply";
    let mut cases = 0;
    for kind in model::table() {
        for config in kind.sample_configs().unwrap() {
            for (allocations, products) in autoencoder_steps(&config) {
                let allowed = if packs { products } else { 0 };
                assert!(allocations <= allowed, "{config:?}: {allocations} allocations, {products} products");
            }
            cases += 1;
        }
    }
    println!("{cases} autoencoders allocate nothing but packing buffers");
    cases
}

fn main() {
    let plain = Mlp::builder(64).hidden(&[128, 64]).outputs(OUTPUTS);
    let base =
        Mlp::builder(100).hidden(&[256, 256, 256]).outputs(OUTPUTS).dropout(0.5).input_dropout(0.2).residual(true);
    let cases = [
        ("plain", 32, plain),
        ("batch norm", 256, base.clone().norm(Norm::Batch)),
        ("layer norm, GELU", 256, base.clone().norm(Norm::Layer).activation(Activation::GELU)),
        ("no norm, tanh", 256, base.activation(Activation::TANH)),
    ];
    for (name, batch, config) in &cases {
        check::<f32, _>(name, config, *batch);
        check::<f64, _>(name, config, *batch);
    }
    let shelf = SequentialModelConfig::new(64)
        .then(&WeightNormConfig::new(128))
        .then(&ActivityConfig::new().l1(1e-3))
        .then(&KSparseConfig::new(20))
        .then(&SpectralNormConfig::new(64))
        .then(&ActivationConfig::new(Activation::SIGMOID))
        .then(&KlSparsityConfig::new().weight(1e-3))
        .then(&ResidualConfig::default().then(&DropConnectConfig::new(64, 0.2)).after(&LayerNormConfig::new()))
        .then(&LinearConfig::new(OUTPUTS));
    check::<f32, _>("norms of weights, penalties", &shelf, 128);
    check::<f64, _>("norms of weights, penalties", &shelf, 128);
    let passed = 2 * (cases.len() + 1) + check_autoencoders() + workloads::check_all();
    println!("test result: ok. {passed} passed; 0 failed");
}
