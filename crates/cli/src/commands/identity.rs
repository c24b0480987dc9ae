//! What names a slide's content: the digest of its bytes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;
use bianque_core::{Digest, digest::DigestBuilder};

/// The digest of a file, or of a folder's files in the order of their names.
pub(crate) fn digest(path: &Path) -> anyhow::Result<Digest> {
    let mut builder = Digest::builder();
    if path.is_dir() {
        let mut files: Vec<PathBuf> = std::fs::read_dir(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
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

fn feed(builder: &mut DigestBuilder, path: &Path) -> anyhow::Result<()> {
    let reading = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).with_context(reading)?;
        if count == 0 {
            return Ok(());
        }
        builder.update(&buffer[..count]);
    }
}
