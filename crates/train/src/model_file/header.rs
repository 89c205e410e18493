//! The JSON under our metadata key.

use layerwise_tensor::DType;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::TrainError;

/// The one key this crate adds to the metadata of a safetensors file.
pub const METADATA_KEY: &str = "layerwise";

/// The newest format version this build reads, and the one it writes.
pub const FORMAT_VERSION: u64 = 1;

/// What a model file says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Header {
    /// Format version: a larger one than [`FORMAT_VERSION`] is refused.
    pub format: u64,
    /// Version of the crate that wrote the file.
    pub version: String,
    /// Element type of the parameters.
    pub dtype: DType,
    /// Hash of the bytes of all tensors, in the order of the file: all that follows the safetensors header.
    pub sha256: String,
    /// Configuration of the model.
    pub model: Value,
    /// Tensors that are not parameters of the model, such as the training scores of a detector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
    /// What the caller added: scaler, schema, ...
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

impl Header {
    /// Reads the JSON; the version is looked at first, since a later format may differ in everything else.
    pub(super) fn parse(file: &str, json: &str) -> Result<Self, TrainError> {
        #[derive(Deserialize)]
        struct Version {
            format: u64,
            #[serde(default)]
            version: String,
        }
        let bad = |e: serde_json::Error| TrainError::NotAModel {
            file: file.into(),
            problem: format!(
                "the metadata key `{METADATA_KEY}` is not the JSON of a model file ({e}); save the model again"
            ),
        };
        let v: Version = serde_json::from_str(json).map_err(bad)?;
        if v.format > FORMAT_VERSION {
            let (found, writer) = (v.format, v.version);
            return Err(TrainError::NewerFormat { file: file.into(), found, supported: FORMAT_VERSION, writer });
        }
        serde_json::from_str(json).map_err(bad)
    }
}

/// The sha256 of `bytes` in lower-case hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_hash() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_newer_format_is_refused_whatever_else_it_holds() {
        let message = Header::parse("m", r#"{"format": 7, "version": "9.0.0", "news": []}"#).unwrap_err().to_string();
        assert!(message.contains("version 7") && message.contains("up to 1") && message.contains("9.0.0"), "{message}");
    }
}
