//! Checkpoints: a training that is cut off anywhere goes on from its file to the same bits.

mod container;
mod keeper;
mod meta;
mod restore;
mod setup;
mod store;

pub(crate) use keeper::Keeper;
pub(crate) use setup::Setup;

use std::path::{Path, PathBuf};

/// Where and how often a fit writes down where it stands, and whether it goes on from there: [`Trainer::checkpoint`](crate::Trainer::checkpoint).
///
/// A fit that was cut off at any moment and goes on from its checkpoint ends with the bits of one that never was: parameters and buffers,
/// averages, history, report. The file holds them all, with the state of the optimizer and its plateau, the place of the schedule, the
/// place within the epoch, and what callbacks keep ([`Callback::save_state`](crate::Callback::save_state)). Randomness needs no place in it:
/// streams have no state.
///
/// One file, replaced in one step (a temporary file beside it, `fsync`, rename, `fsync` of the folder); the one before stays as
/// `NAME.previous`. Its last 32 bytes are the SHA-256 of all others: a file that is not whole is found out, named in the log, and the one
/// before is taken. A file of another training (other model, loss, optimizer, batch size, seed, data ...) is an error that says what
/// differs; only the number of epochs may change. The file is a safetensors file, which other programs read too; it holds no time and no
/// path, so two runs write the same bytes.
///
/// The first checkpoint is written before the first step, so a folder that cannot be written is known at once; the last one when the fit ends.
///
/// ```
/// use layerwise_nn_layers::{BuildModel, Mlp, Mse};
/// use layerwise_tensor::ndarray::Array2;
/// use layerwise_train::{Checkpoint, Samples, Trainer};
///
/// let x = Array2::<f32>::from_shape_fn((40, 3), |(i, j)| ((7 * i + j) % 5) as f32);
/// let samples = Samples::reconstruct(x.view())?;
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("last.checkpoint");
///
/// let (mlp, start) = Mlp::builder(3).hidden(&[8]).outputs(3).create::<f32>(1)?;
/// let train = |epochs| {
///     let mut params = start.clone();
///     let checkpoint = Checkpoint::new(&file).every_steps(3).resume(true);
///     let report = Trainer::new(&mlp, Mse).batch(8).epochs(epochs).checkpoint(checkpoint).fit(&mut params, &samples)?;
///     Ok::<_, layerwise_train::TrainError>((params.to_le_bytes(), report))
/// };
/// train(2)?; // Here the machine goes down. The next day:
/// let resumed = train(5)?;
///
/// let mut params = start.clone();
/// let report = Trainer::new(&mlp, Mse).batch(8).epochs(5).fit(&mut params, &samples)?;
/// assert_eq!(resumed, (params.to_le_bytes(), report));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The file.
    pub path: PathBuf,
    /// Written after every so many steps, counted over all epochs; never at 0.
    pub every_steps: u64,
    /// Written after every so many epochs; never at 0.
    pub every_epochs: usize,
    /// Whether the fit goes on where the file ends, if there is one.
    pub resume: bool,
    /// Largest file in bytes that is read.
    pub limit: u64,
}

impl Checkpoint {
    /// A checkpoint at `path` after every epoch. Where a file lies there already it is left alone and the fit refused, unless
    /// [`Checkpoint::resume`] is asked for.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().into(), every_steps: 0, every_epochs: 1, resume: false, limit: 16 << 30 }
    }

    /// Written after every `steps` steps too, counted over all epochs; 0 for never.
    pub fn every_steps(self, steps: u64) -> Self {
        Self { every_steps: steps, ..self }
    }

    /// Written after every `epochs` epochs; 0 for never, 1 unless told otherwise.
    pub fn every_epochs(self, epochs: usize) -> Self {
        Self { every_epochs: epochs, ..self }
    }

    /// Whether the fit goes on where the file ends. Without a file it begins at the beginning, so the same program is right for the first
    /// start and for every later one.
    pub fn resume(self, resume: bool) -> Self {
        Self { resume, ..self }
    }

    /// The largest file in bytes that is read; 16 GiB unless told otherwise.
    pub fn limit(self, bytes: u64) -> Self {
        Self { limit: bytes, ..self }
    }
}
