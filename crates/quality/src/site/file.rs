//! The file of a site's memory: one JSON object a line, only ever appended to.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{log::SiteLog, record::SlideRecord};
use crate::{QualityError, Result};

/// A site's memory on disk.
///
/// Each write is one `write` under an exclusive lock of the file, flushed to disk; reading holds a
/// shared lock. A line that a power loss cut is closed by the next write and passed over when
/// reading. Locks are the operating system's: on a network share they hold as far as the share
/// supports them.
#[derive(Clone, Debug)]
pub struct SiteFile {
    path: PathBuf,
}

/// How much of a file is read.
#[derive(Copy, Clone, Debug)]
pub struct ReadLimits {
    /// Longer lines are passed over, in bytes.
    pub longest_line: usize,
    /// Of a longer file, the last so many lines are read.
    pub most_lines: usize,
}

impl Default for ReadLimits {
    /// Lines of 32 KiB; half a million lines, which is 80 days of 6,000 slides.
    fn default() -> Self {
        Self { longest_line: 32 << 10, most_lines: 500_000 }
    }
}

impl SiteFile {
    /// The memory at a path; the file need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds records at the end.
    ///
    /// # Errors
    /// When the file cannot be opened, locked or written.
    pub fn append(&self, records: &[SlideRecord]) -> Result<()> {
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, &record.clone().tidied())
                .map_err(|error| self.wrong("written", &error))?;
            lines.push(b'\n');
        }
        self.write(lines).map_err(|error| self.wrong("written", &error))
    }

    fn write(&self, mut lines: Vec<u8>) -> io::Result<()> {
        // Reading as well, to see how the last line ends.
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        file.lock()?;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                lines.insert(0, b'\n');
            }
        }
        file.write_all(&lines)?;
        file.sync_data()
        // Closing the file gives the lock back.
    }

    /// Reads what is there; a file that does not exist yet is an empty memory.
    ///
    /// # Errors
    /// When the file cannot be opened, locked or read. A broken line is no error.
    pub fn read(&self, limits: ReadLimits) -> Result<SiteLog> {
        self.read_file(limits).map_err(|error| self.wrong("read", &error))
    }

    fn read_file(&self, limits: ReadLimits) -> io::Result<SiteLog> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SiteLog::default()),
            Err(error) => return Err(error),
        };
        file.lock_shared()?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut lines = 0_usize;
        while next_line(&mut reader, 0)?.is_some() {
            lines += 1;
        }
        reader.rewind()?;
        let left_out = lines.saturating_sub(limits.most_lines);
        let (mut place, mut damaged, mut failure) = (0_usize, 0_usize, None);
        let records = std::iter::from_fn(|| {
            loop {
                place += 1;
                let kept = if place > left_out { limits.longest_line } else { 0 };
                // Lines that were added since they were counted wait for the next reading.
                let line =
                    if place > lines { None } else { next_line(&mut reader, kept).transpose() };
                match line? {
                    Err(error) => {
                        failure = Some(error);
                        return None;
                    }
                    Ok(_) if place <= left_out => {}
                    Ok(Line::Empty) => {}
                    Ok(Line::TooLong) => damaged += 1,
                    Ok(Line::Text(text)) => match serde_json::from_slice(&text) {
                        Ok(record) => return Some(record),
                        Err(_) => damaged += 1,
                    },
                }
            }
        });
        let mut log = SiteLog::of(records);
        if let Some(error) = failure {
            return Err(error);
        }
        (log.damaged, log.left_out) = (damaged, left_out);
        Ok(log)
    }

    fn wrong(&self, doing: &'static str, error: &dyn std::fmt::Display) -> QualityError {
        QualityError::Site { doing, what: format!("{}: {error}", self.path.display()) }
    }
}

enum Line {
    Empty,
    TooLong,
    Text(Vec<u8>),
}

/// The next line, of which at most `longest` bytes are held; nothing at the end of the file.
fn next_line(reader: &mut impl BufRead, longest: usize) -> io::Result<Option<Line>> {
    let mut text = Vec::new();
    let (mut length, mut any) = (0_usize, false);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        length = length.saturating_add(part.len());
        if length <= longest {
            text.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(any.then_some(match length {
        0 => Line::Empty,
        _ if length > longest => Line::TooLong,
        _ => Line::Text(text),
    }))
}

#[cfg(test)]
mod tests;
