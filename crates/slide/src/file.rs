//! A slide's file, opened for reads at a position: from many threads at once, never beyond its end.
//!
//! The file is not mapped: a map of a file that another program truncates ends the process, and
//! reading at a position needs no `unsafe`.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use crate::error::{Result, SlideError};

/// A file of known length that is read at positions.
#[derive(Debug)]
pub(crate) struct SlideFile {
    path: PathBuf,
    length: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    File(File),
    Memory(Vec<u8>),
}

impl SlideFile {
    /// Opens a regular file.
    ///
    /// # Errors
    /// [`SlideError::Io`] when it is missing or may not be read, [`SlideError::NotASlide`] when it
    /// is a folder, pipe or device.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |source| SlideError::Io { path: path.to_owned(), source };
        // Asked before opening: to open a pipe would wait for a writer.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            let why = if metadata.is_dir() { "it is a folder" } else { "it is no regular file" };
            return Err(SlideError::NotASlide { path: path.to_owned(), why: why.into() });
        }
        let file = File::open(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), length: metadata.len(), source: Source::File(file) })
    }

    /// Bytes in memory as if they were a file; `name` stands in messages.
    pub(crate) fn from_bytes(name: &str, bytes: Vec<u8>) -> Self {
        Self { path: name.into(), length: bytes.len() as u64, source: Source::Memory(bytes) }
    }

    /// Length in bytes when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether `length` bytes at `offset` lie inside the file.
    pub(crate) fn holds(&self, offset: u64, length: u64) -> bool {
        offset.checked_add(length).is_some_and(|end| end <= self.length)
    }

    /// Exactly `length` bytes at `offset`, checked against the file's length before allocating.
    ///
    /// # Errors
    /// [`SlideError::Broken`] when they reach beyond the file's end, [`SlideError::Io`] when the
    /// system cannot read.
    pub(crate) fn read_exact_at(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.check(offset, length)?;
        let size = usize::try_from(length).map_err(|_| self.beyond(offset, length))?;
        let mut bytes = vec![0; size];
        self.read_into(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// As [`SlideFile::read_exact_at`].
    pub(crate) fn read_into(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.check(offset, buffer.len() as u64)?;
        match &self.source {
            Source::File(file) => self.fill(file, offset, buffer),
            Source::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let part = bytes.get(start..).and_then(|rest| rest.get(..buffer.len()));
                buffer.copy_from_slice(part.ok_or_else(|| self.beyond(offset, 0))?);
                Ok(())
            }
        }
    }

    /// This file is broken: `what`, with the place.
    pub(crate) fn broken(&self, what: impl Into<String>) -> SlideError {
        SlideError::Broken { path: self.path.clone(), what: what.into() }
    }

    /// This file uses what is not supported: `what`.
    pub(crate) fn unsupported(&self, what: impl Into<String>) -> SlideError {
        SlideError::Unsupported { path: self.path.clone(), what: what.into() }
    }

    fn fill(&self, file: &File, mut offset: u64, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            match read_at(file, buffer, offset) {
                Ok(0) => return Err(self.broken("it became shorter while it was read")),
                Ok(count) => {
                    buffer = buffer.get_mut(count..).unwrap_or_default();
                    offset = offset.saturating_add(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(SlideError::Io { path: self.path.clone(), source }),
            }
        }
        Ok(())
    }

    fn check(&self, offset: u64, length: u64) -> Result<()> {
        if self.holds(offset, length) { Ok(()) } else { Err(self.beyond(offset, length)) }
    }

    fn beyond(&self, offset: u64, length: u64) -> SlideError {
        self.broken(format!(
            "{length} bytes at offset {offset} reach beyond its end at {} (is it truncated?)",
            self.length
        ))
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_beyond_the_end_is_refused_before_it_allocates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        for file in [
            SlideFile::open(&path).unwrap(),
            SlideFile::from_bytes("memory", b"0123456789".to_vec()),
        ] {
            assert_eq!(file.read_exact_at(2, 3).unwrap(), b"234");
            assert_eq!(file.read_exact_at(10, 0).unwrap(), b"");
            for (offset, length) in [(0, 11), (11, 0), (10, 1), (u64::MAX, 1), (1, u64::MAX)] {
                let error = file.read_exact_at(offset, length).unwrap_err();
                assert!(matches!(error, SlideError::Broken { .. }), "{error}");
            }
        }
    }

    #[test]
    fn a_file_that_shrinks_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        let file = SlideFile::open(&path).unwrap();
        std::fs::write(&path, [7; 10]).unwrap();
        assert!(matches!(file.read_exact_at(0, 100), Err(SlideError::Broken { .. })));
    }

    #[test]
    fn a_missing_file_and_a_folder_differ() {
        let folder = tempfile::tempdir().unwrap();
        let missing = SlideFile::open(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, SlideError::Io { .. }));
        let not_a_file = SlideFile::open(folder.path()).unwrap_err();
        assert!(matches!(not_a_file, SlideError::NotASlide { .. }));
    }
}
