//! The bytes of a checkpoint: a safetensors file whose last tensor is the hash of everything before it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use layerwise_tensor::{DType, Scalar};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::TrainError;

/// The key of our JSON in the metadata of the file.
const KEY: &str = "layerwise-checkpoint";

/// The tensor that holds the hash: it comes last.
const HASH: &str = "sha256";
const HASH_LEN: usize = 32;

/// Values that are turned into bytes at a time.
const CHUNK: usize = 1 << 14;

/// A matrix to write.
pub(super) struct Tensor<'a, T> {
    pub(super) name: String,
    pub(super) shape: [usize; 2],
    pub(super) values: &'a [T],
}

/// Writes `json` and `tensors`, then the hash of all of it. The same content gives the same bytes.
pub(super) fn write<T: Scalar>(out: impl Write, json: &str, tensors: &[Tensor<'_, T>]) -> io::Result<()> {
    let mut out = Hashing { out, hash: Sha256::new() };
    let header = header(json, tensors);
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    let mut bytes = Vec::with_capacity(CHUNK * T::DTYPE.size());
    for chunk in tensors.iter().flat_map(|t| t.values.chunks(CHUNK)) {
        bytes.clear();
        T::extend_le_bytes(chunk, &mut bytes);
        out.write_all(&bytes)?;
    }
    let Hashing { mut out, hash } = out;
    out.write_all(&hash.finalize())?;
    out.flush()
}

fn header<T: Scalar>(json: &str, tensors: &[Tensor<'_, T>]) -> String {
    let dtype = match T::DTYPE {
        DType::F32 => "F32",
        DType::F64 => "F64",
    };
    let mut entries = Map::new();
    let mut start = 0;
    for t in tensors {
        let end = start + t.values.len() * T::DTYPE.size();
        entries.insert(t.name.clone(), json!({"dtype": dtype, "shape": t.shape, "data_offsets": [start, end]}));
        start = end;
    }
    let hash = json!({"dtype": "U8", "shape": [HASH_LEN], "data_offsets": [start, start + HASH_LEN]});
    entries.insert(HASH.into(), hash);
    entries.insert("__metadata__".into(), json!({ KEY: json }));
    let mut text = Value::Object(entries).to_string();
    // The data begin at a multiple of eight bytes, as the format asks for.
    let padding = text.len().next_multiple_of(8) - text.len();
    text.extend(std::iter::repeat_n(' ', padding));
    text
}

/// What a whole file holds.
pub(super) struct Content {
    /// Our JSON.
    pub(super) json: String,
    tensors: BTreeMap<String, (Dtype, Vec<u8>)>,
}

/// Takes a file apart after its hash has been checked; `file` is what messages call it.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Content, TrainError> {
    let broken = |problem: &str| TrainError::checkpoint(file, problem);
    let Some((rest, declared)) = bytes.split_last_chunk::<HASH_LEN>() else {
        return Err(broken("it is too short to be a checkpoint; restore it from a copy or delete it"));
    };
    if Sha256::digest(rest)[..] != declared[..] {
        return Err(broken(
            "it is truncated, damaged or no checkpoint: its last 32 bytes are not the SHA-256 of those before; restore it from a copy or \
             delete it",
        ));
    }
    let strange = |e: safetensors::SafeTensorError| broken(&format!("it is whole but no checkpoint ({e})"));
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(strange)?;
    let parsed = SafeTensors::deserialize(bytes).map_err(strange)?;
    let json = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
    let json = json.ok_or_else(|| broken("it is whole but no checkpoint: the metadata lack its key"))?.clone();
    let tensors = parsed.iter().map(|(name, t)| (name.to_owned(), (t.dtype(), t.data().to_vec()))).collect();
    Ok(Content { json, tensors })
}

impl Content {
    /// All tensors of this element type, by name.
    pub(super) fn into_values<T: Scalar>(self) -> BTreeMap<String, Vec<T>> {
        let dtype = match T::DTYPE {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
        };
        let of_type = self.tensors.into_iter().filter(|(_, (found, _))| *found == dtype);
        of_type
            .map(|(name, (_, bytes))| {
                // safetensors has checked that the bytes are as many as the shape asks for.
                let mut values = vec![T::zero(); bytes.len() / T::DTYPE.size()];
                T::read_le_bytes(&bytes, &mut values);
                (name, values)
            })
            .collect()
    }
}

/// Hashes what goes through.
struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let (a, b) = ([1.0f32, f32::NAN, -0.0], vec![0.5f32; CHUNK + 3]);
        let tensors = [
            Tensor { name: "params/a".into(), shape: [1, 3], values: &a },
            Tensor { name: "params/empty".into(), shape: [0, 3], values: &[] },
            Tensor { name: "params/b".into(), shape: [1, CHUNK + 3], values: &b },
        ];
        let mut bytes = Vec::new();
        write(&mut bytes, r#"{"any": "thing"}"#, &tensors).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_to_the_bit() {
        let content = read("memory", &sample()).unwrap();
        assert_eq!(content.json, r#"{"any": "thing"}"#);
        let values = content.into_values::<f32>();
        let bits: Vec<u32> = values["params/a"].iter().map(|v| v.to_bits()).collect();
        assert_eq!(bits, [1.0f32.to_bits(), f32::NAN.to_bits(), (-0.0f32).to_bits()]);
        assert_eq!((values["params/b"].len(), values["params/empty"].len(), values.len()), (CHUNK + 3, 0, 3));
        assert_eq!(sample(), sample());
    }

    #[test]
    fn a_changed_bit_is_found_wherever_it_is() {
        let whole = sample();
        for place in [0, 9, 40, whole.len() / 2, whole.len() - 33, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            let message = read("memory", &bytes).err().unwrap().to_string();
            assert!(message.contains("SHA-256"), "{message}");
        }
        assert!(read("memory", &whole[..20]).err().unwrap().to_string().contains("too short"));
    }
}
