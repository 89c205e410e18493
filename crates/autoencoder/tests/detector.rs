//! The detector: it finds what breaks the relations between features, and refuses what it cannot judge.

use std::io::Write as _;

use layerwise_autoencoder::{
    AutoencoderDetector, AutoencoderError, FittedDetector, MaskingConfig, Score, SwapConfig, Threshold,
};
use layerwise_datasets::catalog::{self, DataDir};
use layerwise_datasets::format::csv;
use layerwise_datasets::synthetic::radiotherapy;
use layerwise_datasets::{Limits, Table, split};
use layerwise_nn_layers::{BuildModel, KSparseConfig, Mlp, ModelConfig};
use layerwise_tensor::{DType, Stream};
use layerwise_train::metrics::roc_auc;
use layerwise_train::model_file::ModelWriter;
use ndarray::{Array2, Axis, concatenate};
use proptest::prelude::*;

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// Rows of eight features that depend on two hidden numbers, with a little noise.
fn normal(rows: usize, seed: u64) -> Array2<f64> {
    let mut hidden = Array2::<f64>::zeros((rows, 2));
    let mut x = Array2::<f64>::zeros((rows, 8));
    let stream = Stream::new(seed).child("normal");
    stream.child("hidden").normal(0, hidden.as_slice_mut().unwrap());
    stream.child("noise").normal(0, x.as_slice_mut().unwrap());
    for ((i, j), v) in x.indexed_iter_mut() {
        let (s, t) = (hidden[[i, 0]], hidden[[i, 1]]);
        let angle = j as f64 * 0.8;
        *v = 0.05 * *v + (s * angle.cos() + t * angle.sin()) * (1.0 + j as f64) + 10.0 * j as f64;
    }
    x
}

/// Normal rows whose features are taken from different rows: each feature looks normal, only their relations are broken.
fn shuffled(rows: usize, seed: u64) -> Array2<f64> {
    let x = normal(rows + 8, seed);
    Array2::from_shape_fn((rows, 8), |(i, j)| x[[i + j, j]])
}

fn small() -> AutoencoderDetector {
    AutoencoderDetector::builder().hidden(&[16]).code(2).epochs(120).rate(3e-3).seed(1)
}

fn table(x: Array2<f64>) -> Table {
    Table::from_columns(&NAMES, x).unwrap()
}

/// Area under the ROC curve on 200 normal rows and 40 with broken relations.
fn auc(detector: &FittedDetector) -> f64 {
    let x = concatenate![Axis(0), normal(200, 2), shuffled(40, 3)];
    let positive: Vec<bool> = (0..240).map(|i| i >= 200).collect();
    roc_auc(&detector.score(&x).unwrap().to_vec(), &positive).unwrap()
}

#[test]
fn finds_broken_relations_that_an_untrained_network_does_not_see() {
    let x = normal(300, 1);
    let trained = auc(&small().fit(&x).unwrap());
    let untrained = auc(&small().epochs(0).fit(&x).unwrap());
    let denoising = auc(&small().noise(0.1).fit(&x).unwrap());
    println!("trained {trained:.4}, untrained {untrained:.4}, denoising {denoising:.4}");
    assert!(trained > 0.95, "trained: {trained}");
    assert!(untrained < 0.85, "untrained: {untrained}");
    assert!(denoising > 0.95, "denoising: {denoising}");
}

