//! Comma-separated values after RFC 4180: quoted fields, doubled quotes, line ends of either kind.

/// A record and the line on which it begins, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: usize,
    pub(super) fields: Vec<String>,
}

/// Records of a text. Spreadsheets of some countries separate by semicolons: what the first line has
/// decides. Empty lines are none.
///
/// # Errors
/// The line of a quote that is never closed.
pub(super) fn records(text: &str) -> Result<Vec<Record>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains(';') && !first.contains(',') { ';' } else { ',' };
    let mut reader = Reader { separator, ..Reader::default() };
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if reader.quoted && character == '"' && characters.next_if_eq(&'"').is_some() {
            reader.field.push('"');
        } else {
            reader.take(character);
        }
    }
    if reader.quoted {
        return Err(reader.began);
    }
    reader.end_record();
    Ok(reader.records)
}

struct Reader {
    separator: char,
    quoted: bool,
    line: usize,
    /// The line on which the record begins.
    began: usize,
    field: String,
    fields: Vec<String>,
    records: Vec<Record>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            separator: ',',
            quoted: false,
            line: 1,
            began: 1,
            field: String::new(),
            fields: Vec::new(),
            records: Vec::new(),
        }
    }
}

impl Reader {
    fn take(&mut self, character: char) {
        if character == '\n' {
            self.line += 1;
        }
        match character {
            '"' => self.quoted = !self.quoted,
            _ if self.quoted => self.field.push(character),
            '\r' => {}
            '\n' => {
                self.end_record();
                self.began = self.line;
            }
            _ if character == self.separator => self.end_field(),
            _ => self.field.push(character),
        }
    }

    fn end_field(&mut self) {
        let field = std::mem::take(&mut self.field);
        self.fields.push(field.trim().to_owned());
    }

    fn end_record(&mut self) {
        self.end_field();
        let fields = std::mem::take(&mut self.fields);
        if fields.iter().any(|field| !field.is_empty()) {
            self.records.push(Record { line: self.began, fields });
        }
    }
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
