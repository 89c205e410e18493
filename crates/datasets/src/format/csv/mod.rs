//! CSV: a header line, then one row per line; the kinds of the columns are inferred, or given by a schema.

mod fields;

use self::fields::{Fields, separator};
use super::bounded::read_all;
use crate::error::DataError;
use crate::limits::Limits;
use crate::table::{Column, ColumnKind, Schema, Table};
use ndarray::Array2;
use std::collections::{BTreeSet, HashMap};
use std::io::Read;

/// The table of a CSV file: header line, quoted fields, UTF-8 with or without a byte order mark.
///
/// Fields are separated by commas, semicolons or tabs, whichever the header line holds most often. Between semicolons, where spreadsheets
/// in much of Europe write decimal commas, `1,5` is the number 1.5. A field that is empty, `?` or `NA` is missing. A column of whole numbers is [`ColumnKind::Integer`], of numbers
/// [`ColumnKind::Real`], anything else a category with its levels sorted. A column without any value is real. A name that
/// comes again gets `.1`, `.2`, ... added. An empty line is no row.
///
/// ```
/// use layerwise_datasets::{format::csv, Limits};
/// let table = csv::read("age,thal\n63,normal\n,\"fixed, old\"\n".as_bytes(), &Limits::default())?;
/// assert_eq!(table.schema().to_string(), "age   integer, 1 missing\nthal  category of 2 (fixed, old, normal)\n");
/// # Ok::<(), layerwise_datasets::DataError>(())
/// ```
///
/// # Errors
/// When the text is empty, not UTF-8, ragged, holds `nan` or `inf` among numbers, or is larger than `limits`. The message names
/// line and column.
pub fn read(mut reader: impl Read, limits: &Limits) -> Result<Table, DataError> {
    let text = Text::read(&mut reader, limits)?;
    let kinds = text.kinds()?;
    let column = |(name, kind): (&String, _)| Column { name: name.clone(), kind, missing: 0 };
    let columns = text.names.iter().zip(kinds).map(column).collect();
    text.table(Schema { columns })
}

/// The table of a CSV file that must have the columns of `schema` (in any order, others are left out): the rows to score
/// must mean what the rows learnt from meant.
///
/// # Errors
/// As [`read`]; also when a column is not there, a number is none, or a category has a text that is not among its levels.
pub fn read_as(mut reader: impl Read, schema: &Schema, limits: &Limits) -> Result<Table, DataError> {
    Text::read(&mut reader, limits)?.table(schema.clone())
}

/// The whole text, its header read and every line known to have the right number of fields.
struct Text {
    bytes: Vec<u8>,
    separator: u8,
    names: Vec<String>,
    rows: usize,
    /// Bytes that text and table take together.
    need: u64,
    limits: Limits,
}

impl Text {
    fn read(reader: &mut dyn Read, limits: &Limits) -> Result<Self, DataError> {
        // What a column costs: its name, twice, and its entry in the schema.
        const COLUMN: u64 = 256;
        let bytes = read_all(reader, limits.bytes, "text")?;
        let separator = separator(&bytes);
        let mut fields = Fields::new(&bytes, separator, limits);
        let names = names(&mut fields, limits)?;
        let (mut rows, mut found) = (0u64, 0);
        while let Some(field) = fields.next()? {
            found += 1;
            if field.last {
                if found != names.len() {
                    return Err(DataError::format(
                        format!("line {}", field.line),
                        format!("{} fields wanted as in the header, {found} found", names.len()),
                        format!(
                            "complete the line, or put quotes around a field that holds {} or a line break",
                            said(separator)
                        ),
                    ));
                }
                (rows, found) = (rows + 1, 0);
            }
        }
        if rows == 0 {
            return Err(DataError::format("line 2", "no row below the header", "check that the file is complete"));
        }
        let columns = names.len() as u64;
        let need = bytes.len() as u64 + columns * (COLUMN + rows * 8);
        if need > limits.bytes {
            return Err(DataError::limit("text", need, "bytes of text and table", limits.bytes, "bytes"));
        }
        Ok(Self { bytes, separator, names, rows: rows as usize, need, limits: *limits })
    }

