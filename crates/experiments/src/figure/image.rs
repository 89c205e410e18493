//! A small picture of bytes, kept in records and shown as a PNG data URI.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

/// Rows of pixels: one byte each (grey) or three (red, green, blue).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 or 3.
    pub channels: usize,
    #[serde(with = "bytes")]
    pixels: Vec<u8>,
}

impl Image {
    /// A grey picture of values in `[0, 1]`, row by row; others are clamped.
    ///
    /// # Panics
    /// When `values` does not hold `width * height` of them.
    #[track_caller]
    pub fn grey(width: usize, height: usize, values: impl IntoIterator<Item = f64>) -> Self {
        let pixels: Vec<u8> = values.into_iter().map(level).collect();
        assert_eq!(pixels.len(), width * height, "a grey picture of {width} x {height} holds {} values", pixels.len());
        Self { width, height, channels: 1, pixels }
    }

    /// A picture of colours with parts in `[0, 1]`.
    ///
    /// # Panics
    /// When `values` does not hold `width * height` of them.
    #[track_caller]
    pub fn colour(width: usize, height: usize, values: impl IntoIterator<Item = [f64; 3]>) -> Self {
        let pixels: Vec<u8> = values.into_iter().flat_map(|c| c.map(level)).collect();
        assert_eq!(pixels.len(), 3 * width * height, "a picture of {width} x {height} holds {} bytes", pixels.len());
        Self { width, height, channels: 3, pixels }
    }

    /// The picture as `data:image/png;base64,...`; empty where the fields, read from a file, contradict each other.
    pub fn data_uri(&self) -> String {
        let mut png = Vec::new();
        if self.encode(&mut png).is_err() {
            return String::new();
        }
        format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))
    }

    fn encode(&self, png: &mut Vec<u8>) -> Result<(), png::EncodingError> {
        let side = |n: usize| u32::try_from(n).unwrap_or(0);
        let mut encoder = png::Encoder::new(png, side(self.width), side(self.height));
        encoder.set_color(if self.channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.write_header()?.write_image_data(&self.pixels)
    }
}

fn level(v: f64) -> u8 {
    (v.clamp(0.0, 1.0) * 255.0).round() as u8
}

mod bytes {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(pixels: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&BASE64_STANDARD.encode(pixels))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        BASE64_STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
