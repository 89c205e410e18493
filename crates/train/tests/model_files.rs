//! Model files: the same bits back, PyTorch's layout, and a clear refusal of everything else.

use layerwise_tensor::{Constant, Initializer, Layout, ParamKind, Params, Stream};
use layerwise_train::TrainError;
use layerwise_train::model_file::{ModelFile, ModelWriter, ReadOptions, write_atomically};
use proptest::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

/// Values 0.1, 1.1, 2.1, ...: a transposed matrix is told from the original.
#[derive(Clone, Copy, Debug)]
struct Counting;

impl Initializer for Counting {
    fn fill(&self, _rows: usize, _cols: usize, _stream: &Stream, out: &mut [f64]) {
        for (i, v) in out.iter_mut().enumerate() {
            *v = i as f64 + 0.1;
        }
    }
}

/// What a linear layer with batch norm registers.
fn layout() -> Layout {
    let mut layout = Layout::new();
    let mut root = layout.scope();
    let mut linear = root.child("0");
    linear.param("weight", ParamKind::Weight, 3, 2, Counting);
    linear.param("bias", ParamKind::Bias, 1, 2, Counting);
    let mut norm = root.child("1");
    norm.param("weight", ParamKind::Scale, 1, 2, Constant(1.0));
    norm.param("running_mean", ParamKind::Buffer, 1, 2, Counting);
    norm.param("num_batches_tracked", ParamKind::Buffer, 1, 1, Constant(7.0));
    layout
}

fn params() -> Params<f32> {
    Params::init(layout(), &Stream::new(1))
}

fn bytes() -> Vec<u8> {
    ModelWriter::new(&serde_json::json!({"model": "test"})).unwrap().to_bytes(&params()).unwrap()
}

fn read(bytes: &[u8]) -> Result<Params<f32>, TrainError> {
    ModelFile::from_bytes("m", bytes, &ReadOptions::default())?.params(layout())
}

/// The message of the refusal, which always begins with the name of the file.
fn refusal(bytes: &[u8]) -> String {
    let message = read(bytes).expect_err("must be refused").to_string();
    assert!(message.starts_with("m: "), "{message}");
    message
}

