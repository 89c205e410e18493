//! The check of agreement with other libraries: what every program begins with, and what ours then writes.

use layerwise::nn::{AnyLoss, AnyModule, Loss, Module};
use layerwise::tensor::{DType, Scalar, Stream};
use layerwise_tensor::ndarray::Array2;

use crate::prepared::Prepared;

/// Steps on one batch.
const STEPS: usize = 5;

/// Added to the first values of parameters, up to this size: gains and shifts would all be the same without it.
const SPREAD: f64 = 0.02;

impl<T: Scalar> Prepared<T>
where
    Box<dyn AnyModule>: Module<T>,
    Box<dyn AnyLoss>: Loss<T>,
{
    /// Parameters, features and labels that all programs begin with, as `workloads/README.md` describes the file.
    pub fn start(&self) -> Vec<u8> {
        let mut values = vec![T::zero(); self.params.trainable().len()];
        Stream::new(5).uniform(0, &mut values);
        for (value, first) in values.iter_mut().zip(self.params.trainable()) {
            *value = T::of(first.as_f64() + SPREAD * (2.0 * value.as_f64() - 1.0));
        }
        values.extend(&self.batches[0]);
        values.extend(self.labels.iter().map(|label| T::of(f64::from(*label))));
        let mut bytes = Vec::new();
        T::extend_le_bytes(&values, &mut bytes);
        bytes
    }

    /// Steps from such a start: their losses and the parameters after the first, or the outputs where there is no loss.
    ///
    /// # Errors
    /// If `start` has another size than this workload's.
    pub fn agree(&mut self, start: &[u8]) -> Result<Vec<u8>, String> {
        let values = numbers::<T>(start);
        let (parameters, shape) = (self.params.trainable().len(), self.batches[0].dim());
        let features = shape.0 * shape.1;
        if values.len() != parameters + features + shape.0 {
            return Err(format!(
                "the start has {} numbers where the workload asks for {parameters} + {features} + {}",
                values.len(),
                shape.0
            ));
        }
        let (first, rest) = values.split_at(parameters);
        let (x, labels) = rest.split_at(features);
        self.params.trainable_mut().copy_from_slice(first);
        self.batches = vec![Array2::from_shape_vec(shape, x.to_vec()).map_err(|e| e.to_string())?];
        self.labels = labels.iter().map(|label| label.as_f64() as u32).collect();
        let mut bytes = Vec::new();
        if self.loss.is_none() {
            T::extend_le_bytes(&self.outputs(), &mut bytes);
            return Ok(bytes);
        }
        let mut losses = vec![T::of(self.step())];
        let after = self.params.trainable().to_vec();
        losses.extend((1..STEPS).map(|_| T::of(self.step())));
        T::extend_le_bytes(&losses, &mut bytes);
        T::extend_le_bytes(&after, &mut bytes);
        Ok(bytes)
    }
}

fn numbers<T: Scalar>(bytes: &[u8]) -> Vec<T> {
    match T::DTYPE {
        DType::F32 => chunks(bytes).map(|b| T::of(f32::from_le_bytes(b).into())).collect(),
        DType::F64 => chunks(bytes).map(|b| T::of(f64::from_le_bytes(b))).collect(),
    }
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Workload;

    use super::*;

    fn workload(name: &str) -> Workload {
        Workload::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads").join(name)).unwrap()
    }

    #[test]
    fn steps_begin_at_the_start_and_end_in_losses_and_parameters() {
        let workload = workload("w1.toml");
        let start = workload.prepare::<f64>().unwrap().start();
        // Whatever the program did before, the start alone counts.
        let mut other = workload.prepare::<f64>().unwrap();
        other.params.trainable_mut().fill(1.0);
        let after = other.agree(&start).unwrap();
        assert_eq!(after, workload.prepare::<f64>().unwrap().agree(&start).unwrap());
        let (start, after) = (numbers::<f64>(&start), numbers::<f64>(&after));
        let (losses, after) = after.split_at(STEPS);
        assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");
        assert_eq!(after.len(), other.parameters());
        // The first step of Adam moves each parameter by about its rate.
        let far = after.iter().zip(&start).map(|(a, s)| (a - s).abs()).fold(0.0, f64::max);
        assert!((0.9e-3..1.001e-3).contains(&far), "{far}");
    }

    #[test]
    fn without_a_loss_the_outputs_are_written() {
        let mut prepared = workload("w7a.toml").prepare::<f32>().unwrap();
        let start = prepared.start();
        let outputs = numbers::<f32>(&prepared.agree(&start).unwrap());
        assert!(outputs.len() == 10 && outputs.iter().any(|y| *y != outputs[0]), "{outputs:?}");
    }

    #[test]
    fn the_start_of_another_workload_is_refused() {
        let start = workload("u4.toml").prepare::<f64>().unwrap().start();
        let error = workload("w1.toml").prepare::<f64>().unwrap().agree(&start).unwrap_err();
        assert!(error.contains("numbers where"), "{error}");
    }
}
