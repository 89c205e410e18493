//! The real data of the catalogue, where they are at hand: `LAYERWISE_DATA` names the folder.

use layerwise_datasets::catalog::{self, Convert, DataDir, Family, Fetch};
use layerwise_datasets::{Missing, ndarray::Axis, split};
use std::collections::BTreeSet;
use std::io::Write as _;

/// The data folder; without it a test says that it does nothing, and fails where everything must run.
fn data() -> Option<DataDir> {
    let folder = std::env::var_os("LAYERWISE_DATA");
    assert!(folder.is_some() || std::env::var_os("CI").is_none(), "CI needs LAYERWISE_DATA to name the data folder");
    if folder.is_none() {
        // Past the harness, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: LAYERWISE_DATA does not name a folder with the real data");
    }
    folder.map(DataDir::new)
}

#[test]
fn every_catalogued_file_has_its_checksum_and_shape() {
    let Some(dir) = data() else { return };
    let bad: Vec<String> = catalog::verify_all(&dir)
        .iter()
        .filter_map(|(e, r)| r.as_ref().err().map(|r| format!("{}: {r}", e.name)))
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn mnist_is_read_as_it_is() {
    let Some(dir) = data() else { return };
    let mnist = catalog::mnist(&dir).unwrap();
    assert_eq!((mnist.train.rows(), mnist.test.rows(), mnist.train.cols()), (60_000, 10_000, 784));
    assert_eq!(mnist.train.counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(&mnist.train.y[..8], [5, 0, 4, 1, 9, 2, 1, 3]);
    // The figures everybody normalises with.
    let (mean, std) = moments(mnist.train.x.iter().map(|&v| f64::from(v)));
    assert!((mean - 0.1307).abs() < 1e-4 && (std - 0.3081).abs() < 1e-4, "{mean} {std}");
}

#[test]
fn fashion_mnist_is_read_as_it_is() {
    let Some(dir) = data() else { return };
    let fashion = catalog::fashion_mnist(&dir).unwrap();
    assert_eq!(fashion.test.counts(), [1000; 10]);
    let (mean, std) = moments(fashion.train.x.iter().map(|&v| f64::from(v)));
    assert!((mean - 0.2860).abs() < 1e-4 && (std - 0.3530).abs() < 1e-4, "{mean} {std}");
}

#[test]
fn fortran_order_and_integer_types_of_adbench_are_undone() {
    let Some(dir) = data() else { return };
    // breastw: u1, grades 1 to 10, stored column by column; read as rows it would mix the patients.
    let breast = catalog::adbench(&dir, "4_breastw").unwrap();
    assert_eq!(breast.x.row(0).to_vec(), [5.0, 1.0, 1.0, 1.0, 2.0, 1.0, 3.0, 1.0, 1.0]);
    assert_eq!(breast.x.row(1).to_vec(), [5.0, 4.0, 4.0, 5.0, 7.0, 10.0, 3.0, 2.0, 1.0]);
    let shuttle = catalog::adbench(&dir, "shuttle").unwrap();
    assert_eq!((shuttle.rows(), shuttle.cols(), shuttle.anomalies()), (49_097, 9, 3511));
    let parts = split::half_of_normals_in_file_order(&shuttle.anomalous);
    assert_eq!((parts.train.len(), parts.test.len()), (22_793, 26_304));
}

#[test]
fn wdbc_is_read_and_its_converter_reproduces_it() {
    let Some(dir) = data() else { return };
    let wdbc = catalog::wdbc(&dir).unwrap();
    assert_eq!((wdbc.rows(), wdbc.cols(), wdbc.counts()), (569, 30, vec![357, 212]));
    let mean = wdbc.x.mean_axis(Axis(0)).unwrap();
    assert!((mean[0] - 14.127_291_739_894_5).abs() < 1e-9);
    // The public file is ours without header line and without the `.0` of whole measurements: its published checksum
    // comes out, and the converter leads back.
    let ours = std::fs::read_to_string(dir.path("tabular/wdbc.csv")).unwrap();
    let strip = |line: &str| line.split(',').map(|f| f.strip_suffix(".0").unwrap_or(f)).collect::<Vec<_>>().join(",");
    let public: String = ours.lines().skip(1).map(|l| strip(l) + "\n").collect();
    let Fetch::Files(sources) = &catalog::find("wdbc").unwrap().fetch else { panic!("wdbc has a public file") };
    let file = std::env::temp_dir().join(format!("wdbc-{}.data", std::process::id()));
    std::fs::write(&file, &public).unwrap();
    let sum = catalog::sha256(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(Some(sum.as_str()), sources[0].sha256);
    assert_eq!(Convert::Wdbc.apply(public.into_bytes()).unwrap(), ours.into_bytes());
}

#[test]
fn tables_with_missing_values_and_categories_become_numbers() {
    let Some(dir) = data() else { return };
    let heart = catalog::tabular(&dir, "heart_cleveland").unwrap();
    assert_eq!(heart.classes, ["<50", ">50_1"]);
    let labelled = heart.labelled::<f32>(Missing::Median).unwrap();
    assert_eq!(labelled.counts(), [165, 138]);
    assert!(labelled.x.iter().all(|v| v.is_finite()) && labelled.cols() > 13);
    let thyroid = catalog::tabular(&dir, "hypothyroid").unwrap();
    assert_eq!(thyroid.table.schema().columns.iter().map(|c| c.missing).sum::<usize>(), 6064);
    let without = thyroid.table.without(&["TBG"]).unwrap();
    assert!(thyroid.labelled::<f32>(Missing::Mean).unwrap_err().to_string().contains("column `TBG`"));
    assert_eq!(without.cols(), 28);
}

#[test]
fn the_catalogue_is_complete_and_honest() {
    let mut names = BTreeSet::new();
    let mut paths = BTreeSet::new();
    for entry in catalog::table() {
        assert!(names.insert(&entry.name), "{} comes twice", entry.name);
        assert!(!entry.licence.is_empty() && !entry.citation.is_empty() && entry.rows > 0 && entry.cols > 0);
        for file in &entry.files {
            assert!(paths.insert(&file.path), "{} comes twice", file.path);
            assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit()), "{}", file.path);
        }
        match &entry.fetch {
            Fetch::Files(sources) => {
                assert_eq!(sources.len(), entry.files.len(), "{}", entry.name);
                assert!(sources.iter().zip(&entry.files).all(|(s, f)| s.path == f.path && s.url.starts_with("http")));
            }
            Fetch::Manual { what } => assert!(what.len() > 20, "{}", entry.name),
            _ => panic!("{}: a new way to fetch needs a check", entry.name),
        }
    }
    let sets = catalog::table().iter().filter(|e| matches!(e.family, Family::Anomalies { .. }));
    assert_eq!(sets.count(), 23);
}

#[test]
fn a_missing_file_says_where_from_and_where_to() {
    let dir = DataDir::new("/nowhere");
    let error = catalog::mnist(&dir).unwrap_err().to_string();
    assert!(
        error.starts_with("/nowhere/mnist/train-images-idx3-ubyte.gz: no such file; fetch `mnist`, or copy https://"),
        "{error}"
    );
    assert!(catalog::adbench(&dir, "nothing").unwrap_err().to_string().contains("`6_cardio`"));
    assert!(catalog::tabular(&dir, "iris").unwrap_err().to_string().contains("get it by hand: the ARFF file"));
}

fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (n, sum, squares) = values.fold((0.0, 0.0, 0.0), |(n, s, q), v| (n + 1.0, s + v, q + v * v));
    (sum / n, (squares / n - (sum / n) * (sum / n)).sqrt())
}
