//! The chain as JSON lines: one entry a line, the head as the last. The file needs no database to
//! be verified, and any changed byte shows.

use std::io::{self, BufRead, Read, Write};

use super::{Entry, Head, Report, Verifier};

/// The longest line that is read: a detail whose every byte is escaped, and room for the rest.
const LONGEST_LINE: u64 = 6 * Entry::LONGEST_DETAIL as u64 + 16_384;

/// Writes entries and, at the end, their head.
///
/// # Errors
/// When an entry or the file cannot be written.
pub fn export_lines<E: From<io::Error>>(
    entries: impl IntoIterator<Item = Result<Entry, E>>,
    mut out: impl Write,
) -> Result<Head, E> {
    let mut head = Head::new(0, Entry::before_the_first());
    for entry in entries {
        let entry = entry?;
        serde_json::to_writer(&mut out, &entry).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        head = Head::new(entry.sequence, entry.hash);
    }
    writeln!(out, "{}", head.line())?;
    out.flush()?;
    Ok(head)
}

/// Verifies an export, and holds it against heads that were kept elsewhere.
///
/// # Errors
/// When the file cannot be read. What is wrong with its content is in the report.
pub fn verify_lines(mut lines: impl BufRead, kept: &[Head]) -> io::Result<Report> {
    let mut verifier = Verifier::new(kept);
    let mut end: Option<Head> = None;
    let mut line = Vec::new();
    while verifier.holds() {
        line.clear();
        (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        if end.is_some() {
            verifier.take_unreadable("a line stands behind the head");
        } else {
            end = take_line(&mut verifier, &line);
        }
    }
    if end.is_none() {
        verifier.take_unreadable("the export ends without its head: it is cut");
    }
    Ok(verifier.finish(end.as_ref()))
}

/// Takes an entry's line; gives the head when it is that.
fn take_line(verifier: &mut Verifier, line: &[u8]) -> Option<Head> {
    let Some(text) = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok())
    else {
        verifier.take_unreadable("its line is cut, too long, or no text");
        return None;
    };
    if let Ok(heads) = Head::read_lines(text)
        && let [head] = heads.as_slice()
        && head.line() == text
    {
        return Some(head.clone());
    }
    match serde_json::from_str::<Entry>(text) {
        // Written again it must be the same bytes: no second spelling of an entry passes.
        Ok(entry) if serde_json::to_string(&entry).is_ok_and(|again| again == text) => {
            verifier.take(&entry);
        }
        Ok(_) => verifier.take_unreadable("its line is not as it was written"),
        Err(error) => verifier.take_unreadable(error),
    }
    None
}
