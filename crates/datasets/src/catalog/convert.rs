//! (not an entry) What turns a public file into ours.

use crate::error::DataError;

/// What turns a public file into ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Convert {
    /// Nothing: ours is the public file.
    Keep,
    /// `wdbc.data` to CSV: a header line is added, and the measurements are written as reals (`1001` becomes `1001.0`).
    Wdbc,
}

const WDBC_HEADER: &str = "id,diagnosis";
const WDBC_FEATURES: [&str; 10] = [
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
];

impl Convert {
    /// What it does, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Keep => "taken as it is",
            Self::Wdbc => "a header line is added and whole measurements are written as reals (1001 as 1001.0)",
        }
    }

    /// Our file from the bytes of the public one.
    ///
    /// # Errors
    /// When the public file is not what the converter knows.
    pub fn apply(self, bytes: Vec<u8>) -> Result<Vec<u8>, DataError> {
        match self {
            Self::Keep => Ok(bytes),
            Self::Wdbc => wdbc(&bytes),
        }
    }
}

fn wdbc(bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| DataError::format(format!("byte {}", e.valid_up_to()), "not UTF-8", "fetch the file again"))?;
    let mut out = WDBC_HEADER.to_owned();
    for statistic in ["mean", "se", "worst"] {
        WDBC_FEATURES.iter().for_each(|feature| out.push_str(&format!(",{feature}_{statistic}")));
    }
    out.push('\n');
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty()) {
        let count = line.split(',').count();
        if count != 32 {
            let problem = format!("32 fields wanted, {count} found");
            return Err(DataError::format(format!("line {}", i + 1), problem, "fetch the file again"));
        }
        for (j, field) in line.split(',').enumerate() {
            if j > 0 {
                out.push(',');
            }
            out.push_str(field);
            if j > 1 && !field.contains('.') {
                out.push_str(".0");
            }
        }
        out.push('\n');
    }
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wdbc_gets_a_header_and_reals() {
        let measured = ["1001"; 30].join(",");
        let ours =
            String::from_utf8(Convert::Wdbc.apply(format!("842302,M,{measured}\n").into_bytes()).unwrap()).unwrap();
        let (header, row) = ours.split_once('\n').unwrap();
        assert!(header.starts_with("id,diagnosis,radius_mean,") && header.ends_with(",fractal_dimension_worst"));
        assert!(row.starts_with("842302,M,1001.0,") && row.ends_with("1001.0\n"));
        assert!(
            Convert::Wdbc
                .apply(b"1,M\n".to_vec())
                .unwrap_err()
                .to_string()
                .contains("line 1: 32 fields wanted, 2 found")
        );
    }
}
