//! (not an entry) From catalogued files to rows.

use super::dir::DataDir;
use super::entry::{DatasetEntry, Family, Fetch};
use super::table::find;
use crate::anomalies::AnomalySet;
use crate::error::DataError;
use crate::format::{csv, idx, npz};
use crate::labelled::Labelled;
use crate::limits::Limits;
use crate::split::Split;
use crate::table::{Encoding, Missing, Table};
use layerwise_tensor::Scalar;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// A data set of any family.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Loaded {
    /// Images with classes, to train and to test; values in `0..=1`.
    Images(Split<Labelled<f32>>),
    /// Rows of which some are anomalous.
    Anomalies(AnomalySet),
    /// A table with classes.
    Table(Tabular),
}

/// A table of features and the class of each row.
#[derive(Clone, Debug)]
pub struct Tabular {
    /// What it is called.
    pub name: String,
    /// The features.
    pub table: Table,
    /// The class of each row.
    pub y: Vec<u32>,
    /// The names of the classes.
    pub classes: Vec<String>,
}

impl Tabular {
    /// Plain numbers with classes: categories one-hot, missing values filled.
    ///
    /// # Errors
    /// When a value is missing and `missing` refuses it, or a column has no value to take a mean of.
    pub fn labelled<T: Scalar>(&self, missing: Missing) -> Result<Labelled<T>, DataError> {
        let x = self.table.to_matrix(&Encoding::fit(&self.table, missing)?)?;
        Ok(Labelled::new(self.name.clone(), x.mapv(T::of), self.y.clone(), self.classes.len()))
    }
}

/// MNIST: 60 000 and 10 000 digits of 28 x 28, values in `0..=1`.
///
/// # Errors
/// When a file is missing (the message says where from and where to) or damaged.
pub fn mnist(dir: &DataDir) -> Result<Split<Labelled<f32>>, DataError> {
    images(find("mnist")?, dir)
}

/// Fashion-MNIST: as [`mnist`], ten kinds of clothes.
///
/// # Errors
/// As [`mnist`].
pub fn fashion_mnist(dir: &DataDir) -> Result<Split<Labelled<f32>>, DataError> {
    images(find("fashion-mnist")?, dir)
}

/// A set of ADBench, by its file's name with or without number: `6_cardio`, `cardio`.
///
/// # Errors
/// When there is no such set, or its file is missing or damaged.
pub fn adbench(dir: &DataDir, name: &str) -> Result<AnomalySet, DataError> {
    anomalies(super::table::find_adbench(name)?, dir)
}

/// The table `name` of the catalogue, its classes apart.
///
/// # Errors
/// When there is no such table, or its file is missing or damaged.
pub fn tabular(dir: &DataDir, name: &str) -> Result<Tabular, DataError> {
    let entry = find(name)?;
    let Family::Table { target, ignore } = entry.family else {
        let remedy = "load it with `catalog::load`";
        return Err(DataError::table(format!("data set `{name}`"), "not one of the tables", remedy));
    };
    rows(entry, target, ignore, dir)
}

/// Wisconsin breast cancer (diagnostic): 569 rows, 30 features, class 1 malignant.
///
/// # Errors
/// When the file is missing or damaged.
pub fn wdbc(dir: &DataDir) -> Result<Labelled<f64>, DataError> {
    tabular(dir, "wdbc")?.labelled(Missing::Refuse)
}

/// Any data set of the catalogue.
///
/// # Errors
/// When a file is missing or damaged.
pub fn load(entry: &DatasetEntry, dir: &DataDir) -> Result<Loaded, DataError> {
    match entry.family {
        Family::Images => images(entry, dir).map(Loaded::Images),
        Family::Anomalies { .. } => anomalies(entry, dir).map(Loaded::Anomalies),
        Family::Table { target, ignore } => rows(entry, target, ignore, dir).map(Loaded::Table),
    }
}

