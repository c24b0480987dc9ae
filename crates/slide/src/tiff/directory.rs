//! The header and the directories of a TIFF or BigTIFF file.
//!
//! Source: TIFF 6.0, section 2; BigTIFF as Adobe and libtiff publish it (version 43, 64-bit
//! offsets). Everything read at opening is charged to a budget of some four times the file's length, so that
//! directories which point at the same bytes again and again cannot cost more than the file does.

use std::collections::HashSet;

use super::{
    field::{ByteOrder, FieldType, Values},
    tag,
};
use crate::{
    error::{Result, SlideError},
    file::SlideFile,
};

/// More images than any pyramid with its focal planes holds.
const MAXIMUM_DIRECTORIES: usize = 4096;

/// Bytes of the longest header.
const HEADER_LENGTH: u64 = 16;

/// Whether a file begins like a TIFF or BigTIFF.
pub(crate) fn is_tiff(start: &[u8]) -> bool {
    matches!(start, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}

/// Reads what lies outside tiles; made for the time of opening.
pub(super) struct TiffReader<'a> {
    pub(super) file: &'a SlideFile,
    order: ByteOrder,
    big: bool,
    first: u64,
    budget: u64,
}

/// One directory: an image with its tags.
#[derive(Debug)]
pub(super) struct Directory {
    /// How messages call it: `directory 3`, `directory 0, sub-directory 1`.
    pub(super) name: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    tag: u16,
    code: u64,
    count: u64,
    /// The values themselves where they fit, else their offset.
    value: [u8; 8],
}

impl Directory {
    /// Whether it has a tag.
    pub(super) fn has(&self, tag: u16) -> bool {
        self.entry(tag).is_some()
    }

    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

impl<'a> TiffReader<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`SlideError::Broken`] for a header that is cut off or contradicts itself.
    pub(super) fn new(file: &'a SlideFile) -> Result<Self> {
        let start = file.read_exact_at(0, file.len().min(HEADER_LENGTH))?;
        let order = match start.get(..2) {
            Some(b"II") => ByteOrder::Little,
            Some(b"MM") => ByteOrder::Big,
            _ => return Err(file.broken("it does not begin with II or MM")),
        };
        let number = |from: usize, to: usize| {
            let bytes = start.get(from..to);
            bytes.map(|b| order.number(b)).ok_or_else(|| file.broken("its header is cut off"))
        };
        let big = number(2, 4)? == 43;
        if big && (number(4, 6)? != 8 || number(6, 8)? != 0) {
            return Err(file.broken("its BigTIFF header does not state offsets of 8 bytes"));
        }
        let first = if big { number(8, 16)? } else { number(4, 8)? };
        let budget = file.len().saturating_mul(4).saturating_add(1 << 16);
        Ok(Self { file, order, big, first, budget })
    }

    /// All directories: the chain, each followed by its sub-directories.
    ///
    /// # Errors
    /// [`SlideError::Broken`] for offsets that loop or leave the file, a cut-off directory, or a
    /// file without any.
    pub(super) fn directories(&mut self) -> Result<Vec<Directory>> {
        if self.first == 0 {
            return Err(self.file.broken("it has no directory, so no image"));
        }
        let mut seen = HashSet::new();
        let mut directories = Vec::new();
        let mut next = self.first;
        let mut number = 0;
        while next != 0 {
            let (directory, following) =
                self.directory(next, format!("directory {number}"), &mut seen)?;
            let below = self.sub_directories(&directory, &mut seen)?;
            directories.push(directory);
            directories.extend(below);
            next = following;
            number += 1;
        }
        Ok(directories)
    }

    fn sub_directories(
        &mut self,
        parent: &Directory,
        seen: &mut HashSet<u64>,
    ) -> Result<Vec<Directory>> {
        let Some(offsets) = self.values(parent, tag::SUB_IFDS)? else { return Ok(Vec::new()) };
        let mut directories = Vec::new();
        for index in 0..offsets.len() {
            let name = format!("{}, sub-directory {index}", parent.name);
            let Some(offset) = offsets.unsigned(index) else {
                return Err(self.wrong_type(parent, tag::SUB_IFDS));
            };
            // A following directory of a sub-directory has no meaning that all writers share.
            directories.push(self.directory(offset, name, seen)?.0);
        }
        Ok(directories)
    }

