//! The check of agreement, which `benches/workloads/README.md` describes: what a program begins with, and what it then writes.

use std::path::Path;

use crate::protocol::Peer;
use crate::workload::{Batch, Dtype, Loss, Workload};

/// Steps on one batch.
const STEPS: usize = 5;

/// Parameters and batch of a file that our program wrote.
pub(crate) fn read(path: &Path, workload: &Workload) -> Result<(Vec<f64>, Batch), String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut values: Vec<f64> = match workload.dtype {
        Dtype::F32 => chunks(&bytes).map(|b| f32::from_le_bytes(b).into()).collect(),
        Dtype::F64 => chunks(&bytes).map(f64::from_le_bytes).collect(),
    };
    let (parameters, features) = (workload.parameters(), workload.batch * workload.widths[0]);
    let (found, expected) = (values.len(), parameters + features + workload.batch);
    if found != expected {
        return Err(format!("{}: {found} numbers where the workload asks for {expected}", path.display()));
    }
    let labels = values.split_off(parameters + features).into_iter().map(|y| y as u32).collect();
    let x = values.split_off(parameters);
    Ok((values, (x, labels)))
}

/// Steps from `start`: their losses and the parameters after the first, or the outputs where there is no loss.
pub(crate) fn write<P: Peer>(peer: &mut P, start: &[f64], workload: (Loss, Dtype), path: &Path) -> Result<(), String> {
    let (loss, dtype) = workload;
    peer.load(start);
    let first = peer.step(0);
    let mut values = peer.numbers(first);
    if loss != Loss::None {
        let after = peer.read();
        for _ in 1..STEPS {
            let next = peer.step(0);
            values.extend(peer.numbers(next));
        }
        values.extend(after);
    }
    let bytes: Vec<u8> = match dtype {
        Dtype::F32 => values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
        Dtype::F64 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok())
}
