//! The pictures of the report: SVG text without script, font or network, each below [`LIMIT`] bytes.
//!
//! Charts are drawn by the kuva crate behind the few functions of `chart`, so that it can be replaced; decision regions and
//! grids of images are PNG data under an SVG frame, drawn here (`raster`).

mod chart;
mod image;
mod ranks;
mod raster;

pub use chart::{Axis, Chart, Series, bars, heat_map, histogram, lines, roc, scatter};
pub use image::Image;
pub use ranks::critical_difference;
pub use raster::{Panel, images, regions};

use crate::error::ExperimentError;

/// The largest figure, in bytes.
pub const LIMIT: usize = 300 * 1000;

/// Colours that people with any common colour blindness tell apart (Okabe and Ito 2008), darkest first so that two print apart in grey.
pub const PALETTE: [&str; 8] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A8A00"];

/// A picture with what stands under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// A short name: the file's.
    pub name: String,
    /// What to see in it.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

impl Figure {
    /// A figure, checked for size.
    ///
    /// # Errors
    /// When it is larger than [`LIMIT`].
    pub fn new(name: &str, caption: impl Into<String>, svg: String) -> Result<Self, ExperimentError> {
        if svg.len() > LIMIT {
            let message = format!("{} bytes, more than {LIMIT}: fewer points or a smaller picture", svg.len());
            return Err(ExperimentError::Figure { name: name.into(), message });
        }
        Ok(Self { name: name.into(), caption: caption.into(), svg })
    }
}

/// The colour of series `index`.
pub fn colour(index: usize) -> &'static str {
    PALETTE[index % PALETTE.len()]
}

/// `text` safe between tags and in attributes.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
