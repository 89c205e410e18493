//! The names that most programs need: `use layerwise::prelude::*;`.

pub use layerwise_tensor::{Accum, Gradients, Layout, Mode, ParamKind, Params, Scalar, Stream};
