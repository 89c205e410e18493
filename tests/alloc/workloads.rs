//! Every workload of the benches: no allocation after the second step, memory within its bound, a first step that does the work of any
//! other and asks for no more than the tape keeps.
//!
//! That the first step is quick cannot be tested by a clock on a busy machine; the bench records its time.

use std::path::Path;

use layerwise::nn::{AnyLoss, AnyModule, Loss, Module, Norm};
use layerwise::tensor::Scalar;
use layerwise::tensor::kernel;
use layerwise_benches::Workload;

use crate::counting;
use crate::in_pool;

const MB: f64 = 1e6;
/// Batches that a prepared workload holds.
const BATCHES: usize = 16;
/// Of the bytes counted, what a run may hold at most, and what it may hold besides.
const FACTOR: f64 = 1.3;
const BESIDES: f64 = 10.0 * MB;

/// What was counted in one run.
struct Counts {
    parameters: usize,
    /// The most bytes held, from preparation to the last step.
    peak: u64,
    /// Of each step: allocations, bytes asked for, products.
    steps: Vec<[u64; 3]>,
}

/// Checks each file in both element types and with one and two threads; how many runs there were.
pub(crate) fn check_all() -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/workloads");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "toml"));
    files.sort();
    assert!(files.len() >= 12, "{} holds {} workloads", folder.display(), files.len());
    for file in &files {
        let workload = Workload::read(file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy();
        for threads in [1, 2] {
            check(
                &format!("{name} f32, {threads} threads"),
                &workload,
                size_of::<f32>(),
                &run::<f32>(&workload, threads),
            );
            check(
                &format!("{name} f64, {threads} threads"),
                &workload,
                size_of::<f64>(),
                &run::<f64>(&workload, threads),
            );
        }
    }
    4 * files.len()
}

fn run<T: Scalar>(workload: &Workload, threads: usize) -> Counts
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    in_pool(threads, || {
        let mut steps = Vec::with_capacity(8);
        let before = counting::restart_peak();
        let mut prepared = workload.prepare::<T>().unwrap();
        for _ in 0..5 {
            let from = [counting::allocations(), counting::asked(), kernel::product_blocks()];
            std::hint::black_box(prepared.step());
            let to = [counting::allocations(), counting::asked(), kernel::product_blocks()];
            steps.push([to[0] - from[0], to[1] - from[1], to[2] - from[2]]);
        }
        Counts { parameters: prepared.parameters(), peak: counting::peak() - before, steps }
    })
}

fn check(name: &str, workload: &Workload, size: usize, counts: &Counts) {
    let [values, on_tape] = numbers(workload, counts.parameters);
    let counted = ((values + on_tape) * size) as f64;
    let [first_allocations, first_bytes, first_products] = counts.steps[0];
    println!(
        "{name}: peak {:.2} MB of {:.2} counted; first step {first_allocations} allocations of {:.2} MB",
        counts.peak as f64 / MB,
        counted / MB,
        first_bytes as f64 / MB,
    );
    let allowed = FACTOR * counted + BESIDES;
    assert!(counts.peak as f64 <= allowed, "{name}: held {} bytes, {allowed} are allowed", counts.peak);
    let tape = FACTOR * (on_tape * size) as f64 + BESIDES;
    assert!(first_bytes as f64 <= tape, "{name}: the first step asked for {first_bytes} bytes, {tape} are allowed");
    let packs = kernel::backend() == "matrixmultiply";
    for (i, [allocations, _, products]) in counts.steps.iter().enumerate().skip(2) {
        assert_eq!(*products, first_products, "{name}: step {i} does other work than the first");
        let allowed = if packs { *products } else { 0 };
        assert!(*allocations <= allowed, "{name}: {allocations} allocations in step {i}, {products} products");
    }
}

/// Numbers that any library has to hold: parameters, their gradients, the optimizer's state and the data; and on the tape, the values
/// of all layers and, in training, their gradients.
fn numbers(workload: &Workload, parameters: usize) -> [usize; 2] {
    let state = workload.optimizer.as_ref().map_or(0, |rule| match rule.rule.as_str() {
        "sgd" => usize::from(rule.momentum != 0.0),
        "rmsprop" => 1,
        _ => 2,
    });
    let data = BATCHES * workload.batch * workload.widths[0];
    let normed = |norm: Norm| usize::from(norm != Norm::None);
    // A linear layer and its activation are one value, since the activation can overwrite the sum.
    let (outputs, hidden) = workload.widths[1..].split_last().unwrap();
    let mut row = outputs + hidden.iter().sum::<usize>() * (1 + normed(workload.norm));
    if let Some(blocks) = &workload.blocks {
        let width = workload.widths[0];
        row += blocks.count * (blocks.hidden + width * (2 + normed(blocks.norm))) + width * normed(blocks.norm);
    }
    let passes = if workload.optimizer.is_some() { 2 } else { 1 };
    [parameters * (2 + state) + data, passes * row * workload.batch]
}
