//! A workload is data: a network, a loss, an optimizer and a batch, read from a file under `workloads/`.

use std::path::Path;

use layerwise::nn::{AnyLoss, AnyModule, Loss, ModelConfig, Module, Target, loss};
use layerwise::optim::{Optimizer, OptimizerConfig};
use layerwise::tensor::{Accum, Gradients, Layout, Mode, Params, Scalar, Stream};
use layerwise_tensor::ndarray::Array2;
use serde::Deserialize;

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// What it stands for.
    pub about: String,
    /// Rows of a batch.
    pub batch: usize,
    /// Name of the loss; `none` for inference.
    pub loss: String,
    /// `inputs` for an autoencoder, else labels.
    #[serde(default)]
    pub target: Option<String>,
    /// The network.
    pub model: ModelConfig,
    /// The optimizer; none for inference.
    #[serde(default)]
    pub optimizer: Option<OptimizerConfig>,
}

/// Batches that take turns, as a training run has them ready.
const BATCHES: usize = 16;

impl Workload {
    /// Reads a workload from a file.
    ///
    /// # Errors
    /// If the file cannot be read or is no workload: a message that names it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// The workload ready to run in `T`.
    ///
    /// # Errors
    /// If the network, the loss or the optimizer cannot be built.
    pub fn prepare<T: Scalar>(&self) -> Result<Prepared<T>, String> {
        let mut layout = Layout::new();
        let model = self.model.build(&mut layout.scope()).map_err(|e| e.to_string())?;
        let params = Params::<T>::init(layout, &Stream::new(1).child("init"));
        let inputs = self.model.options().get("inputs").and_then(serde_json::Value::as_u64).unwrap_or(0) as usize;
        let loss = match self.loss.as_str() {
            "none" => None,
            name => Some(loss::from_value(&name.into()).map_err(|e| e.to_string())?),
        };
        let optimizer = self.optimizer.as_ref().map(|c| c.build(&params)).transpose().map_err(|e| e.to_string())?;
        let draw = |i: usize| {
            let mut values = vec![T::zero(); self.batch * inputs];
            Stream::new(2).at(i as u64).uniform(0, &mut values);
            Array2::from_shape_vec((self.batch, inputs), values).map_err(|e| e.to_string())
        };
        Ok(Prepared {
            model,
            loss,
            optimizer,
            grads: Gradients::new(&params),
            params,
            tape: layerwise::autograd::Tape::new(),
            batches: (0..BATCHES).map(draw).collect::<Result<_, _>>()?,
            labels: (0..self.batch as u32).map(|i| i % 10).collect(),
            reconstructs: self.target.as_deref() == Some("inputs"),
            next: 0,
        })
    }
}

/// A workload with its parameters and data.
#[derive(Debug)]
pub struct Prepared<T: Scalar> {
    model: Box<dyn AnyModule>,
    loss: Option<Box<dyn AnyLoss>>,
    optimizer: Option<Optimizer<T>>,
    params: Params<T>,
    grads: Gradients<T>,
    tape: layerwise::autograd::Tape<T>,
    batches: Vec<Array2<T>>,
    labels: Vec<u32>,
    reconstructs: bool,
    next: usize,
}

impl<T: Scalar> Prepared<T>
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    /// One step: forward, loss, backward, update; or one forward pass, for inference. Returns the loss.
    pub fn step(&mut self) -> f64 {
        let x = &self.batches[self.next % BATCHES];
        let stream = Stream::new(3).child("step").at(self.next as u64);
        self.next += 1;
        let (Some(loss), Some(optimizer)) = (&self.loss, &mut self.optimizer) else {
            let mut g = self.tape.graph(&self.params, Mode::Eval, stream);
            let x = g.input(x.view());
            let y = self.model.forward(&mut g, x);
            return g.value(y)[[0, 0]].as_f64();
        };
        let mut g = self.tape.graph(&self.params, Mode::Train, stream);
        let x = g.input(x.view());
        let y = self.model.forward(&mut g, x);
        let target = if self.reconstructs { Target::Var(x) } else { Target::Labels(&self.labels) };
        let value = loss.loss(&mut g, y, target);
        let value = g.backward(value, &mut self.grads, Accum::Replace);
        optimizer.step(&mut self.params, &mut self.grads);
        value
    }

    /// Number of trainable values.
    pub fn parameters(&self) -> usize {
        self.params.trainable().len()
    }
}