/// A file with this header JSON and this many bytes of data.
fn frame(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// `bytes` with the text `from` replaced in its header, the length corrected.
fn edit(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    assert!(header.contains(from), "{header}");
    let mut edited = frame(&header.replace(from, to), 0);
    edited.extend_from_slice(&bytes[8 + length..]);
    edited
}

#[test]
fn the_same_bits_come_back() {
    let (written, bytes) = (params(), bytes());
    assert_eq!(read(&bytes).unwrap().to_le_bytes(), written.to_le_bytes());
    assert_eq!(bytes, self::bytes(), "the same model gives the same file");
}

#[test]
fn the_file_looks_like_a_state_dict() {
    let bytes = bytes();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let weight = file.tensor("0.weight").unwrap();
    assert_eq!((weight.dtype(), weight.shape()), (Dtype::F32, &[2usize, 3][..]));
    let first: Vec<f32> = weight.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    assert_eq!(first, [0.1, 2.1, 4.1, 1.1, 3.1, 5.1], "a weight is transposed at the door");
    assert_eq!(file.tensor("0.bias").unwrap().shape(), [2]);
    let counter = file.tensor("1.num_batches_tracked").unwrap();
    assert_eq!((counter.dtype(), counter.shape().len()), (Dtype::I64, 0));
    assert_eq!(counter.data(), 7i64.to_le_bytes());
}

#[test]
fn header_configuration_and_extras() {
    let writer = ModelWriter::new(&serde_json::json!({"dropout": 0.1})).unwrap();
    let scores = vec![0.1, 1.0 / 3.0, f64::MIN_POSITIVE];
    let writer = writer.extra(&serde_json::json!({"std": 1.0 / 3.0})).unwrap().attach("scores", scores.clone());
    let bytes = writer.to_bytes(&params().cast::<f64>()).unwrap();
    let file = ModelFile::from_bytes("m", &bytes, &ReadOptions::default()).unwrap();
    assert_eq!(file.header().unwrap().format, 1);
    assert_eq!(file.config::<serde_json::Value>().unwrap()["dropout"], 0.1);
    let std = file.extra::<serde_json::Value>().unwrap()["std"].as_f64().unwrap();
    assert_eq!(std.to_bits(), (1.0f64 / 3.0).to_bits());
    assert_eq!(file.attachment("scores").unwrap(), scores);
    assert!(file.params::<f64>(layout()).is_ok(), "an attachment is no superfluous tensor");
    assert!(file.attachment("other").unwrap_err().to_string().contains("missing"));
}

#[test]
fn another_element_type_only_when_asked() {
    let bytes = bytes();
    let file = ModelFile::from_bytes("m", &bytes, &ReadOptions::default()).unwrap();
    let message = file.params::<f64>(layout()).unwrap_err().to_string();
    assert!(message.contains("cast(true)") && message.contains("F32"), "{message}");
    let file = ModelFile::from_bytes("m", &bytes, &ReadOptions::default().cast(true)).unwrap();
    let wide = file.params::<f64>(layout()).unwrap();
    assert_eq!(wide.cast::<f32>().to_le_bytes(), params().to_le_bytes());
    let narrow = ModelWriter::new(&()).unwrap().to_bytes(&wide).unwrap();
    let narrow = ModelFile::from_bytes("m", &narrow, &ReadOptions::default().cast(true)).unwrap();
    assert_eq!(narrow.params::<f32>(layout()).unwrap().to_le_bytes(), params().to_le_bytes());
}

#[test]
fn a_state_dict_of_others_needs_a_layout() {
    let header = r#"{"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#;
    let file = ModelFile::from_bytes("m", &frame(header, 8), &ReadOptions::default()).unwrap();
    assert!(file.header().is_none());
    assert!(file.config::<serde_json::Value>().unwrap_err().to_string().contains("not written by layerwise"));
    let mut layout = Layout::new();
    layout.scope().param("w", ParamKind::Weight, 1, 2, Constant(1.0));
    assert_eq!(file.params::<f32>(layout).unwrap().trainable(), [0.0, 0.0]);
}

#[test]
fn what_is_no_model_file() {
    assert!(refusal(b"").contains("too short"));
    assert!(refusal(b"PK\x03\x04 a zip archive of some kind").contains("no safetensors file"));
    assert!(refusal(&frame("{}", 0)).contains("lacks it"));
    let mut huge = frame("{}", 0);
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(refusal(&huge).contains("more than"));
    huge[..8].copy_from_slice(&1_000_000u64.to_le_bytes());
    assert!(refusal(&huge).contains("truncated"));
    assert!(refusal(&frame("{\"a\": \u{1}", 0)).contains("does not describe"));
    let far = r#"{"w":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}"#;
    assert!(refusal(&frame(far, 8)).contains("truncated"));
    let mut not_utf8 = frame("{   }", 0);
    not_utf8[10] = 0xff;
    assert!(refusal(&not_utf8).contains("UTF-8"));
}

#[test]
fn every_truncation_is_refused() {
    let bytes = bytes();
    for end in 0..bytes.len() {
        refusal(&bytes[..end]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    refusal(&longer);
}

#[test]
fn tensors_that_do_not_fit() {
    let bytes = bytes();
    let read_with = |layout: Layout| {
        let file = ModelFile::from_bytes("m", &bytes, &ReadOptions::default()).unwrap();
        file.params::<f32>(layout).unwrap_err().to_string()
    };
    let mut more = layout();
    more.scope().child("2").param("bias", ParamKind::Bias, 1, 4, Constant(0.0));
    let message = read_with(more);
    assert!(message.contains("`2.bias`") && message.contains("[4]"), "{message}");
    let mut fewer = Layout::new();
    fewer.scope().child("0").param("weight", ParamKind::Weight, 3, 2, Counting);
    assert!(read_with(fewer).contains("the file has it, the model does not"));
    assert!(refusal(&edit(&bytes, "\"shape\":[2,3]", "\"shape\":[3,2]")).contains("needs shape [2, 3]"));
}

#[test]
fn a_changed_byte_is_noticed() {
    let mut bytes = bytes();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert!(refusal(&bytes).contains("damaged"));
}

#[test]
fn a_newer_format_is_refused() {
    let newer = edit(&bytes(), r#"\"format\":1"#, r#"\"format\":2"#);
    assert!(refusal(&newer).contains("format version 2"));
}

#[test]
fn numbers_that_are_none() {
    let mut sick = params();
    sick.trainable_mut()[4] = f32::NAN;
    let writer = ModelWriter::new(&()).unwrap();
    assert!(writer.to_bytes(&sick).unwrap_err().to_string().contains("allow_non_finite"));
    let bytes = writer.allow_non_finite(true).to_bytes(&sick).unwrap();
    assert!(refusal(&bytes).contains("NaN"));
    let file = ModelFile::from_bytes("m", &bytes, &ReadOptions::default().allow_non_finite(true)).unwrap();
    assert!(file.params::<f32>(layout()).unwrap().trainable()[4].is_nan());
}

#[test]
fn size_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.safetensors");
    write_atomically(&path, &bytes()).unwrap();
    let message = ModelFile::open(&path, &ReadOptions::default().limit(100)).unwrap_err().to_string();
    assert!(message.contains("limit of 100"), "{message}");
    // A source without an end is read up to the limit only.
    let options = ReadOptions::default().limit(1 << 20);
    let refused = ModelFile::read("endless", std::io::repeat(b'{'), &options).unwrap_err();
    assert!(matches!(refused, TrainError::TooLarge { found, .. } if found == (1 << 20) + 1));
    assert!(ModelFile::open(dir.path().join("none"), &ReadOptions::default()).is_err());
}

proptest! {
    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in 0usize..40,
    ) {
        let mut bytes = bytes();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(bytes.len() - cut);
        let Ok(file) = ModelFile::from_bytes("m", &bytes, &ReadOptions::default()) else { return Ok(()) };
        // With a header, what is accepted is what was written: the hash sees to it.
        if let (Some(_), Ok(read)) = (file.header(), file.params::<f32>(layout())) {
            prop_assert_eq!(read.to_le_bytes(), params().to_le_bytes());
        }
    }

    #[test]
    fn arbitrary_headers_never_panic(header in "\\{[ -~]{0,200}", data in 0usize..64) {
        prop_assert!(read(&frame(&header, data)).is_err());
    }
}
