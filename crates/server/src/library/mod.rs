//! The slides of a folder, named by what they hold.
//!
//! A slide's address is the digest of its bytes: no name of a file, which may name a patient, is
//! ever part of an address, and no address leads to another file.

mod kept;
mod opened;
mod scan;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::Bound,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::SystemTime,
};

use bianque_core::Digest;

pub(crate) use self::opened::OpenedSlide;
use self::{opened::OpenedSlides, scan::Seen};
use crate::{answer::Refusal, dicomweb::Uid};

/// A slide's name in addresses: the first 128 bits of its content's digest.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlideKey([u8; 16]);

impl SlideKey {
    pub(crate) fn of(digest: &Digest) -> Self {
        let text = digest.to_string();
        let hex = text.rsplit(':').next().unwrap_or_default();
        hex.get(..32).and_then(|hex| hex.parse().ok()).unwrap_or(Self([0; 16]))
    }
}

impl fmt::Display for SlideKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for SlideKey {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let absent = || Refusal::NotFound("slide");
        if text.len() != 32 || !text.is_ascii() {
            return Err(absent());
        }
        let mut bytes = [0; 16];
        for (byte, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| absent())?;
        }
        Ok(Self(bytes))
    }
}

/// A slide that was found.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: SlideKey,
    pub(crate) digest: Digest,
    /// Where it lies. Never told to a client: it may name a patient.
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// When it was written, where the system says.
    pub(crate) modified: Option<SystemTime>,
}

/// Slides by their names in addresses.
#[derive(Default)]
struct Index {
    entries: BTreeMap<SlideKey, Entry>,
    studies: HashMap<Uid, SlideKey>,
}

/// The slides of a folder.
pub(crate) struct Library {
    folder: PathBuf,
    index: RwLock<Index>,
    seen: Mutex<Seen>,
    opened: OpenedSlides,
}

impl Library {
    /// The slides of `folder`; what is known of their files is kept in `kept_in`.
    pub(crate) fn new(folder: PathBuf, kept_in: PathBuf) -> Self {
        Self {
            folder,
            index: RwLock::default(),
            seen: Mutex::new(Seen::kept_in(kept_in)),
            opened: OpenedSlides::default(),
        }
    }

    /// Looks at the folder again: what is new or changed is digested, what is gone is forgotten.
    /// Takes as long as reading the new files does.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn rescan(&self) -> Result<(), bianque_slide::SlideError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = seen.look(&self.folder)?;
        let studies =
            entries.iter().map(|entry| (Uid::of(&entry.digest, "study"), entry.id)).collect();
        let entries = entries.into_iter().map(|entry| (entry.id, entry)).collect();
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Index { entries, studies };
        Ok(())
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Whether the folder can be reached.
    pub(crate) fn folder_is_there(&self) -> bool {
        self.folder.is_dir()
    }

    /// Every slide, in the order of their ids.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.index().entries.values().cloned().collect()
    }

    /// The next slides behind one, in the order of their ids.
    pub(crate) fn keys_after(&self, after: Option<SlideKey>, count: usize) -> Vec<SlideKey> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let index = self.index();
        index.entries.range((from, Bound::Unbounded)).take(count).map(|(key, _)| *key).collect()
    }

    pub(crate) fn entry(&self, id: SlideKey) -> Result<Entry, Refusal> {
        self.index().entries.get(&id).cloned().ok_or(Refusal::NotFound("slide"))
    }

    /// The slide that is a DICOM study.
    pub(crate) fn of_study(&self, study: &str) -> Result<SlideKey, Refusal> {
        self.index().studies.get(study).copied().ok_or(Refusal::NotFound("study"))
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The opened slide. May read the file; call it where blocking is allowed.
    pub(crate) fn open(&self, id: SlideKey) -> Result<Arc<OpenedSlide>, Refusal> {
        Ok(self.opened.get(&self.entry(id)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_32_hexadecimal_digits_and_nothing_else() {
        let digest = Digest::of(b"slide");
        let id = SlideKey::of(&digest);
        assert_eq!(id.to_string().parse::<SlideKey>().unwrap(), id);
        assert!(digest.to_string().contains(&id.to_string()));
        for bad in ["", "..", "../../etc/passwd", "0123", &"g".repeat(32), &"é".repeat(16)] {
            assert!(bad.parse::<SlideKey>().is_err(), "{bad}");
        }
    }
}
