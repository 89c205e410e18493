//! candle as a peer: its tensors, its layers and its optimizers where it has them. `../../README.md` says more.

#[path = "../../rust/agreement.rs"]
mod agreement;
mod network;
mod optimizer;
#[path = "../../rust/protocol.rs"]
mod protocol;
#[path = "../../rust/workload.rs"]
mod workload;

use std::process::ExitCode;

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};

use crate::network::Network;
use crate::optimizer::AnyOptimizer;
use crate::protocol::{Library, Peer};
use crate::workload::{Batch, Dtype, Loss, Workload};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    protocol::main::<Candle>(&Library {
        name: "candle",
        variant: "default",
        backend: "gemm",
        lock: include_str!("../Cargo.lock"),
    })
}

struct Candle {
    loss: Loss,
    network: Network,
    /// In the order of the forward pass.
    variables: Vec<Var>,
    optimizer: Option<AnyOptimizer>,
    batches: Vec<(Tensor, Tensor)>,
}

impl Candle {
    fn new(workload: &Workload, batches: Vec<Batch>) -> Result<Self> {
        let device = Device::Cpu;
        let dtype = match workload.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
        };
        let map = VarMap::new();
        let mut network = Network::new(workload, VarBuilder::from_varmap(&map, dtype, &device))?;
        let all = map.data().lock().map_or_else(|poisoned| poisoned.into_inner().clone(), |data| data.clone());
        let variables: Vec<Var> = network::names(workload).iter().filter_map(|name| all.get(name).cloned()).collect();
        let mut optimizer = None;
        if workload.loss == Loss::None {
            // Detached values, for which no graph is recorded; they stay those of the variables.
            let values = all.into_iter().map(|(name, v)| (name, v.as_detached_tensor())).collect();
            network = Network::new(workload, VarBuilder::from_tensors(values, dtype, &device))?;
        } else if let Some(rule) = &workload.optimizer {
            optimizer = Some(AnyOptimizer::new(rule, variables.clone())?);
        }
        let batch = |(x, y): Batch| {
            let x = Tensor::from_vec(x, (workload.batch, workload.widths[0]), &device)?.to_dtype(dtype)?;
            Ok((x, Tensor::from_vec(y, workload.batch, &device)?))
        };
        let batches = batches.into_iter().map(batch).collect::<Result<_>>()?;
        Ok(Self { loss: workload.loss, network, variables, optimizer, batches })
    }

    fn try_step(&mut self, i: usize) -> Result<Tensor> {
        let (x, y) = &self.batches[i];
        let output = self.network.forward(x, self.loss != Loss::None)?;
        let loss = match self.loss {
            Loss::Mse => candle_nn::loss::mse(&output, x)?,
            Loss::CrossEntropy => candle_nn::loss::cross_entropy(&output, y)?,
            Loss::None => return Ok(output),
        };
        let grads = loss.backward()?;
        if let Some(optimizer) = &mut self.optimizer {
            optimizer.step(grads)?;
        }
        Ok(loss)
    }

    /// Candle's weights are `(outputs, inputs)`, those of the check `(inputs, outputs)`.
    fn try_load(&self, mut values: &[f64]) -> Result<()> {
        for v in &self.variables {
            let (mine, rest) = values.split_at(v.elem_count());
            values = rest;
            let shape: Vec<usize> = v.dims().iter().rev().copied().collect();
            let mine = Tensor::from_slice(mine, shape, v.device())?.to_dtype(v.dtype())?;
            v.set(&turned(&mine)?.contiguous()?)?;
        }
        Ok(())
    }
}

impl Peer for Candle {
    type Output = Tensor;

    fn prepare(workload: Workload, batches: Vec<Batch>) -> std::result::Result<Self, String> {
        Self::new(&workload, batches).map_err(|e| e.to_string())
    }

    fn parameters(&self) -> usize {
        self.variables.iter().map(|v| v.elem_count()).sum()
    }

    fn step(&mut self, i: usize) -> Tensor {
        good(self.try_step(i))
    }

    fn numbers(&self, output: Tensor) -> Vec<f64> {
        good(output.to_dtype(DType::F64).and_then(|x| x.flatten_all()?.to_vec1()))
    }

    fn read(&self) -> Vec<f64> {
        self.variables.iter().flat_map(|v| self.numbers(good(turned(v)))).collect()
    }

    fn load(&mut self, values: &[f64]) {
        good(self.try_load(values));
    }
}

fn turned(x: &Tensor) -> Result<Tensor> {
    if x.rank() == 2 { x.t() } else { Ok(x.clone()) }
}

/// The network is built by then: an error is a mistake of this program.
fn good<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|e| panic!("{e}"))
}
