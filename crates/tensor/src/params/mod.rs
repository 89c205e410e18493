//! Parameters and their gradients: flat buffers of one layout.
//!
//! A [`Layout`] is the list of what a model asked for while it was built through a [`Scope`]: names, kinds, shapes, offsets.
//! [`Params`] and [`Gradients`] are buffers of that layout, so clipping, averaging, saving and an optimizer step are operations on slices.

mod constant;
mod gradients;
mod layout;
mod values;

pub use constant::Constant;
pub use gradients::{BufferUpdate, Gradients};
pub use layout::{Initializer, Layout, ParamId, ParamKind, ParamSpec, Scope};
pub use values::Params;
