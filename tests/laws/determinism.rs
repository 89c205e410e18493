//! Whole trainings: the same seed gives the same bits at any number of threads and twice in a row, and a loop by hand is the trainer.

use layerwise::prelude::*;
use layerwise::tensor::kernel;

use crate::support::{in_pool, normal};

/// A network in which everything that could depend on threads takes part: batch norm, dropout, fused activations, large products.
fn network() -> MlpConfig {
    Mlp::builder(200).hidden(&[256, 256]).outputs(10).norm(Norm::Batch).dropout(0.3).init(Init::HE_NORMAL)
}

fn labels(rows: usize) -> Vec<u32> {
    (0..rows as u32).map(|i| i * 7 % 10).collect()
}

fn train<T: Scalar>(threads: usize) -> Vec<u8>
where
    Mlp: Module<T>,
    SoftmaxCrossEntropy: Loss<T>,
{
    let (mlp, mut params) = network().create::<T>(3).unwrap();
    let (x, y) = (normal::<T>(1000, 200, 8), labels(1000));
    let samples = Samples::labels(x.view(), &y).unwrap();
    in_pool(threads, || {
        let clip = Clip::GlobalNorm(1.0);
        let trainer =
            Trainer::new(&mlp, SoftmaxCrossEntropy).rule(AdamW::default()).clip(clip).epochs(2).batch(300).seed(5);
        trainer.fit(&mut params, &samples).unwrap();
    });
    params.to_le_bytes()
}

#[test]
fn training_gives_the_same_bits_on_any_number_of_threads() {
    let (single, double) = (train::<f32>(1), train::<f64>(1));
    for threads in [1, 2, 3, 8] {
        kernel::reset_work_log();
        assert!(train::<f32>(threads) == single, "f32 at {threads} threads");
        assert!(train::<f64>(threads) == double, "f64 at {threads} threads");
        let log = kernel::work_log();
        assert!(
            threads == 1 || log.workers() >= 2,
            "{threads} threads, but tiles were run by {} worker(s)",
            log.workers()
        );
        println!("{threads} threads: same bits, {} tiles by {} workers", log.total(), log.workers());
    }
}

#[test]
fn the_loop_by_hand_gives_the_bits_of_the_trainer() {
    let (mlp, start) = network().create::<f32>(3).unwrap();
    let (x, y) = (normal::<f32>(500, 200, 8), labels(500));
    let mut fitted = start.clone();
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).epochs(2).batch(64).seed(5);
    trainer.fit(&mut fitted, &Samples::labels(x.view(), &y).unwrap()).unwrap();

    let mut params = start;
    let streams = layerwise::train::Streams::new(5);
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    let mut optimizer = Optimizer::new(Adam::default(), &params);
    let mut batches = Batches::new(500, 64, streams.shuffle);
    for epoch in 0..2 {
        for rows in batches.epoch(epoch) {
            let mut g = tape.graph(&params, Mode::Train, streams.step.at(optimizer.steps()));
            let batch = x.select(ndarray::Axis(0), rows);
            let wanted: Vec<u32> = rows.iter().map(|r| y[*r]).collect();
            let input = g.input(batch.view());
            let output = mlp.forward(&mut g, input);
            let loss = SoftmaxCrossEntropy.loss(&mut g, output, Target::Labels(&wanted));
            g.backward(loss, &mut grads, Accum::Replace);
            optimizer.step(&mut params, &mut grads);
        }
    }
    assert!(params.to_le_bytes() == fitted.to_le_bytes());
}
