//! The catalogue: one line for each data set.

use super::convert::Convert;
use super::entry::{DatasetEntry, Family, Fetch, FileEntry, Source};
use crate::error::{DataError, listed};
use std::sync::LazyLock;

/// All data sets of the catalogue.
pub fn table() -> &'static [DatasetEntry] {
    &TABLE
}

/// The data set `name`.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static DatasetEntry, DataError> {
    table()
        .iter()
        .find(|e| e.name == name)
        .ok_or_else(|| unknown(name, table().iter().map(|e| e.name.as_str()).collect()))
}

/// The set of ADBench with this name, `adbench/` and the number left out or not.
pub(super) fn find_adbench(name: &str) -> Result<&'static DatasetEntry, DataError> {
    let sets = || table().iter().filter_map(|e| e.name.strip_prefix("adbench/").map(|n| (n, e)));
    let wanted = name.strip_prefix("adbench/").unwrap_or(name);
    let same = |n: &str| n == wanted || n.split_once('_').is_some_and(|(_, bare)| bare == wanted);
    sets().find(|(n, _)| same(n)).map(|(_, e)| e).ok_or_else(|| unknown(name, sets().map(|(n, _)| n).collect()))
}

fn unknown(name: &str, known: Vec<&str>) -> DataError {
    DataError::UnknownDataset { name: name.to_owned(), known: listed(known.into_iter()) }
}

static TABLE: LazyLock<Vec<DatasetEntry>> = LazyLock::new(|| {
    let mut entries = vec![mnist(), fashion_mnist()];
    entries.extend(ADBENCH.iter().map(adbench));
    entries.extend(TABLES.iter().map(tabular));
    entries
});

const IMAGE_FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

fn mnist() -> DatasetEntry {
    images(
        "mnist",
        "handwritten digits: 60000 images of 28 x 28 to train, 10000 to test, ten classes",
        "CC BY-SA 3.0 (Y. LeCun, C. Cortes)",
        "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, \"Gradient-based learning applied to document recognition\", Proc. IEEE 86(11), 1998",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        MNIST_SHA256,
    )
}

fn fashion_mnist() -> DatasetEntry {
    images(
        "fashion-mnist",
        "clothes: 60000 images of 28 x 28 to train, 10000 to test, ten classes",
        "MIT (Zalando SE)",
        "H. Xiao, K. Rasul, R. Vollgraf, \"Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms\", arXiv:1708.07747, 2017",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        FASHION_SHA256,
    )
}

