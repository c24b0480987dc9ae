//! Writing a package: the same content gives the same bytes.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

use crate::{
    MANIFEST_FILE, SIGNATURE_FILE, archive,
    error::{PackageError, Result},
    key::SecretKey,
    manifest::Manifest,
    name::EntryName,
    reader::copy_checked,
    signature::Signature,
};

/// Where an entry's bytes come from when they are written.
pub type Content<'a> = BTreeMap<EntryName, Box<dyn Read + 'a>>;

/// Writes a package; without a key it is not signed.
///
/// # Errors
/// When a stream breaks, or an entry is missing or not what the manifest states.
pub fn write_package(
    out: &mut dyn Write,
    manifest: &Manifest,
    key: Option<&SecretKey>,
    mut content: Content<'_>,
) -> Result<()> {
    let bytes = manifest.to_bytes();
    write_small(out, MANIFEST_FILE, &bytes)?;
    if let Some(key) = key {
        let signature = Signature::sign(manifest.digest(), key);
        write_small(out, SIGNATURE_FILE, &signature.to_bytes())?;
    }
    for entry in &manifest.entries {
        let Some(mut source) = content.remove(&entry.name) else {
            return Err(PackageError::Content(format!("{} is not among the files", entry.name)));
        };
        archive::write_header(out, entry.name.as_str(), entry.bytes)
            .map_err(PackageError::Stream)?;
        copy_checked(&mut source, out, entry, &|| false)?;
        archive::write_padding(out, entry.bytes).map_err(PackageError::Stream)?;
    }
    archive::write_end(out).map_err(PackageError::Stream)
}

fn write_small(out: &mut dyn Write, name: &str, bytes: &[u8]) -> Result<()> {
    let length = bytes.len() as u64;
    archive::write_header(out, name, length)
        .and_then(|()| out.write_all(bytes))
        .and_then(|()| archive::write_padding(out, length))
        .map_err(PackageError::Stream)
}
