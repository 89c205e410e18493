//! Files that are broken or forged, and folders that cannot be written.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use layerwise_nn_layers::{BuildModel, SoftmaxCrossEntropy};
use layerwise_train::{Checkpoint, FitReport, Samples, TrainError, Trainer};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::{data, everything, network, part, train};

/// The newest and the previous checkpoint of a training that was cut off.
fn two_files() -> (Vec<u8>, Vec<u8>) {
    static FILES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("last");
        part::<f32>(&path, Some(8), &everything).unwrap();
        (std::fs::read(&path).unwrap(), std::fs::read(dir.path().join("last.previous")).unwrap())
    });
    files.clone()
}

/// What goes on from these bytes.
fn go_on(newest: &[u8], previous: Option<&[u8]>) -> Result<(Vec<u8>, FitReport), TrainError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    std::fs::write(&path, newest).unwrap();
    previous.into_iter().for_each(|bytes| std::fs::write(dir.path().join("last.previous"), bytes).unwrap());
    part::<f32>(&path, None, &everything)
}

#[test]
fn a_broken_newest_file_is_replaced_by_the_one_before() {
    let (newest, previous) = two_files();
    assert_ne!(newest, previous);
    let straight = train::<f32>(&[], everything);
    for broken in [&newest[..newest.len() / 2], &[], b"something else entirely, long enough to be hashed"] {
        assert_eq!(go_on(broken, Some(&previous)).unwrap(), (straight.0.clone(), straight.1.clone()));
        let error = go_on(broken, None).unwrap_err();
        assert!(matches!(error, TrainError::BrokenCheckpoint { .. }), "{error}");
        assert!(error.to_string().contains("restore it from a copy or delete it"), "{error}");
    }
}

#[test]
fn a_file_above_the_limit_is_not_replaced_by_the_one_before() {
    let (newest, previous) = two_files();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("last");
    std::fs::write(&path, &newest).unwrap();
    std::fs::write(dir.path().join("last.previous"), &previous).unwrap();
    let (x, y) = data::<f32>(37);
    let (mlp, mut params) = network().create::<f32>(3).unwrap();
    let checkpoint = Checkpoint::new(&path).limit(newest.len() as u64 - 1).resume(true);
    let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).checkpoint(checkpoint);
    let error = trainer.fit(&mut params, &Samples::labels(x.view(), &y).unwrap()).unwrap_err();
    assert!(error.to_string().contains("raise `Checkpoint::limit`"), "{error}");
    assert!(std::fs::read(&path).unwrap() == newest);
}

#[test]
fn the_file_opens_in_other_programs() {
    let file = two_files().0;
    let parsed = safetensors::SafeTensors::deserialize(&file).unwrap();
    let weight = parsed.tensor("params/0.weight").unwrap();
    assert_eq!((weight.shape(), weight.dtype()), (&[6, 10][..], safetensors::Dtype::F32));
    for name in
        ["optimizer/0.weight.exp_avg", "ema/0.weight", "lookahead/0.weight", "callback.0/best/0.weight", "sha256"]
    {
        assert!(parsed.tensor(name).is_ok(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens to a file: a clear error and no panic, and with the one before at hand not even an error.
    #[test]
    fn damage_is_found(place in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>(), first in any::<bool>()) {
        let (newest, previous) = two_files();
        let mut bytes = newest.clone();
        // Half of the damage goes to the header, which is much shorter than the tensors.
        let place = place.index(if first { 2000 } else { bytes.len() });
        if cut { bytes.truncate(place) } else { bytes[place] ^= 1 << bit }
        let error = go_on(&bytes, None).unwrap_err();
        prop_assert!(matches!(error, TrainError::BrokenCheckpoint { .. }), "{error}");
        prop_assert!(error.to_string().contains("last"), "{error}");
        prop_assert!(go_on(&bytes, Some(&previous)).is_ok());
    }

    /// A file whose hash was made to fit its changed content: it may go on or be refused, but nothing panics.
    #[test]
    fn forged_files_do_not_panic(place in any::<prop::sample::Index>(), byte in prop_oneof![any::<u8>(), b'0'..=b'9'], n in 1usize..12) {
        let mut bytes = two_files().0;
        let end = bytes.len() - 32;
        let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        let place = place.index(header);
        bytes[place..(place + n).min(end)].fill(byte);
        let hash = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&hash);
        if let Err(error) = go_on(&bytes, None) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

/// A folder that this process cannot write into, whoever it runs as; `None` where there is none.
#[cfg(unix)]
fn closed(dir: &Path) -> Option<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser writes anywhere but where the system itself has no files to make.
    let candidates = [dir, Path::new("/sys")].into_iter();
    candidates.filter(|d| d.is_dir()).find(|d| std::fs::File::create(d.join("try")).is_err()).map(Path::to_path_buf)
}

#[test]
#[cfg(unix)]
fn a_folder_that_cannot_be_written_is_known_before_the_first_step() {
    let dir = tempfile::tempdir().unwrap();
    let Some(closed) = closed(dir.path()) else { return };
    for path in [closed.join("last"), dir.path().join("nowhere").join("last")] {
        let steps = std::sync::atomic::AtomicU64::new(0);
        let (x, y) = data::<f32>(37);
        let samples = Samples::labels(x.view(), &y).unwrap();
        let (mlp, mut params) = network().create::<f32>(3).unwrap();
        let trainer = Trainer::new(&mlp, SoftmaxCrossEntropy).checkpoint(Checkpoint::new(&path).resume(true));
        let trainer = trainer.on_step(|_| {
            steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            ControlFlow::Continue(())
        });
        let error = trainer.fit(&mut params, &samples).unwrap_err();
        assert!(matches!(error, TrainError::CheckpointNotWritten { .. }), "{error}");
        assert!(error.to_string().contains("there was none before"), "{error}");
        assert_eq!(steps.into_inner(), 0);
    }
}

#[test]
#[cfg(unix)]
fn a_folder_that_goes_away_leaves_the_last_good_file() {
    let dir = tempfile::tempdir().unwrap();
    let (before, after) = (dir.path().join("before"), dir.path().join("after"));
    std::fs::create_dir(&before).unwrap();
    let path = before.join("last");
    let error = part::<f32>(&path, None, &|t| {
        let (before, after) = (before.clone(), after.clone());
        t.on_step(move |s| {
            if s.step == 7 {
                std::fs::rename(&before, &after).unwrap();
            }
            ControlFlow::Continue(())
        })
    });
    assert!(matches!(error, Err(TrainError::CheckpointNotWritten { .. })), "{error:?}");
    let (params, report) =
        part::<f32>(&after.join("last"), None, &|t| t.on_step(|_| ControlFlow::Continue(()))).unwrap();
    let straight = train::<f32>(&[], |t| t);
    assert!(params == straight.0 && report == straight.1);
}
