//! Model files: safetensors with PyTorch's names and layout, and one metadata key of our own.
//!
//! A file holds the tensors of a model under the names of the equivalent `torch.nn.Sequential`: weights as `[out, in]` (transposed
//! at this door; in memory they are `(in, out)`), vectors as `[n]`, counters such as `num_batches_tracked` as `I64` scalars. The
//! metadata key [`METADATA_KEY`] holds JSON: format version, version of the writer, element type, sha256 of the bytes of the tensors,
//! the configuration of the model, and whatever a caller adds. Nothing in a file is ever executed.
//!
//! Reading is bounded by [`ReadOptions::limit`] and follows the bytes that are there, never a size that a header claims. Writing is
//! atomic: a temporary file in the same folder, `fsync`, rename, `fsync` of the folder.

mod atomic;
mod build;
mod header;
mod names;
mod read;
mod write;

pub use atomic::write_atomically;
pub(crate) use atomic::{folder_of, sync_folder};
pub use build::{load, load_mlp, save};
pub use header::{FORMAT_VERSION, Header, METADATA_KEY};
pub use read::{ModelFile, ReadOptions};
pub use write::ModelWriter;
