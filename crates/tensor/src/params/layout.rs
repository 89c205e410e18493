//! What a model asked for: names, kinds, shapes, offsets.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::stream::Stream;

/// The name of one parameter within a [`Layout`]: an index, so it is `Copy` and a model that holds it holds no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(u32);

impl ParamId {
    /// Position in the order of registration.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a parameter is for, so that decay, clipping and files can treat kinds differently as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// A matrix `(in, out)`; files hold its transpose.
    Weight,
    /// A row added to every sample; not decayed by default.
    Bias,
    /// A gain of a norm or a learned slope; not decayed by default.
    Scale,
    /// Running statistics and counters: no gradient, no decay, no optimizer state.
    Buffer,
}

/// How a parameter gets its first values.
///
/// Values are drawn in `f64` and rounded once, so that `f32` and `f64` models start from the same numbers.
pub trait Initializer: fmt::Debug + Send + Sync {
    /// Fills `out`, a row-major matrix `(rows, cols)` = `(in, out)`.
    fn fill(&self, rows: usize, cols: usize, stream: &Stream, out: &mut [f64]);
}

/// One entry of a [`Layout`].
#[derive(Clone, Debug)]
pub struct ParamSpec {
    /// Path of the parameter, such as `encoder.0.weight`: the name it has in files.
    pub name: String,
    /// What it is for.
    pub kind: ParamKind,
    /// Rows; 1 for a vector.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Where its values begin, in the trainable range or, for [`ParamKind::Buffer`], in the range of buffers.
    pub offset: usize,
    /// Where its first values come from.
    pub initializer: Arc<dyn Initializer>,
}

impl ParamSpec {
    /// Number of values.
    #[inline]
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }

    /// Whether it holds no value at all.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its place in the range it lives in.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }

    /// Whether it lives in the range of buffers.
    #[inline]
    pub fn is_buffer(&self) -> bool {
        self.kind == ParamKind::Buffer
    }
}

/// Names, kinds, shapes and offsets of all parameters of a model.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    specs: Vec<ParamSpec>,
    /// Only looked up, never walked through: its order is no part of anything.
    by_name: HashMap<String, ParamId>,
    trainable_len: usize,
    buffer_len: usize,
}

impl Layout {
    /// An empty layout.
    pub fn new() -> Self {
        Self::default()
    }

    /// The scope at the root, from which a model registers its parameters.
    pub fn scope(&mut self) -> Scope<'_> {
        Scope { layout: self, path: String::new() }
    }

    /// All entries in order of registration.
    pub fn specs(&self) -> &[ParamSpec] {
        &self.specs
    }

    /// One entry.
    ///
    /// # Panics
    /// If `id` belongs to another, larger layout.
    #[track_caller]
    #[inline]
    pub fn spec(&self, id: ParamId) -> &ParamSpec {
        match self.specs.get(id.index()) {
            Some(spec) => spec,
            None => panic!(
                "parameter {} does not exist: this layout has {} (was the model built from another layout?)",
                id.index(),
                self.specs.len()
            ),
        }
    }

    /// All ids in order of registration.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ParamId> + use<> {
        (0..self.specs.len() as u32).map(ParamId)
    }

    /// The id of the parameter called `name`.
    pub fn find(&self, name: &str) -> Option<ParamId> {
        self.by_name.get(name).copied()
    }

    /// Number of trainable values.
    #[inline]
    pub fn trainable_len(&self) -> usize {
        self.trainable_len
    }

    /// Number of values in buffers.
    #[inline]
    pub fn buffer_len(&self) -> usize {
        self.buffer_len
    }

    /// Whether `other` has the same names, kinds and shapes in the same order.
    pub fn same_shape(&self, other: &Layout) -> bool {
        self.specs.len() == other.specs.len()
            && self
                .specs
                .iter()
                .zip(&other.specs)
                .all(|(a, b)| a.name == b.name && a.kind == b.kind && a.rows == b.rows && a.cols == b.cols)
    }
}

/// Hands out named places for parameters while a model is built.
///
/// ```
/// # use layerwise_tensor::{Constant, Layout, ParamKind};
/// let mut layout = Layout::new();
/// let mut root = layout.scope();
/// let mut encoder = root.child("encoder");
/// let bias = encoder.param("bias", ParamKind::Bias, 1, 8, Constant(0.0));
/// assert_eq!(layout.spec(bias).name, "encoder.bias");
/// ```
#[derive(Debug)]
pub struct Scope<'a> {
    layout: &'a mut Layout,
    path: String,
}

impl Scope<'_> {
    /// The scope `name` below this one.
    pub fn child(&mut self, name: impl fmt::Display) -> Scope<'_> {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Scope { layout: self.layout, path }
    }

    /// Where this scope stands, such as `encoder.0`; empty at the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Registers a parameter `(rows, cols)` called `name` within this scope.
    ///
    /// # Panics
    /// If the path is taken, or the layout would pass 2³² parameters or as many values as there are addresses.
    #[track_caller]
    pub fn param(
        &mut self,
        name: &str,
        kind: ParamKind,
        rows: usize,
        cols: usize,
        initializer: impl Initializer + 'static,
    ) -> ParamId {
        self.param_shared(name, kind, rows, cols, Arc::new(initializer))
    }

    /// As [`Scope::param`], for an initializer that is shared already.
    ///
    /// # Panics
    /// As [`Scope::param`].
    #[track_caller]
    pub fn param_shared(
        &mut self,
        name: &str,
        kind: ParamKind,
        rows: usize,
        cols: usize,
        initializer: Arc<dyn Initializer>,
    ) -> ParamId {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        assert!(
            self.layout.find(&path).is_none(),
            "parameter `{path}` is registered twice: give the second layer a scope of its own"
        );
        let len = rows
            .checked_mul(cols)
            .unwrap_or_else(|| panic!("parameter `{path}` of {rows} x {cols} values is too large"));
        let end = if kind == ParamKind::Buffer { &mut self.layout.buffer_len } else { &mut self.layout.trainable_len };
        let offset = *end;
        *end = end.checked_add(len).unwrap_or_else(|| panic!("with `{path}` the model passes {} values", usize::MAX));
        let id =
            u32::try_from(self.layout.specs.len()).unwrap_or_else(|_| panic!("a layout holds at most 2^32 parameters"));
        self.layout.by_name.insert(path.clone(), ParamId(id));
        self.layout.specs.push(ParamSpec { name: path, kind, rows, cols, offset, initializer });
        ParamId(id)
    }
}
