//! A block that is missing.

use layerwise_autograd::{Graph, Var};
use layerwise_nn_layers::layer::{BuildLayer, Built, LayerTraits, Sample, Shelf};
use layerwise_nn_layers::{ConfigError, Module};
use layerwise_tensor::{Mode, Scalar, Scope};
use serde::{Deserialize, Serialize};

use super::check;

/// Configuration of [`Block`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BlockConfig {
    /// Number of columns of the block; of an image the side of the square. At least 1.
    pub size: usize,
    /// Width and height of the image that a row holds, line by line; channels lie one after another. By default a row is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<[usize; 2]>,
}

impl BlockConfig {
    /// Blanks this many neighbouring columns.
    pub fn new(size: usize) -> Self {
        Self { size, image: None }
    }

    /// Blanks a square of this side in an image of `width` and `height`.
    pub fn square(side: usize, width: usize, height: usize) -> Self {
        Self { size: side, image: Some([width, height]) }
    }
}

/// In training a block of neighbouring columns, or a square of an image, is zero in each row, every place in it equally likely; `y = x` in
/// use. `dx = dy` outside the block, else 0.
///
/// # Shapes
/// `(batch, features)` in and out; of an image `features = channels * height * width`, and all channels lose the same square.
///
/// Source: D. Pathak, P. Krähenbühl, J. Donahue, T. Darrell, A. Efros, *Context encoders: feature learning by inpainting* (2016).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    size: usize,
    width: usize,
    height: usize,
}

impl Block {
    /// Zeroes the block of one row, whose place comes from two numbers in `[0, 1)`.
    fn blank<T: Scalar>(&self, row: &mut [T], [u, v]: [f64; 2]) {
        let lines = self.size.min(self.height);
        let left = check::whole(u, self.width - self.size + 1);
        let top = check::whole(v, self.height - lines + 1);
        for channel in row.chunks_mut(self.width * self.height) {
            for line in channel.chunks_mut(self.width).skip(top).take(lines) {
                line[left..left + self.size].fill(T::zero());
            }
        }
    }
}

impl<T: Scalar> Module<T> for Block {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        if g.mode() == Mode::Eval {
            return x;
        }
        let (stream, cols) = (g.next_stream().child("block"), g.shape(x).1);
        let mask = check::like(g, x, |first, out| {
            out.fill(T::one());
            for (i, row) in out.chunks_mut(cols).enumerate() {
                let mut place = [0.0; 2];
                stream.uniform(2 * (first + i) as u64, &mut place);
                self.blank(row, place);
            }
        });
        g.mul(x, mask)
    }
}

impl BuildLayer for BlockConfig {
    const NAME: &'static str = "block";
    const DOC: &'static str = "a random block of columns, or a square of an image, is zero in training; y = x in use";
    const SAMPLES: &'static [Sample] = &[
        Sample { inputs: 5, options: r#"{"size": 2}"# },
        Sample { inputs: 12, options: r#"{"size": 2, "image": [4, 3]}"# },
        Sample { inputs: 18, options: r#"{"size": 3, "image": [3, 3]}"# },
    ];
    type Layer = Block;

    fn build_from(&self, scope: &mut Scope<'_>, inputs: usize, _: &Shelf) -> Result<Built<Block>, ConfigError> {
        let path = scope.path();
        // A row that is no image is an image of one line.
        let [width, height] = self.image.unwrap_or([inputs, 1]);
        let area = width.checked_mul(height).filter(|a| *a > 0 && inputs.is_multiple_of(*a));
        if area.is_none() {
            let remedy = "give width and height of the image that a row holds";
            let expected = format!("such that their product divides the {inputs} inputs");
            return Err(ConfigError::bad_value(path, "`image`", expected, format!("{width} x {height}"), remedy));
        }
        let most = if self.image.is_some() { width.min(height) } else { width };
        if self.size == 0 || self.size > most {
            let remedy = "give the width of the block";
            return Err(ConfigError::bad_value(path, "`size`", format!("within 1 and {most}"), self.size, remedy));
        }
        Ok((Block { size: self.size, width, height }, inputs))
    }

    fn traits(&self, _: &Shelf) -> LayerTraits {
        let mut traits = LayerTraits::PLAIN;
        traits.stochastic = true;
        traits
    }
}
