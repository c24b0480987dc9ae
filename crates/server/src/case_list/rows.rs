//! The rows of a list as a spreadsheet writes it.

/// A record and the line on which it begins, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

/// Records of a text of comma-separated values. Spreadsheets of some countries separate by
/// semicolons: what the first line has decides. Empty lines are none.
///
/// # Errors
/// The line of a record with a quote that is never closed: all that follows would be one field.
pub(super) fn records(text: &str) -> Result<Vec<Record>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut all = Vec::new();
    let mut last = 1;
    for record in reader.records() {
        // Text that is UTF-8, read from memory, with rows of any length: nothing is left to fail.
        let Ok(record) = record else { return Err(last) };
        last = line_of(text, record.position());
        if record.iter().any(|field| !field.is_empty()) {
            let fields = record.iter().map(str::to_owned).collect();
            all.push(Record { line: last, fields });
        }
    }
    if text.matches('"').count() % 2 == 1 { Err(last) } else { Ok(all) }
}

/// The line on which a record begins; its position is before the empty lines above it.
fn line_of(text: &str, position: Option<&csv::Position>) -> usize {
    let Some(position) = position else { return 1 };
    let from = usize::try_from(position.byte()).unwrap_or(text.len()).min(text.len());
    let above = text.as_bytes()[from..].iter().take_while(|byte| b"\r\n".contains(byte));
    usize::try_from(position.line()).unwrap_or(usize::MAX)
        + above.filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<(usize, Vec<String>)> {
        let records = records(text).unwrap();
        records.into_iter().map(|record| (record.line, record.fields)).collect()
    }

    fn row(line: usize, fields: &[&str]) -> (usize, Vec<String>) {
        (line, fields.iter().map(|&field| field.to_owned()).collect())
    }

    #[test]
    fn quotes_line_ends_and_empty_lines_are_as_the_standard_has_them() {
        let text = "\u{feff}a,b\r\n\"x, \"\"y\"\"\",\" two\nlines \"\r\n\r\n,\r\nlast, one ";
        let expected =
            [row(1, &["a", "b"]), row(2, &["x, \"y\"", "two\nlines"]), row(6, &["last", "one"])];
        assert_eq!(fields(text), expected);
        assert_eq!(fields("a;b\n1;2,3\n"), [row(1, &["a", "b"]), row(2, &["1", "2,3"])]);
        assert_eq!(fields(""), []);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_named_by_its_line() {
        assert_eq!(records("a,b\n1,2\n\"3,4\n5,6\n"), Err(3));
    }
}