#[test]
fn every_kind_finds_broken_relations_and_survives_a_file() {
    let x = normal(300, 1);
    let kinds = [
        ("tied", small().tied(true)),
        ("contractive", small().contractive(1e-3)),
        ("k-sparse", small().code(8).sparsity(&KSparseConfig::new(2))),
        ("masking", small().corruption(&MaskingConfig::new(0.1))),
        ("swap", small().corruption(&SwapConfig::new(0.1))),
    ];
    for (name, kind) in kinds {
        let fitted = kind.fit(&x).unwrap();
        let found = auc(&fitted);
        println!("{name}: {found:.4}");
        // Untrained it stays below 0.85, as tested above.
        assert!(found > 0.95, "{name}: {found}");
        let again = FittedDetector::from_bytes(name, &fitted.to_bytes().unwrap()).unwrap();
        assert_eq!(again.score(&x).unwrap(), fitted.score(&x).unwrap(), "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_in_both_element_types() {
    let x = normal(60, 1);
    for dtype in [DType::F32, DType::F64] {
        let fit = |seed| small().epochs(3).dtype(dtype).seed(seed).fit(&x).unwrap().training_scores().to_vec();
        assert_eq!(fit(1), fit(1));
        assert_ne!(fit(1), fit(2));
    }
}

#[test]
fn the_mean_flags_a_third_to_a_half_of_the_normal_rows() {
    let detector =
        AutoencoderDetector::builder().epochs(60).fit(&radiotherapy(500, 0, 0.0, &Stream::new(1)).x).unwrap();
    let new = radiotherapy(1000, 0, 0.0, &Stream::new(2)).x;
    let flagged = |t: Threshold| {
        let alarms = detector.predict(&new, &t).unwrap();
        alarms.iter().filter(|a| **a).count() as f64 / 1000.0
    };
    let (mean, three) = (flagged(Threshold::mean()), flagged(Threshold::mean_plus_std(3.0)));
    println!("flagged by the mean {mean}, by mean + 3 std {three}");
    assert!((0.3..0.6).contains(&mean), "{mean}");
    assert!(three < 0.06, "{three}");
    assert_eq!(flagged(Threshold::mean_plus_std(0.0)), mean);
}

#[test]
fn scores_errors_and_reconstructions_agree() {
    let x = normal(100, 1);
    let detector = small().epochs(20).fit(&x).unwrap();
    let (scores, errors) = (detector.score(&x).unwrap(), detector.errors(&x).unwrap());
    assert_eq!(scores.as_slice().unwrap(), detector.training_scores());
    assert_eq!(errors.dim(), (100, 8));
    assert!((errors.row(3).mean().unwrap() - scores[3]).abs() < 1e-12);
    let difference = &x - &detector.reconstruct(&x).unwrap();
    let variance = x.var_axis(Axis(0), 0.0);
    assert!((difference[[3, 5]].powi(2) / variance[5] - errors[[3, 5]]).abs() < 1e-9);
    let euclidean = small().epochs(20).score_by(Score::Euclidean).fit(&x).unwrap();
    assert!((euclidean.training_scores()[3] - (8.0 * scores[3]).sqrt()).abs() < 1e-12);
}

#[test]
fn the_feature_that_is_wrong_has_the_largest_error() {
    let detector = small().fit(&normal(300, 1)).unwrap();
    let mut row = normal(1, 9);
    row[[0, 5]] += 30.0;
    let errors = detector.errors(&row).unwrap();
    let worst = (0..8).max_by(|a, b| errors[[0, *a]].total_cmp(&errors[[0, *b]])).unwrap();
    assert_eq!(detector.features()[worst], "x5");
    assert!(detector.predict(&row, &Threshold::mean_plus_std(3.0)).unwrap()[0]);
}

#[test]
fn a_row_beyond_all_bounds_is_anomalous_and_no_error() {
    let detector = small().epochs(2).fit(&normal(50, 1)).unwrap();
    let scores = detector.score(&Array2::from_elem((1, 8), 1e300)).unwrap();
    assert_eq!(scores[0], f64::INFINITY);
}

#[test]
fn tables_are_refused_by_the_name_of_the_column() {
    let fitted = small().epochs(1).fit(&table(normal(50, 1))).unwrap();
    let other = table(normal(20, 2));
    let refusal = |t: &Table| match fitted.score(t).unwrap_err() {
        AutoencoderError::Columns(message) => message,
        e => panic!("another error: {e}"),
    };
    let message = refusal(&other.without(&["c"]).unwrap());
    assert!(message.contains("`c` is missing"), "{message}");
    let turned = other.select(&["b", "a", "c", "d", "e", "f", "g", "h"]).unwrap();
    let message = refusal(&turned);
    assert!(message.contains("`b`, but was `a`") && message.contains("select"), "{message}");
    let wide = concatenate![Axis(1), normal(5, 1), Array2::zeros((5, 1))];
    let nine = Table::from_columns(&["a", "b", "c", "d", "e", "f", "g", "h", "i"], wide).unwrap();
    assert!(refusal(&nine).contains("`i` was not there"));
    let ordered = turned.select(&fitted.columns()).unwrap();
    assert_eq!(fitted.score(&ordered).unwrap(), fitted.score(&other).unwrap());
    assert!(fitted.score(&Array2::zeros((3, 7))).is_err());
}

#[test]
fn missing_values_are_refused_by_column_and_row() {
    let mut x = normal(50, 1);
    let fitted = small().epochs(1).fit(&table(x.clone())).unwrap();
    x[[7, 3]] = f64::NAN;
    for error in [small().fit(&table(x.clone())).unwrap_err(), fitted.score(&table(x.clone())).unwrap_err()] {
        assert!(matches!(&error, AutoencoderError::Missing { column, row: 7 } if column == "d"), "{error}");
    }
    x[[7, 3]] = f64::INFINITY;
    assert!(small().fit(&x).unwrap_err().to_string().contains("x3"));
}

#[test]
fn too_little_to_learn_from() {
    assert!(matches!(small().fit(&normal(9, 1)), Err(AutoencoderError::TooFewRows { found: 9, needed: 10 })));
    let constant = Array2::from_elem((30, 3), 7.5);
    assert!(matches!(small().fit(&constant), Err(AutoencoderError::Constant { columns: 3, rows: 30 })));
    let mut one_varies = constant.clone();
    one_varies.column_mut(1).assign(&normal(30, 1).column(0));
    assert!(small().epochs(1).fit(&one_varies).is_ok());
    assert!(small().code(0).fit(&normal(20, 1)).unwrap_err().to_string().contains("code"));
    assert!(small().batch(0).fit(&normal(20, 1)).unwrap_err().to_string().contains("batch"));
    let both = small().noise(0.1).corruption(&MaskingConfig::new(0.1)).fit(&normal(20, 1)).unwrap_err().to_string();
    assert!(both.contains("`noise`") && both.contains("`corruption`"), "{both}");
    assert!(small().contractive(-1.0).fit(&normal(20, 1)).unwrap_err().to_string().contains("above 0"));
    assert!(small().noise(-1.0).fit(&normal(20, 1)).unwrap_err().to_string().contains("std"));
}

#[test]
fn categories_become_features() {
    let mut text = String::from("dose,machine\n");
    for i in 0..40 {
        text += &format!("{}.5,{}\n", i % 7, if i % 3 == 0 { "north" } else { "south" });
    }
    let rows = csv::read(text.as_bytes(), &Limits::default()).unwrap();
    let detector = small().epochs(2).fit(&rows).unwrap();
    assert_eq!(detector.features(), ["dose", "machine=north", "machine=south"]);
    assert_eq!(detector.errors(&rows).unwrap().dim(), (40, 3));
    let again = FittedDetector::from_bytes("m", &detector.to_bytes().unwrap()).unwrap();
    assert_eq!(again.score(&rows).unwrap(), detector.score(&rows).unwrap());
}

#[test]
fn a_saved_detector_scores_with_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    for dtype in [DType::F32, DType::F64] {
        let path = dir.path().join("detector.safetensors");
        let detector = small().epochs(5).dtype(dtype).noise(0.1).fit(&table(normal(80, 1))).unwrap();
        detector.save(&path).unwrap();
        let again = FittedDetector::load(&path).unwrap();
        let new = table(normal(30, 2));
        assert_eq!(again.score(&new).unwrap(), detector.score(&new).unwrap());
        assert_eq!(again.training_scores(), detector.training_scores());
        assert_eq!(again.columns(), NAMES);
        assert_eq!(again.report(), detector.report());
        assert_eq!(again.to_bytes().unwrap(), detector.to_bytes().unwrap());
        assert!(again.score(&new.without(&["a"]).unwrap()).is_err());
    }
}

#[test]
fn files_that_hold_no_detector() {
    let (mlp, params) = Mlp::builder(2).outputs(2).create::<f32>(0).unwrap();
    let writer = ModelWriter::new(&ModelConfig::of(mlp.config())).unwrap();
    let message = FittedDetector::from_bytes("m", &writer.to_bytes(&params).unwrap()).unwrap_err().to_string();
    assert!(message.starts_with("m: model configuration") && message.contains("no detector"), "{message}");
    assert!(FittedDetector::from_bytes("m", b"nothing").unwrap_err().to_string().contains("too short"));
}

/// A small detector's file, made once.
fn file() -> &'static [u8] {
    static FILE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    FILE.get_or_init(|| {
        let detector = AutoencoderDetector::builder().hidden(&[3]).code(1).epochs(1).fit(&normal(12, 1)).unwrap();
        detector.to_bytes().unwrap()
    })
}

