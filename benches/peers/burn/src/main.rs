//! burn as a peer: its flex backend, its modules and its optimizers. `../../README.md` says more.

#[path = "../../rust/agreement.rs"]
mod agreement;
mod clip;
mod network;
mod optimizer;
#[path = "../../rust/protocol.rs"]
mod protocol;
mod values;
#[path = "../../rust/workload.rs"]
mod workload;

use std::process::ExitCode;

use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, DeviceConfig, FloatDType, Int, Tensor, TensorData};

use crate::network::Network;
use crate::protocol::{Library, Peer};
use crate::workload::{Batch, Dtype, Loss, Workload};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    protocol::main::<Burn>(&Library {
        name: "burn",
        variant: "flex",
        backend: "flex",
        lock: include_str!("../Cargo.lock"),
    })
}

struct Burn {
    device: Device,
    workload: Workload,
    /// An update takes it and gives it back.
    network: Option<Network>,
    optimizer: Option<ModuleOptimizer>,
    cross_entropy: CrossEntropyLoss,
    batches: Vec<(Tensor<2>, Tensor<1, Int>)>,
}

enum Output {
    Loss(Tensor<1>),
    Outputs(Tensor<2>),
}

impl Peer for Burn {
    type Output = Option<Output>;

    fn prepare(workload: Workload, batches: Vec<Batch>) -> Result<Self, String> {
        let mut device = Device::flex();
        if workload.dtype == Dtype::F64 {
            device.configure(DeviceConfig::default().float_dtype(FloatDType::F64)).map_err(|e| e.to_string())?;
        }
        if workload.loss != Loss::None {
            device = device.autodiff();
        }
        let shape = [workload.batch, workload.widths[0]];
        let batch = |(x, y): Batch| {
            let y: Vec<i64> = y.into_iter().map(i64::from).collect();
            let x = TensorData::new(x, shape);
            (Tensor::from_data(x, &device), Tensor::from_data(TensorData::new(y, [shape[0]]), &device))
        };
        Ok(Self {
            batches: batches.into_iter().map(batch).collect(),
            network: Some(Network::new(&workload, &device)),
            optimizer: workload.optimizer.as_ref().map(optimizer::of),
            cross_entropy: CrossEntropyLossConfig::new().init(&device),
            workload,
            device,
        })
    }

    fn parameters(&self) -> usize {
        self.read().len()
    }

    fn step(&mut self, i: usize) -> Option<Output> {
        let network = self.network.take()?;
        let (x, y) = self.batches[i].clone();
        let output = network.forward(&self.workload, x.clone());
        let loss = match self.workload.loss {
            Loss::Mse => MseLoss::new().forward(output, x, Reduction::Mean),
            Loss::CrossEntropy => self.cross_entropy.forward(output, y),
            Loss::None => {
                self.network = Some(network);
                return Some(Output::Outputs(output));
            }
        };
        let mut grads = GradientsParams::from_grads(loss.backward(), &network);
        self.network = match (&mut self.optimizer, &self.workload.optimizer) {
            (Some(optimizer), Some(rule)) => {
                if let Some(most) = rule.clip_norm {
                    clip::global_norm(&network, &mut grads, most);
                }
                Some(optimizer.step(rule.rate, network, grads))
            }
            _ => Some(network),
        };
        Some(Output::Loss(loss))
    }

    fn wait(&mut self) {
        if let Err(e) = self.device.sync() {
            panic!("{e:?}");
        }
    }

    fn numbers(&self, output: Option<Output>) -> Vec<f64> {
        match output {
            Some(Output::Loss(loss)) => loss.into_data().iter().collect(),
            Some(Output::Outputs(outputs)) => outputs.into_data().iter().collect(),
            None => Vec::new(),
        }
    }

    fn read(&self) -> Vec<f64> {
        self.network.as_ref().map_or_else(Vec::new, values::read)
    }

    fn load(&mut self, values: &[f64]) {
        self.network = self.network.take().map(|network| values::load(network, values));
    }
}