/// The error for a file that is not there: where to get it, where to put it.
pub(super) fn missing(entry: &DatasetEntry, path: &str, dir: &DataDir) -> DataError {
    let how = match &entry.fetch {
        Fetch::Files(sources) => {
            let urls = sources.iter().find(|s| s.path == path).map_or("its source", |s| s.url.as_str());
            format!("fetch `{}`, or copy {urls} there by hand", entry.name)
        }
        Fetch::Manual { what } => format!("get it by hand: {what}"),
    };
    DataError::Missing { file: dir.path(path), remedy: format!("{how}; or name another data folder") }
}

fn images(entry: &DatasetEntry, dir: &DataDir) -> Result<Split<Labelled<f32>>, DataError> {
    let part = |images: usize, labels: usize| {
        let x = read(entry, images, dir, |reader, limits| {
            let mut x = idx::read(reader, limits)?.array2::<f32>()?;
            x.mapv_inplace(|v| v / 255.0);
            Ok(x)
        })?;
        let y = read(entry, labels, dir, |reader, limits| idx::read(reader, limits)?.labels())?;
        labelled(entry, x, y)
    };
    Ok(Split { train: part(0, 1)?, test: part(2, 3)? })
}

fn labelled(entry: &DatasetEntry, x: ndarray::Array2<f32>, y: Vec<u32>) -> Result<Labelled<f32>, DataError> {
    const CLASSES: usize = 10;
    let wild = y.iter().find(|&&c| c as usize >= CLASSES);
    if x.nrows() != y.len() || wild.is_some() {
        let problem = match wild {
            Some(class) => format!("classes 0 to 9 wanted, {class} found"),
            None => format!("{} images, {} labels", x.nrows(), y.len()),
        };
        let remedy = "the files do not belong together: fetch them again";
        return Err(DataError::table(format!("data set `{}`", entry.name), problem, remedy));
    }
    Ok(Labelled::new(entry.name.clone(), x, y, CLASSES))
}

fn anomalies(entry: &DatasetEntry, dir: &DataDir) -> Result<AnomalySet, DataError> {
    let (x, y) = read(entry, 0, dir, |reader, limits| {
        let archive = npz::read(reader, limits)?;
        let x = archive.array("X")?.array2::<f64>().map_err(|e| e.in_member("X"))?;
        let y = archive.array("y")?.labels().map_err(|e| e.in_member("y"))?;
        if x.nrows() != y.len() || y.iter().any(|&l| l > 1) {
            let problem = format!("{} rows in X and as many 0 or 1 in y wanted, {} found", x.nrows(), y.len());
            return Err(DataError::format("member `y`", problem, "fetch the file again"));
        }
        Ok((x, y))
    })?;
    let features = (0..x.ncols()).map(|j| format!("x{j}")).collect();
    Ok(AnomalySet { name: entry.name.clone(), features, x, anomalous: y.iter().map(|&l| l == 1).collect() })
}

fn rows(entry: &DatasetEntry, target: &str, ignore: &[&str], dir: &DataDir) -> Result<Tabular, DataError> {
    let whole = read(entry, 0, dir, csv::read)?;
    let (y, classes) = whole.labels(target)?;
    let table = whole.without(&[&[target], ignore].concat())?;
    Ok(Tabular { name: entry.name.clone(), table, y, classes })
}

fn read<R>(
    entry: &DatasetEntry,
    file: usize,
    dir: &DataDir,
    decode: impl FnOnce(BufReader<File>, &Limits) -> Result<R, DataError>,
) -> Result<R, DataError> {
    let file = &entry.files[file].path;
    let path = dir.path(file);
    let reader = open(&path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => missing(entry, file, dir),
        _ => DataError::io("opening", e, "check the path and its permissions").in_file(&path),
    })?;
    decode(reader, &Limits::default()).map_err(|e| e.in_file(&path))
}

fn open(path: &Path) -> std::io::Result<BufReader<File>> {
    File::open(path).map(BufReader::new)
}