    /// Calls `f(line, row, column, field)` for each field below the header; `None` is a missing value.
    fn for_each(
        &self,
        mut f: impl FnMut(u64, usize, usize, Option<&str>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut fields = Fields::new(&self.bytes, self.separator, &self.limits);
        while fields.next()?.is_some_and(|field| !field.last) {}
        let (mut row, mut j) = (0, 0);
        while let Some(field) = fields.next()? {
            let text = utf8(field.bytes, field.line, &self.names[j])?.trim();
            f(field.line, row, j, Some(text).filter(|t| !matches!(*t, "" | "?" | "NA")))?;
            (row, j) = if field.last { (row + 1, 0) } else { (row, j + 1) };
        }
        Ok(())
    }

    /// What each column is, by its fields.
    fn kinds(&self) -> Result<Vec<ColumnKind>, DataError> {
        // What a level costs besides its bytes, in the set and in the map of codes.
        const LEVEL: u64 = 160;
        let mut inferred: Vec<Inferred> = self.names.iter().map(|_| Inferred::default()).collect();
        self.for_each(|_, _, j, field| {
            inferred[j].see(field, self.separator);
            Ok(())
        })?;
        // Only now is it known which columns hold texts: numbers are not collected.
        let mut need = self.need;
        self.for_each(|line, _, j, field| {
            let Inferred { text: true, levels, .. } = &mut inferred[j] else { return Ok(()) };
            let Some(field) = field.filter(|f| !levels.contains(*f)) else { return Ok(()) };
            need += 2 * field.len() as u64 + LEVEL;
            if need > self.limits.bytes {
                return Err(DataError::limit(at(line, &self.names[j]), need, "bytes", self.limits.bytes, "bytes"));
            }
            levels.insert(field.to_owned());
            let (count, limit) = (levels.len() as u64, self.limits.levels as u64);
            if count > limit {
                let place = at(line, &self.names[j]);
                return Err(DataError::limit(place, count, "or more distinct texts", limit, "levels"));
            }
            Ok(())
        })?;
        Ok(inferred.into_iter().map(Inferred::kind).collect())
    }

    fn table(&self, schema: Schema) -> Result<Table, DataError> {
        let mut place = vec![None; self.names.len()];
        let found: HashMap<&str, usize> = self.names.iter().enumerate().map(|(j, n)| (n.as_str(), j)).collect();
        for (k, column) in schema.columns.iter().enumerate() {
            let j = *found.get(column.name.as_str()).ok_or_else(|| DataError::UnknownColumn {
                name: column.name.clone(),
                known: crate::error::listed(self.names.iter().map(String::as_str)),
            })?;
            place[j] = Some(k);
        }
        let codes: Vec<HashMap<&str, f64>> = schema.columns.iter().map(codes).collect();
        let mut values = Array2::from_elem((self.rows, schema.len()), f64::NAN);
        self.for_each(|line, row, j, field| {
            if let (Some(k), Some(field)) = (place[j], field) {
                values[[row, k]] =
                    value(field, &schema.columns[k].kind, &codes[k], self.separator).ok_or_else(|| {
                        let Column { name, kind, .. } = &schema.columns[k];
                        let remedy = "correct the field, or leave it empty if the value is missing";
                        DataError::format(at(line, name), format!("{kind} wanted, `{}` found", cut(field)), remedy)
                    })?;
            }
            Ok(())
        })?;
        drop(codes);
        Table::new(schema, values)
    }
}

/// What the fields of a column seen so far allow it to be.
#[derive(Default)]
struct Inferred {
    number: bool,
    fraction: bool,
    text: bool,
    levels: BTreeSet<String>,
}

impl Inferred {
    fn see(&mut self, field: Option<&str>, separator: u8) {
        match field.map(|f| (f, number(f, separator))) {
            Some((field, Some(v))) if v.is_finite() => {
                self.number = true;
                self.fraction |= !whole(field);
            }
            Some((_, None)) => self.text = true,
            // `nan` or `inf` is an error among numbers (found when the values are read), a text among texts.
            Some(_) | None => {}
        }
    }

    fn kind(self) -> ColumnKind {
        match (self.text, self.fraction, self.number) {
            (true, ..) => ColumnKind::Category { levels: self.levels.into_iter().collect() },
            (_, false, true) => ColumnKind::Integer,
            _ => ColumnKind::Real,
        }
    }
}

fn codes(column: &Column) -> HashMap<&str, f64> {
    match &column.kind {
        ColumnKind::Category { levels } => levels.iter().enumerate().map(|(i, l)| (l.as_str(), i as f64)).collect(),
        ColumnKind::Real | ColumnKind::Integer => HashMap::new(),
    }
}

fn value(field: &str, kind: &ColumnKind, codes: &HashMap<&str, f64>, separator: u8) -> Option<f64> {
    match kind {
        ColumnKind::Category { .. } => codes.get(field).copied(),
        ColumnKind::Real => number(field, separator).filter(|v| v.is_finite()),
        ColumnKind::Integer => number(field, separator).filter(|v| v.is_finite() && v.fract() == 0.0),
    }
}

/// The number a field is; between semicolons one comma may stand for its point.
fn number(field: &str, separator: u8) -> Option<f64> {
    match field.split_once(',') {
        Some((whole, fraction)) if separator == b';' => format!("{whole}.{fraction}").parse().ok(),
        _ => field.parse().ok(),
    }
}

/// A separator in words.
fn said(separator: u8) -> &'static str {
    match separator {
        b';' => "a semicolon",
        b'\t' => "a tab",
        _ => "a comma",
    }
}

