//! What names a slide's content: the digest of its bytes.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use bianque_core::{Digest, digest::DigestBuilder};

use crate::error::{Result, SlideError};

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 20;

/// The digest of a file, or of a folder's files in the order of their names.
///
/// # Errors
/// When something cannot be read.
pub fn content_digest(path: &Path) -> Result<Digest> {
    let mut builder = Digest::builder();
    if path.is_dir() {
        let failed = |source| SlideError::Io { path: path.to_owned(), source };
        let mut files: Vec<PathBuf> = fs::read_dir(path)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
            .collect::<Result<_>>()?;
        files.retain(|file| file.is_file());
        files.sort();
        for file in files {
            feed(&mut builder, &file)?;
        }
    } else {
        feed(&mut builder, path)?;
    }
    Ok(builder.finish())
}

fn feed(builder: &mut DigestBuilder, path: &Path) -> Result<()> {
    let failed = |source| SlideError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(());
        }
        builder.update(&buffer[..count]);
    }
}
