//! What the last run knew of the folder, so that a start need not read every slide again.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

use super::scan::Stamp;

/// A file as it was, by its path.
#[derive(Serialize, Deserialize)]
struct Kept {
    path: String,
    stamp: Stamp,
    digest: Digest,
}

pub(super) type Digests = HashMap<PathBuf, (Stamp, Digest)>;

/// Reads what was kept. What is absent or cannot be read costs only time.
pub(super) fn read(file: &Path) -> Digests {
    let kept = fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let kept: Vec<Kept> = kept.unwrap_or_default();
    kept.into_iter().map(|kept| (kept.path.into(), (kept.stamp, kept.digest))).collect()
}

/// Keeps it, all or nothing.
pub(super) fn write(file: &Path, digests: &Digests) -> io::Result<()> {
    let line = |(path, (stamp, digest)): (&PathBuf, &(Stamp, Digest))| {
        let path = path.to_str()?.to_owned();
        Some(Kept { path, stamp: *stamp, digest: *digest })
    };
    let mut kept: Vec<Kept> = digests.iter().filter_map(line).collect();
    kept.sort_by(|a, b| a.path.cmp(&b.path));
    let half = file.with_extension("part");
    fs::write(&half, serde_json::to_vec(&kept)?)?;
    fs::rename(&half, file)
}