/// Whether the text is a whole number that `f64` holds exactly.
fn whole(field: &str) -> bool {
    const EXACT: u64 = 1 << 53;
    field.parse::<i64>().is_ok_and(|v| v.unsigned_abs() <= EXACT)
}

/// The names of the header line.
fn names(fields: &mut Fields<'_>, limits: &Limits) -> Result<Vec<String>, DataError> {
    let mut seen = BTreeSet::new();
    // How often a name came again: the next copy is not looked for from the start.
    let mut copies: HashMap<String, u64> = HashMap::new();
    let mut names = Vec::new();
    while let Some(field) = fields.next()? {
        let place = format!("line {}, column {}", field.line, names.len() + 1);
        if names.len() == limits.columns {
            let limit = limits.columns as u64;
            return Err(DataError::limit(place, limit + 1, "or more columns", limit, "columns"));
        }
        let text = utf8(field.bytes, field.line, &(names.len() + 1).to_string())?.trim();
        if text.is_empty() {
            return Err(DataError::format(place, "the column has no name", "name every column in the header line"));
        }
        let mut name = text.to_owned();
        while !seen.insert(name.clone()) {
            let again = copies.entry(text.to_owned()).or_default();
            *again += 1;
            name = format!("{text}.{again}");
        }
        names.push(name);
        if field.last {
            return Ok(names);
        }
    }
    let remedy = "a header line and at least one row are wanted: check that this is the right file";
    Err(DataError::format("line 1", "the text is empty", remedy))
}

fn at(line: u64, name: &str) -> String {
    format!("line {line}, column `{name}`")
}

fn utf8<'a>(field: &'a [u8], line: u64, name: &str) -> Result<&'a str, DataError> {
    std::str::from_utf8(field).map_err(|e| {
        let problem = format!("not UTF-8 (byte {} of the field)", e.valid_up_to() + 1);
        DataError::format(at(line, name), problem, "save the file as UTF-8 (`iconv -f latin1 -t utf-8`)")
    })
}

