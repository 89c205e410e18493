//! A workload made ready: parameters, batches, and the step.

use layerwise::nn::{AnyLoss, AnyModule, Loss, Module, Target, loss};
use layerwise::optim::Optimizer;
use layerwise::tensor::{Accum, Gradients, Layout, Mode, Params, Scalar, Stream};
use layerwise_tensor::ndarray::Array2;

use crate::workload::{LossName, Workload};

/// Batches that take turns, as a training run has them ready.
const BATCHES: usize = 16;

impl Workload {
    /// The workload ready to run in `T`.
    ///
    /// # Errors
    /// If the network or the optimizer cannot be built.
    pub fn prepare<T: Scalar>(&self) -> Result<Prepared<T>, String> {
        let mut layout = Layout::new();
        let model = self.model()?.build(&mut layout.scope()).map_err(|e| e.to_string())?;
        let params = Params::<T>::init(layout, &Stream::new(1).child("init"));
        let loss = match self.loss {
            LossName::None => None,
            LossName::Mse => Some("mse"),
            LossName::CrossEntropy => Some("softmax_cross_entropy"),
        };
        let loss = loss.map(|name| loss::from_value(&name.into()).map_err(|e| e.to_string())).transpose()?;
        let rule = self.optimizer.as_ref().filter(|_| loss.is_some());
        let optimizer = rule.map(|r| r.optimizer()?.build(&params).map_err(|e| e.to_string())).transpose()?;
        let (features, classes) = (self.widths[0], self.widths[self.widths.len() - 1]);
        let draw = |i: usize| {
            let mut values = vec![T::zero(); self.batch * features];
            Stream::new(2).at(i as u64).uniform(0, &mut values);
            Array2::from_shape_vec((self.batch, features), values).map_err(|e| e.to_string())
        };
        let mut uniform = vec![0.0f64; self.batch];
        Stream::new(4).uniform(0, &mut uniform);
        Ok(Prepared {
            model,
            loss,
            optimizer,
            grads: Gradients::new(&params),
            params,
            tape: layerwise::autograd::Tape::new(),
            batches: (0..BATCHES).map(draw).collect::<Result<_, _>>()?,
            labels: uniform.iter().map(|u| (u * classes as f64) as u32).collect(),
            reconstructs: self.loss == LossName::Mse,
            next: 0,
        })
    }
}

/// A workload with its parameters and data.
#[derive(Debug)]
pub struct Prepared<T: Scalar> {
    model: Box<dyn AnyModule>,
    pub(crate) loss: Option<Box<dyn AnyLoss>>,
    optimizer: Option<Optimizer<T>>,
    pub(crate) params: Params<T>,
    grads: Gradients<T>,
    tape: layerwise::autograd::Tape<T>,
    pub(crate) batches: Vec<Array2<T>>,
    pub(crate) labels: Vec<u32>,
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
        let x = &self.batches[self.next % self.batches.len()];
        let stream = Stream::new(3).child("step").at(self.next as u64);
        self.next += 1;
        let (Some(loss), Some(optimizer)) = (&self.loss, &mut self.optimizer) else {
            let mut g = self.tape.graph(&self.params, Mode::Eval, stream);
            let x = g.input_ref(x.view());
            let y = self.model.forward(&mut g, x);
            return g.value(y)[[0, 0]].as_f64();
        };
        let mut g = self.tape.graph(&self.params, Mode::Train, stream);
        let x = g.input_ref(x.view());
        let y = self.model.forward(&mut g, x);
        let target = if self.reconstructs { Target::Var(x) } else { Target::Labels(&self.labels) };
        let value = loss.loss(&mut g, y, target);
        let value = g.backward(value, &mut self.grads, Accum::Replace);
        optimizer.step(&mut self.params, &mut self.grads);
        value
    }

    /// The outputs of one forward pass over the first batch, row by row.
    pub fn outputs(&mut self) -> Vec<T> {
        let mut g = self.tape.graph(&self.params, Mode::Eval, Stream::new(3));
        let x = g.input_ref(self.batches[0].view());
        let y = self.model.forward(&mut g, x);
        g.value(y).iter().copied().collect()
    }

    /// Number of trainable values.
    pub fn parameters(&self) -> usize {
        self.params.trainable().len()
    }
}
