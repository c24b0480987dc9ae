//! What lies in the folder, and what of it was seen before.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bianque_slide::{OpenOptions, SlideError, content_digest, find_slides, only_dicom, open};
use serde::{Deserialize, Serialize};

use super::{
    Entry, SlideKey,
    kept::{self, Digests},
};

/// What tells that a file has changed without reading it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// Files of earlier looks.
#[derive(Default)]
pub(super) struct Seen {
    digests: Digests,
    /// Where they are kept from one run to the next.
    kept_in: Option<PathBuf>,
    /// Files that were new at the last look: they may still be written.
    fresh: HashMap<PathBuf, Stamp>,
    looked_before: bool,
}

impl Seen {
    /// What the last run had seen, and where this one keeps what it sees.
    pub(super) fn kept_in(file: PathBuf) -> Self {
        Self { digests: kept::read(&file), kept_in: Some(file), ..Self::default() }
    }

    /// The slides of `folder` now. A file that appears while the server runs is taken up once it
    /// is the same at two looks: a scanner may still be writing it.
    pub(super) fn look(&mut self, folder: &Path) -> Result<Vec<Entry>, SlideError> {
        let mut entries = Vec::new();
        let mut fresh = HashMap::new();
        let mut changed = false;
        for path in slides(folder)? {
            let Some(stamp) = stamp(&path) else { continue };
            let known = self.digests.get(&path).filter(|(before, _)| *before == stamp);
            let digest = match known {
                Some((_, digest)) => *digest,
                None if self.looked_before && self.fresh.get(&path) != Some(&stamp) => {
                    fresh.insert(path, stamp);
                    continue;
                }
                // What vanishes or cannot be read between two steps is looked for again next time.
                None => match content_digest(&path) {
                    Ok(digest) => {
                        changed = true;
                        digest
                    }
                    Err(_) => continue,
                },
            };
            self.digests.insert(path.clone(), (stamp, digest));
            let Stamp { bytes, modified } = stamp;
            entries.push(Entry { id: SlideKey::of(&digest), digest, path, bytes, modified });
        }
        let present: std::collections::HashSet<&Path> =
            entries.iter().map(|entry| entry.path.as_path()).collect();
        let before = self.digests.len();
        self.digests.retain(|path, _| present.contains(path.as_path()));
        changed |= self.digests.len() != before;
        if let Some(file) = self.kept_in.as_deref().filter(|_| changed)
            && let Err(error) = kept::write(file, &self.digests)
        {
            tracing::warn!(%error, "the next start reads every slide again");
        }
        self.fresh = fresh;
        self.looked_before = true;
        Ok(entries)
    }
}

/// Files of the folder; the folder itself where it is one DICOM series.
fn slides(folder: &Path) -> Result<Vec<PathBuf>, SlideError> {
    let found = find_slides(folder)?;
    let is_series = only_dicom(&found) && open(folder, &OpenOptions::default()).is_ok();
    Ok(if is_series { vec![folder.to_owned()] } else { found })
}

fn stamp(path: &Path) -> Option<Stamp> {
    let facts = fs::metadata(path).ok()?;
    if facts.is_dir() {
        let mut total = Stamp { bytes: 0, modified: None };
        for entry in fs::read_dir(path).ok()? {
            let facts = entry.ok()?.metadata().ok()?;
            total.bytes += facts.len();
            total.modified = total.modified.max(facts.modified().ok());
        }
        return Some(total);
    }
    Some(Stamp { bytes: facts.len(), modified: facts.modified().ok() })
}

#[cfg(test)]
mod tests {
    use bianque_core::Digest;

    use super::*;

    #[test]
    fn a_file_is_taken_up_when_it_has_stopped_changing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.svs"), b"first").unwrap();
        let mut seen = Seen::default();
        assert_eq!(seen.look(folder.path()).unwrap().len(), 1);
        fs::write(path("b.svs"), b"half").unwrap();
        assert_eq!(seen.look(folder.path()).unwrap().len(), 1);
        fs::write(path("b.svs"), b"half and half").unwrap();
        assert_eq!(seen.look(folder.path()).unwrap().len(), 1);
        let found = seen.look(folder.path()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].digest, Digest::of(b"half and half"));
        fs::remove_file(path("a.svs")).unwrap();
        assert_eq!(seen.look(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn the_next_run_reads_only_what_is_new_or_changed() {
        let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = |name: &str| folder.path().join(name);
        let kept = data.path().join("slides.json");
        fs::write(path("a.svs"), b"first").unwrap();
        fs::write(path("b.svs"), b"second").unwrap();
        Seen::kept_in(kept.clone()).look(folder.path()).unwrap();
        // As if `a` had been another file when it was read: it is not read again.
        let said = fs::read_to_string(&kept).unwrap();
        let (first, other) = (Digest::of(b"first").to_string(), Digest::of(b"other").to_string());
        fs::write(&kept, said.replace(&first, &other)).unwrap();
        fs::write(path("b.svs"), b"second, changed").unwrap();
        let found = Seen::kept_in(kept.clone()).look(folder.path()).unwrap();
        assert_eq!(found[0].digest, Digest::of(b"other"));
        assert_eq!(found[1].digest, Digest::of(b"second, changed"));
        fs::write(&kept, b"[{").unwrap();
        let found = Seen::kept_in(kept).look(folder.path()).unwrap();
        assert_eq!(found[0].digest, Digest::of(b"first"), "what cannot be read is made anew");
    }
}