fn cut(field: &str) -> String {
    const SHOWN: usize = 40;
    if field.chars().count() <= SHOWN {
        field.to_owned()
    } else {
        field.chars().take(SHOWN).chain("..".chars()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        read(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn error(text: &[u8]) -> String {
        read(text, &Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn kinds_are_inferred() {
        let t = table("i,r,c,e,n\n1,1,b,,?\n-2,2.5,a,,3\n,1e3,b,,NA\n");
        assert_eq!(
            t.schema().to_string(),
            "i  integer, 1 missing\nr  real\nc  category of 2 (a, b)\ne  real, 3 missing\nn  integer, 2 missing\n"
        );
        assert_eq!(t.column("c").unwrap().to_vec(), [1.0, 0.0, 1.0]);
        assert_eq!(t.column("r").unwrap().to_vec(), [1.0, 2.5, 1000.0]);
    }

    #[test]
    fn semicolons_and_tabs_separate_too() {
        let semicolons = "\"dose, Gy\";n;kind\n1,5;2;\"a;b\"\n-0,25;3;c\n2e1;4;c\n";
        let t = table(semicolons);
        assert_eq!(t.schema().to_string(), "dose, Gy  real\nn         integer\nkind      category of 2 (a;b, c)\n");
        assert_eq!(t.column("dose, Gy").unwrap().to_vec(), [1.5, -0.25, 20.0]);
        let again = read_as(semicolons.as_bytes(), t.schema(), &Limits::default()).unwrap();
        assert_eq!(again.values(), t.values());
        assert_eq!(table("a\tb,c\td\n1\t2\t3\n").schema().names().collect::<Vec<_>>(), ["a", "b,c", "d"]);
        // Between commas a comma is no decimal one, and two are a text between semicolons too.
        assert_eq!(table("a,b\n\"1,5\",1\n").schema().to_string(), "a  category of 1 (1,5)\nb  integer\n");
        assert_eq!(table("a;b\n1,5,2;1\n").schema().to_string(), "a  category of 1 (1,5,2)\nb  integer\n");
        assert!(error(b"a;b\n1\n").contains("2 fields wanted as in the header, 1 found; complete the line, or put quotes around a field that holds a semicolon"));
    }

    #[test]
    fn quotes_line_breaks_and_byte_order_marks_are_read() {
        let t = table("\u{feff}\"a, b\",c\r\n\"x\ny\",1\r\n\"say \"\"hi\"\"\",2\r\n");
        assert_eq!(t.schema().names().collect::<Vec<_>>(), ["a, b", "c"]);
        let (_, levels) = t.labels("a, b").unwrap();
        assert_eq!(levels, ["say \"hi\"", "x\ny"]);
    }

    #[test]
    fn names_that_come_again_are_told_apart() {
        assert_eq!(table("a,a,a\n1,2,3\n").schema().names().collect::<Vec<_>>(), ["a", "a.1", "a.2"]);
        assert_eq!(table("a,a.1,a,a\n1,2,3,4\n").schema().names().collect::<Vec<_>>(), ["a", "a.1", "a.2", "a.3"]);
        // As many as a table may have, without the time of a square.
        let wide = format!("a{}\n1{}\n", ",a".repeat(65_535), ",1".repeat(65_535));
        assert_eq!(table(&wide).schema().names().last(), Some("a.65535"));
    }

    #[test]
    fn damage_is_named_with_line_and_column() {
        assert!(error(b"").contains("line 1: the text is empty;"));
        assert!(error(b"a,b\n").contains("line 2: no row below the header;"));
        assert!(error(b"a,b\n1,2\n3\n").contains("line 3: 2 fields wanted as in the header, 1 found;"));
        assert!(error(b"a,b\n1,\xff\n").contains("line 2, column `b`: not UTF-8 (byte 1 of the field);"));
        assert!(
            error(b"a,b\n1,2\n1,NaN\n").contains("line 3, column `b`: integer wanted, `NaN` found; correct the field")
        );
        assert!(error(b"a,b\n1,inf\n1,.5\n").contains("line 2, column `b`: real wanted, `inf` found"));
        assert!(error(b"a,\n1,2\n").contains("line 1, column 2: the column has no name"));
    }

    #[test]
    fn lines_are_counted_through_empty_ones_and_quotes() {
        assert!(error(b"a\r\n\r\n\r\n1\r\nNaN\r\n").contains("line 5, column `a`"));
        assert!(error(b"a,b\n\"x\n\ny\",1\n1,2,3\n").contains("line 5: 2 fields wanted"));
    }

    #[test]
    fn limits_hold() {
        let small = Limits { columns: 2, levels: 2, bytes: 900, ..Limits::default() };
        let error = |text: &str| read(text.as_bytes(), &small).unwrap_err().to_string();
        assert!(error(&format!("a\n{}\n", "1".repeat(895))).contains("bytes of text and table"));
        let narrow = Limits { field: 64, ..Limits::default() };
        let long = format!("a\n{}\n", "1".repeat(200));
        assert!(read(long.as_bytes(), &narrow).unwrap_err().to_string().contains("raise `Limits::field`"));
        assert!(error("a,b,c\n1,2,3\n").contains("raise `Limits::columns`"));
        assert!(error("a\nx\ny\nz\n").contains("line 4, column `a`: 3 or more distinct texts wanted, the limit is 2;"));
        assert!(error(&"1\n".repeat(100)).contains("raise `Limits::bytes`"));
        assert!(error(&"a\n1\n".repeat(200)).contains("raise `Limits::bytes`"));
    }

    #[test]
    fn a_given_schema_binds() {
        let schema = table("a,b\n1.5,x\n2,y\n").schema().clone();
        let again = read_as("c,b,a\n9,y,3\n".as_bytes(), &schema, &Limits::default()).unwrap();
        assert_eq!(again.values().row(0).to_vec(), [3.0, 1.0]);
        let error = |text: &str| read_as(text.as_bytes(), &schema, &Limits::default()).unwrap_err().to_string();
        assert!(error("a,b\n1,z\n").contains("line 2, column `b`: category of 2 (x, y) wanted, `z` found"));
        assert!(error("a\n1\n").contains("no column `b`; the table has `a`"));
    }
}