fn images(
    name: &str,
    title: &'static str,
    licence: &'static str,
    citation: &'static str,
    base: &str,
    sha256: [&'static str; 4],
) -> DatasetEntry {
    let files: Vec<FileEntry> =
        IMAGE_FILES.iter().zip(sha256).map(|(f, sha256)| file(format!("{name}/{f}"), sha256)).collect();
    let source = |(entry, f): (&FileEntry, &&str)| Source {
        url: format!("{base}{f}"),
        sha256: Some(entry.sha256),
        sha256_note: "of the official file: its published MD5 was checked on the copy this was computed from",
        convert: Convert::Keep,
        url_tried: false,
        path: entry.path.clone(),
    };
    let fetch = Fetch::Files(files.iter().zip(&IMAGE_FILES).map(source).collect());
    DatasetEntry {
        name: name.into(),
        title,
        family: Family::Images,
        rows: 70_000,
        cols: 784,
        licence,
        citation,
        files,
        fetch,
    }
}

/// Name, rows, features, anomalies, SHA-256, title.
type Anomalies = (&'static str, usize, usize, usize, &'static str, &'static str);

fn adbench(&(name, rows, cols, anomalies, sha256, title): &Anomalies) -> DatasetEntry {
    let files = vec![file(format!("adbench/{name}.npz"), sha256)];
    let fetch = if name.starts_with("extra_") {
        Fetch::Manual {
            what: "the file of this name (without `extra_`) in the history of github.com/Minqi824/ADBench, from before the published 47 sets",
        }
    } else {
        Fetch::Files(vec![Source {
            url: format!(
                "https://raw.githubusercontent.com/Minqi824/ADBench/main/adbench/datasets/Classical/{name}.npz"
            ),
            sha256: Some(sha256),
            sha256_note: "of our copy of the repository's file; the repository publishes none",
            convert: Convert::Keep,
            url_tried: false,
            path: files[0].path.clone(),
        }])
    };
    DatasetEntry {
        name: format!("adbench/{name}"),
        title,
        family: Family::Anomalies { anomalies },
        rows,
        cols,
        licence: "BSD-2-Clause (repository); underlying sets UCI, CC BY 4.0",
        citation: "S. Han, X. Hu, H. Huang, M. Jiang, Y. Zhao, \"ADBench: anomaly detection benchmark\", NeurIPS 2022",
        files,
        fetch,
    }
}

/// Name, rows, features, column of classes, columns that are no features, SHA-256, title.
type Classes = (&'static str, usize, usize, &'static str, &'static [&'static str], &'static str, &'static str);

fn tabular(&(name, rows, cols, target, ignore, sha256, title): &Classes) -> DatasetEntry {
    let files = vec![file(format!("tabular/{name}.csv"), sha256)];
    let fetch = if name == "wdbc" {
        Fetch::Files(vec![Source {
            url: "https://archive.ics.uci.edu/ml/machine-learning-databases/breast-cancer-wisconsin/wdbc.data".into(),
            sha256: Some("d606af411f3e5be8a317a5a8b652b425aaf0ff38ca683d5327ffff94c3695f4a"),
            sha256_note: "of the public file, as published by several libraries that load it; ours has another, after the converter",
            convert: Convert::Wdbc,
            url_tried: false,
            path: files[0].path.clone(),
        }])
    } else {
        Fetch::Manual {
            what: "the ARFF file of this set in github.com/renatopp/arff-datasets (classification/), made a CSV: attribute names as header line, `?` as empty field, quotes removed; \
                   the checksum is that of the CSV",
        }
    };
    let licence = if name == "pima_diabetes" { "public domain (NIDDK)" } else { "CC BY 4.0 (UCI)" };
    let citation = if name == "wdbc" {
        "W. N. Street, W. H. Wolberg, O. L. Mangasarian, \"Nuclear feature extraction for breast tumor diagnosis\", SPIE 1905, 1993"
    } else {
        "D. Dua, C. Graff, \"UCI machine learning repository\", University of California, Irvine, 2019"
    };
    let family = Family::Table { target, ignore };
    DatasetEntry { name: name.into(), title, family, rows, cols, licence, citation, files, fetch }
}

fn file(path: String, sha256: &'static str) -> FileEntry {
    FileEntry { path, sha256 }
}

const MNIST_SHA256: [&str; 4] = [
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
];
const FASHION_SHA256: [&str; 4] = [
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
];

#[rustfmt::skip]
const ADBENCH: &[Anomalies] = &[
    ("2_annthyroid", 7200, 6, 534, "e738f7c58a8740d2c4aac4c71ff49ce5e1d1aa16f44178135fc9c09df05fad1b", "health: thyroid function (annthyroid); anomaly = hyper-/subnormal function"),
    ("4_breastw", 683, 9, 239, "4f37ce07dbc25ddad8178fdc6d664ab46d2d0000ee28c2787c3c7ff3c03ef9f6", "health: breast cytology (Wisconsin original); anomaly = malignant"),
    ("6_cardio", 1831, 21, 176, "bc5009bde6930b4d298b594f31b34485a9a17210cff0e8fb00a8c3068b885a2d", "health: fetal cardiotocograms; anomaly = pathologic (suspect class removed)"),
    ("7_Cardiotocography", 2114, 21, 466, "5ae84910430f05923e11b6f537243263977c9136949dabd891e3570aeec51e29", "health: fetal cardiotocograms; anomaly = not normal"),
    ("14_glass", 214, 7, 9, "aa7a8db1d475ba01a10488af454bc15220a3d5951b010b03b7020567d8152cdc", "glass types; anomaly = class 6"),
    ("15_Hepatitis", 80, 19, 13, "4a87a2f7d8013e5bfde63294fae61ec7a612322de72f338a7f9491749025ad98", "health: hepatitis; anomaly = died"),
    ("18_Ionosphere", 351, 32, 126, "bca46cb0cfd1bf9ddef6cde5ad2215d54fb0189508d0d4c4eb98e788cad69001", "radar returns; anomaly = bad"),
    ("19_landsat", 6435, 36, 1333, "ba17e2158c07469597b89db49d3982c874c6b713ff6670721ddc88969da77987", "Statlog satellite pixels; anomaly classes differ from 30 and 31"),
    ("23_mammography", 11183, 6, 260, "a0308ac9712d78321073b1c2dc98dc37665c0f35c1cc33019416fe8f8d7de7ea", "health: micro-calcifications; anomaly = calcification"),
    ("24_mnist", 7603, 100, 700, "be7706272325fdd3592c1be555ae1a82f916a2f8545f4f8cbaa548ab102cc44c", "digit 0 normal, digit 6 anomaly, 100 of 784 pixels; 22 constant columns"),
    ("26_optdigits", 5216, 64, 150, "60de17a375a278ba220a7849727d998aa02b5e2f9fd17732a004bba28de4656e", "digits 1-9 normal, 0 anomaly; 2 constant columns"),
    ("28_pendigits", 6870, 16, 156, "c4936b89dcdad59d303020e492f763a0f54170080d787c77497609acbb9c2d79", "pen digits; anomaly = digit 0"),
    ("29_Pima", 768, 8, 268, "215454bb263a2f040945c9ea7bd7f06f1e89a61a3143bdb6f196e3887e801a7d", "health: diabetes; anomaly = diabetic"),
    ("30_satellite", 6435, 36, 2036, "1f048f5686f1b8c16a227fdfa3c81a62cd9a92715714a6b24c69b1c5ad96b46e", "Statlog satellite; anomaly = smallest three classes"),
    ("31_satimage-2", 5803, 36, 71, "1b056e357f801b8b20c3f380a30224a3c4088d7ed764ec5a24828dc9b1918d6f", "Statlog satellite; anomaly = class 2 (subsampled)"),
    ("32_shuttle", 49097, 9, 3511, "26900b0f6be45d9ddb7a402c9b2f956ceda42d23a8ca4cf4406b8bc1352823d1", "space shuttle; anomaly = rare classes"),
    ("38_thyroid", 3772, 6, 93, "8de161b3f235b7647bb0b39a836d983ff61d67bf234edac461da2d71e889cb87", "health: thyroid; anomaly = hyperfunction"),
    ("39_vertebral", 240, 6, 30, "0816286f92b96fe6867664a41a031ac7228dcfbf1a5feefe50ca3883b2e9073d", "health: vertebral column; in this version the rare class (anomaly) is 'normal'"),
    ("40_vowels", 1456, 12, 50, "4bfc4244d1c882773bbbc50d4a5db5e52276e53506e46b2d45e02d074cfcb1b6", "speakers; anomaly = speaker 1"),
    ("42_WBC", 223, 9, 10, "650f9dcb129248f67a291be0974f533ef259fcbde50fce5c8ad2a1cb2652d03b", "health: breast cytology, malignant subsampled to 10"),
    ("43_WDBC", 367, 30, 10, "78d4606a1ab516f5b60b00c196497f3bbd6bd5e4548fd04cf5f2475209b34b85", "health: breast nuclei features, malignant subsampled to 10"),
    ("45_wine", 129, 13, 10, "d5ad8965d92cc57122fe1e6572bb301adbaf795b3e166d187ae00a704d8f6e20", "wine; anomaly = class 1 subsampled"),
    ("extra_HeartDisease", 270, 13, 120, "2a0e01badfefd0f8b8eb2038578c9567d82b0857092a7a7c7268411e3a12fbec", "health: Statlog heart (270 of the Cleveland patients); early ADBench, not in the published 47"),
];

#[rustfmt::skip]
const TABLES: &[Classes] = &[
    ("wdbc", 569, 30, "diagnosis", &["id"], "fede67cdc64a1734014a2ad832645c3f1b4d2f43a147f84b7e95f087f75f6cc5", "breast cancer Wisconsin (diagnostic): nuclei of 569 fine-needle aspirates, benign or malignant"),
    ("heart_cleveland", 303, 13, "num", &[], "91551d7b101671cabc29940014019eec6d9c339c5eeeb9fcf2e399f9408f6bdc", "heart disease, Cleveland: 303 patients, 6 measured and 7 categorical features, narrowing over 50 % or not"),
    ("pima_diabetes", 768, 8, "class", &[], "3da6d7849e3faeaec68309a79b4f4a12c776a752d286f7f20ae644252ce6d029", "Pima diabetes: 768 women, 8 features (zeros in plas, pres, skin, insu and mass mean missing)"),
    ("dermatology", 366, 34, "class", &[], "4112801d5f629281f0a5165705bf2e52607fe833e336abac763323862335dedc", "dermatology: 366 patients, 33 grades 0 to 3 and age, six diseases"),
    ("hypothyroid", 3772, 29, "Class", &[], "11877bd529c1f40f6e8b4fda4abb98a094727b686f939351918709f6f05333d5", "thyroid disease: 3772 patients, 7 measured (TBG always missing) and 22 categorical features, four classes"),
    ("vertebral_3class", 310, 6, "class", &[], "648335343fa5e44ea32efbaca7ac2d05f7c3fcbec6b8e716396ddd0b3093657c", "vertebral column: 310 patients, 6 features, normal, hernia or spondylolisthesis"),
    ("hepatitis", 155, 19, "Class", &[], "d96f9d54718467c27b329b5224d5b431be2957dabb21499d2584c3713c6e732c", "hepatitis: 155 patients, 6 measured and 13 categorical features, died or lived"),
    ("optdigits", 5620, 64, "class", &[], "bf2243ddee0efbbee6bb43daae1628a7ea849a85b767713a1a4ad3fcf21a6bee", "optical recognition of digits: 5620 images of 8 x 8, values 0 to 16"),
    ("iris", 150, 4, "class", &[], "5c38242d49a8df86dbcc795ea8f58282b7ca93f8723261578b0a53a49bd5ba9f", "iris: 150 flowers, 4 features, three species"),
    ("wine", 178, 13, "class", &[], "317ea1fb7cabd3db8d41f1344e12cfbfc6a937fedc07d057e7e9f673be50b997", "wine: 178 wines, 13 features, three growers"),
];