    /// One directory and the offset of the next.
    fn directory(
        &mut self,
        offset: u64,
        name: String,
        seen: &mut HashSet<u64>,
    ) -> Result<(Directory, u64)> {
        if !seen.insert(offset) {
            return Err(self.file.broken(format!(
                "{name} at offset {offset} is one that was met before: the offsets form a loop"
            )));
        }
        if seen.len() > MAXIMUM_DIRECTORIES {
            let what = format!("it holds more than {MAXIMUM_DIRECTORIES} images");
            return Err(self.file.unsupported(what));
        }
        let (count_size, entry_size, next_size) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let what = || format!("{name} at offset {offset}");
        let count = self.read(offset, count_size, what)?;
        let length = self.order.number(&count).saturating_mul(entry_size).saturating_add(next_size);
        let bytes = self.read(offset.saturating_add(count_size), length, what)?;
        let (table, next) = bytes.split_at(bytes.len() - next_size as usize);
        let entries = table.chunks_exact(entry_size as usize).map(|e| self.entry(e)).collect();
        Ok((Directory { name, entries }, self.order.number(next)))
    }

    fn entry(&self, bytes: &[u8]) -> Entry {
        let (head, value) = bytes.split_at(if self.big { 12 } else { 8 });
        let mut padded = [0; 8];
        padded.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
        Entry {
            tag: self.order.number(&head[..2]) as u16,
            code: self.order.number(&head[2..4]),
            count: self.order.number(&head[4..]),
            value: padded,
        }
    }

    /// The values of a tag; `None` where the directory has no such tag.
    ///
    /// # Errors
    /// [`SlideError::Broken`] for values beyond the file's end or of an unknown type.
    pub(super) fn values(&mut self, directory: &Directory, tag: u16) -> Result<Option<Values>> {
        let Some(entry) = directory.entry(tag) else { return Ok(None) };
        let Some(kind) = FieldType::from_code(entry.code) else {
            return Err(self.wrong_type(directory, tag));
        };
        let length = entry.count.saturating_mul(kind.size() as u64);
        let word = if self.big { 8 } else { 4 };
        let bytes = if length <= word {
            entry.value.get(..length as usize).unwrap_or_default().to_vec()
        } else {
            let offset = self.order.number(entry.value.get(..word as usize).unwrap_or_default());
            self.read(offset, length, || {
                format!("{}: {} of {} values", directory.name, tag::name(tag), entry.count)
            })?
        };
        Ok(Some(Values { kind, order: self.order, bytes }))
    }

    /// A tag that is one unsigned number.
    ///
    /// # Errors
    /// As [`TiffReader::values`], and for a tag without a value or with one of another type.
    pub(super) fn number(&mut self, directory: &Directory, tag: u16) -> Result<Option<u64>> {
        let Some(values) = self.values(directory, tag)? else { return Ok(None) };
        let value = values.unsigned(0).ok_or_else(|| self.wrong_type(directory, tag))?;
        Ok(Some(value))
    }

    /// A tag's text, trimmed; one of another type counts as absent.
    ///
    /// # Errors
    /// As [`TiffReader::values`].
    pub(super) fn text(&mut self, directory: &Directory, tag: u16) -> Result<Option<String>> {
        let text = self.values(directory, tag)?.and_then(|values| values.text());
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// A tag that is one fraction; one of another type or over zero counts as absent.
    ///
    /// # Errors
    /// As [`TiffReader::values`].
    pub(super) fn real(&mut self, directory: &Directory, tag: u16) -> Result<Option<f64>> {
        Ok(self.values(directory, tag)?.and_then(|values| values.real(0)))
    }

    /// A directory says something wrong.
    pub(super) fn broken(&self, directory: &Directory, what: impl std::fmt::Display) -> SlideError {
        self.file.broken(format!("{}: {what}", directory.name))
    }

    /// A directory uses what is not supported.
    pub(super) fn unsupported(
        &self,
        directory: &Directory,
        what: impl std::fmt::Display,
    ) -> SlideError {
        self.file.unsupported(format!("{}: {what}", directory.name))
    }

    fn wrong_type(&self, directory: &Directory, tag: u16) -> SlideError {
        self.broken(directory, format!("{} has no value of a fitting type", tag::name(tag)))
    }

    /// Reads within the file and the budget; `what` is named where it does not fit.
    fn read(&mut self, offset: u64, length: u64, what: impl Fn() -> String) -> Result<Vec<u8>> {
        if !self.file.holds(offset, length) {
            let end = self.file.len();
            let what = format!("{} reaches beyond its end at {end} (is it cut off?)", what());
            return Err(self.file.broken(what));
        }
        self.budget = self.budget.checked_sub(length).ok_or_else(|| {
            self.file.broken("its directories point at the same bytes again and again")
        })?;
        self.file.read_exact_at(offset, length)
    }
}
