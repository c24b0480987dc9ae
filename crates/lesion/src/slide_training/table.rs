//! Tables of text with a heading, as spreadsheets write them.

use std::path::Path;

use crate::{
    error::{LesionError, Result},
    files::read_bounded,
};

/// Largest table that is read.
const MAX_TABLE: u64 = 1 << 28;

/// A table: its heading and its rows, all of the heading's length.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) heading: Vec<String>,
    /// With the line of the file that each stands in, from 1.
    pub(crate) rows: Vec<(usize, Vec<String>)>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = read_bounded(path, MAX_TABLE)?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes)
            .map_err(|_| LesionError::Data(format!("{name}: not UTF-8 text; save it as UTF-8")))?;
        Self::parse(&text, name)
    }

    /// Comma, semicolon or tab, whichever the heading has most of; fields may be quoted.
    pub(crate) fn parse(text: &str, name: String) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let first = text.lines().next().unwrap_or_default();
        let count = |separator: &u8| first.bytes().filter(|byte| byte == separator).count();
        let separator = *b",;\t".iter().max_by_key(|separator| count(separator)).unwrap_or(&b',');
        let all = records(text, separator)
            .map_err(|error| LesionError::Data(format!("{name}: {error}")))?;
        let mut lines =
            all.into_iter().filter(|(_, fields)| fields.iter().any(|field| !field.is_empty()));
        let (_, heading) = lines.next().ok_or_else(|| {
            LesionError::Data(format!("{name}: empty; its first line must name the columns"))
        })?;
        let mut rows: Vec<(usize, Vec<String>)> = lines.collect();
        for (line, row) in &mut rows {
            // Spreadsheets write empty fields beyond the last column.
            while row.len() > heading.len() && row.last().is_some_and(String::is_empty) {
                row.pop();
            }
            if row.len() != heading.len() {
                return Err(LesionError::Data(format!(
                    "{name}, line {line}: {} fields, the heading has {}",
                    row.len(),
                    heading.len()
                )));
            }
        }
        Ok(Self { name, heading, rows })
    }

    /// The column that bears one of these names; the first name that is there counts.
    pub(crate) fn column(&self, names: &[&str]) -> Result<Option<usize>> {
        let is = |column: &usize, name: &str| self.heading[*column].eq_ignore_ascii_case(name);
        for name in names {
            let mut own = (0..self.heading.len()).filter(|column| is(column, name));
            match (own.next(), own.next()) {
                (None, _) => {}
                (found, None) => return Ok(found),
                (Some(_), Some(_)) => {
                    let what = format!("{}: the column '{name}' is there twice", self.name);
                    return Err(LesionError::Data(what));
                }
            }
        }
        Ok(None)
    }
}

/// Fields of every record with the line on which it begins; a quoted field may hold separators,
/// doubled quotes and line ends, which become spaces.
fn records(text: &str, separator: u8) -> csv::Result<Vec<(usize, Vec<String>)>> {
    let reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let one = |record: csv::Result<csv::StringRecord>| {
        let record = record?;
        let plain = |field: &str| field.replace('\r', "").replace('\n', " ");
        Ok((line_of(text, record.position()), record.iter().map(plain).collect()))
    };
    reader.into_records().map(one).collect()
}

/// The line on which a record begins; its position is before the empty lines above it.
fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let Some(position) = position else { return 1 };
    let from = usize::try_from(position.byte()).unwrap_or(text.len()).min(text.len());
    let above = text.as_bytes()[from..].iter().take_while(|byte| b"\r\n".contains(byte));
    usize::try_from(position.line()).unwrap_or(usize::MAX)
        + above.filter(|byte| **byte == b'\n').count()
}

/// A field as it must be written so that [`Table::parse`] reads it back.
pub(crate) fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', ';', '\t']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spreadsheets_dialects_are_read() {
        let text = "\u{feff}slide;label\r\n\"a;1\";\"says \"\"x\"\"\"\r\n\r\nb;y\r\n";
        let table = Table::parse(text, "t".into()).unwrap();
        assert_eq!(table.heading, ["slide", "label"]);
        assert_eq!(table.rows[0], (2, vec!["a;1".to_owned(), "says \"x\"".to_owned()]));
        assert_eq!(table.rows[1].0, 4);
        assert_eq!(table.column(&["target", "LABEL"]).unwrap(), Some(1));
        assert_eq!(Table::parse("a,b\n1,2,,\n", "t".into()).unwrap().rows[0].1, ["1", "2"]);
        assert!(Table::parse("", "t".into()).is_err());
        let error = Table::parse("a,b\n1\n", "t".into()).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(fields in proptest::collection::vec("[ -~]{0,9}", 2..5)) {
            let fields: Vec<String> = fields.iter().map(|f| format!("x{}", f.trim())).collect();
            let heading: Vec<String> = (0..fields.len()).map(|i| format!("c{i}")).collect();
            let line: Vec<String> = fields.iter().map(|f| field(f)).collect();
            let text = format!("{}\n{}\n", heading.join(","), line.join(","));
            let table = Table::parse(&text, "t".into()).unwrap();
            prop_assert_eq!(&table.rows[0].1, &fields);
        }
    }
}