proptest! {
    #[test]
    fn mutated_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let mut bytes = file().to_vec();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(read) = FittedDetector::from_bytes("m", &bytes) {
            // The scaler is part of the header, which no hash covers, so scores may differ; they are there all the same.
            prop_assert_eq!(read.score(&normal(3, 2)).map_or(3, |s| s.len()), 3);
        }
    }
}

#[test]
fn settings_survive_json() {
    let settings = small().noise(0.2).dtype(DType::F64).tied(true).contractive(0.1);
    let json = serde_json::to_value(&settings).unwrap();
    let again: AutoencoderDetector = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), json);
    assert!(serde_json::from_value::<AutoencoderDetector>(serde_json::json!({"epoch": 3})).is_err());
    let short: AutoencoderDetector = serde_json::from_value(serde_json::json!({"code": 3})).unwrap();
    assert_eq!(short.network(10).code, 3);
    assert_eq!([10, 320, 3200, 1 << 20].map(|rows| short.epochs_for(rows)), [1000, 600, 60, 20]);
    assert_eq!(short.epochs(7).epochs_for(320), 7);
}

/// With real data only: the folder is named by `LAYERWISE_DATA`.
#[test]
fn real_tables() {
    let Some(dir) = std::env::var_os("LAYERWISE_DATA").map(DataDir::new) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs LAYERWISE_DATA to name the data folder");
        // Past the harness, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: LAYERWISE_DATA does not name a folder with the real data");
        return;
    };
    for (name, least) in [("43_WDBC", 0.95), ("4_breastw", 0.95)] {
        let set = catalog::adbench(&dir, name).unwrap();
        let halves = split::half_of_normals(&set.anomalous, &Stream::new(0).child("split"));
        let (train, test) = (set.x.select(Axis(0), &halves.train), set.x.select(Axis(0), &halves.test));
        let positive: Vec<bool> = halves.test.iter().map(|i| set.anomalous[*i]).collect();
        let detector = AutoencoderDetector::builder().seed(0).fit(&train).unwrap();
        let auc = roc_auc(&detector.score(&test).unwrap().to_vec(), &positive).unwrap();
        println!("{name}: {auc:.4}");
        assert!(auc > least, "{name}: {auc}");
    }
}
