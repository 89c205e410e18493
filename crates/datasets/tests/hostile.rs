//! Damaged and hostile files of every format: an error, never a panic, and memory within the limit.
#![allow(unsafe_code)]

use flate2::{Compression, Crc, write::DeflateEncoder, write::GzEncoder};
use layerwise_datasets::format::{csv, idx, npy, npz};
use layerwise_datasets::{DataError, Limits};
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

/// Counts the bytes each thread holds, and the most it held.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grown(bytes: usize) {
    HELD.set(HELD.get() + bytes);
    PEAK.set(PEAK.get().max(HELD.get()));
}

// SAFETY: every call is handed to the system's allocator unchanged; the counters neither allocate nor panic. `realloc` is left to
// the default (allocate, copy, free), so that the old and the new block count side by side.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().saturating_sub(layout.size()));
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` gives, and the most bytes it held at once.
fn peak<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = work();
    (result, PEAK.get() - before)
}

const LIMITS: Limits = Limits { bytes: 1 << 20, columns: 4096, field: 4096, levels: 4096, members: 64, header: 4096 };
/// What a decompressor and messages need, beside the data.
const FIXED: usize = 1 << 20;

type Read = fn(&[u8]) -> Result<(), DataError>;

/// Each format with a way to use all of it.
const FORMATS: [(&str, Read); 4] = [("idx", read_idx), ("csv", read_csv), ("npy", read_npy), ("npz", read_npz)];

fn read_idx(bytes: &[u8]) -> Result<(), DataError> {
    let array = idx::read(bytes, &LIMITS)?;
    drop(array.labels());
    array.array2::<f32>().map(drop)
}

fn read_csv(bytes: &[u8]) -> Result<(), DataError> {
    let table = csv::read(bytes, &LIMITS)?;
    let again = csv::read_as(bytes, table.schema(), &LIMITS)?;
    assert_eq!(table.rows(), again.rows());
    Ok(())
}

fn read_npy(bytes: &[u8]) -> Result<(), DataError> {
    let array = npy::read(bytes, &LIMITS)?;
    drop(array.labels());
    array.array2_with_missing::<f64>().map(drop)
}

fn read_npz(bytes: &[u8]) -> Result<(), DataError> {
    let archive = npz::read(bytes, &LIMITS)?;
    archive.names().try_for_each(|name| archive.array(name)?.array2::<f64>().map(drop))
}

fn idx_file() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4];
    bytes.extend(0..24);
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn npy_file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}      \n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn npz_file(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = Crc::new();
        crc.update(data);
        let start = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend([&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat());
        directory
            .extend([&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10], &start.to_le_bytes(), name.as_bytes()].concat());
    }
    let (first, count) = (bytes.len() as u32, (members.len() as u16).to_le_bytes());
    bytes.extend(&directory);
    let size = (directory.len() as u32).to_le_bytes();
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &first.to_le_bytes(), &[0, 0]].concat());
    bytes
}

/// Files that read well, to be damaged.
fn samples() -> Vec<Vec<u8>> {
    let doubles: Vec<u8> = (0..12).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    let (c, f) = (npy_file("<f8", "False", "(3, 4)", &doubles), npy_file(">i2", "True", "(2, 3, 2)", &doubles[..24]));
    vec![
        idx_file(),
        gzipped(&idx_file()),
        b"age,sex,\"a, b\"\n41,F,1.5\n,M,?\n23,\"x\ny\",-2e3\n".to_vec(),
        npz_file(&[("X.npy", &c), ("y.npy", &f)]),
        c,
        f,
    ]
}

#[derive(Clone, Debug)]
enum Damage {
    Set(usize, u8),
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let n = bytes.len();
        match self {
            Self::Set(at, value) => bytes[at % n] = *value,
            Self::Flip(at, bit) => bytes[at % n] ^= 1 << (bit % 8),
            Self::Cut(at) => bytes.truncate(at % n),
            Self::Insert(at, extra) => drop(bytes.splice(at % n..at % n, extra.iter().copied())),
            Self::Repeat(at, count) => {
                let tail = bytes[at % n..].to_vec();
                (0..count % 4).for_each(|_| bytes.extend(&tail));
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    // Headers are short: half of the damage is done to them.
    let place = || prop_oneof![0usize..80, any::<usize>()];
    let value = prop_oneof![any::<u8>(), Just(0xff), Just(0), Just(b','), Just(b'"'), Just(b'9')];
    prop_oneof![
        4 => (place(), value).prop_map(|(at, v)| Damage::Set(at, v)),
        4 => (place(), any::<u8>()).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => place().prop_map(Damage::Cut),
        1 => (place(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(at, b)| Damage::Insert(at, b)),
        1 => (place(), any::<usize>()).prop_map(|(at, count)| Damage::Repeat(at, count)),
    ]
}

/// Reads `bytes` as every format: a message with a remedy or a result, and memory within the limit.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    for (name, read) in FORMATS {
        let (result, most) = peak(|| read(bytes));
        prop_assert!(most < 2 * LIMITS.bytes as usize + FIXED, "{name}: {most} bytes held");
        if let Err(error) = result {
            let text = error.to_string();
            prop_assert!(text.contains("; "), "{name}: no remedy in: {text}");
        }
    }
    Ok(())
}

/// The number of random cases: `count`, times what `LAYERWISE_CASES` says (`cargo xtask prove` asks for more).
fn times(count: u32) -> u32 {
    count * std::env::var("LAYERWISE_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: times(3000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_refused_or_read(sample in 0usize..6, damage in prop::collection::vec(damage(), 1..6)) {
        let mut bytes = samples()[sample].clone();
        damage.iter().for_each(|d| d.apply(&mut bytes));
        survives(&bytes)?;
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes)?;
    }
}

#[test]
fn samples_read_well_by_their_own_format() {
    for (i, sample) in samples().iter().enumerate() {
        assert!(FORMATS.iter().any(|(_, read)| read(sample).is_ok()), "sample {i}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    for sample in samples() {
        for (name, read) in FORMATS.iter().filter(|(_, read)| read(&sample).is_ok()) {
            // A text that ends early may still be one.
            for n in (0..sample.len()).filter(|_| *name != "csv") {
                assert!(read(&sample[..n]).is_err(), "{name} cut to {n} of {} bytes", sample.len());
            }
        }
    }
}

#[test]
fn a_small_file_that_declares_much_costs_little() {
    let huge = 100_000_000u32.to_be_bytes();
    let idx = [&[0, 0, 8, 1][..], &huge, &[1; 1000]].concat();
    let npy = npy_file("<f8", "False", "(100000000,)", &[0; 1000]);
    let packed = npz_file(&[("X.npy", &npy)]);
    let default = Limits::default();
    let most = [
        peak(|| idx::read(&idx[..], &default).unwrap_err()).1,
        peak(|| idx::read(&gzipped(&idx)[..], &default).unwrap_err()).1,
        peak(|| npy::read(&npy[..], &default).unwrap_err()).1,
        peak(|| npz::read(&packed[..], &default).unwrap().array("X").unwrap_err()).1,
    ];
    assert!(most.iter().all(|&m| m < FIXED), "{most:?}");
}

#[test]
fn bombs_cost_no_more_than_the_limit() {
    let zeros = vec![0; 200 << 20];
    let header = [0, 0, 8, 1, 0, 0, 0, 9];
    let gz = gzipped(&[&header[..], &zeros].concat());
    let npz = npz_file(&[("X.npy", &npy_file("|u1", "False", "(209715200,)", &zeros))]);
    let text = b"a,".repeat(4 << 20);
    let quoted = [&b"a\n\""[..], &vec![b'x'; 8 << 20]].concat();
    drop(zeros);
    for (bytes, read) in [(gz, read_idx as Read), (npz, read_npz), (text, read_csv), (quoted, read_csv)] {
        let (result, most) = peak(|| read(&bytes));
        result.unwrap_err();
        assert!(most < 2 * LIMITS.bytes as usize + FIXED, "{most}");
    }
}

#[test]
fn text_just_within_the_limit_stays_within_it() {
    // Shapes that cost the most for their size: many columns, many rows, many distinct texts, one long field.
    let columns = (0..1500).map(|i| format!("{i}")).collect::<Vec<_>>().join(",");
    let texts = [
        format!("{columns}\n{}1\n", "1,".repeat(1499)),
        format!("a\n{}", "1\n".repeat(100_000)),
        format!("a\n{}", (0..3500).map(|i| format!("t{i}\n")).collect::<String>()),
        format!("a\n{}\n", "x".repeat(4000)),
    ];
    for text in texts {
        let (result, most) = peak(|| read_csv(text.as_bytes()));
        result.unwrap();
        assert!(most < 2 * LIMITS.bytes as usize + FIXED, "{most}");
    }
}
