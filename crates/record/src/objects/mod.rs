//! Large outputs, named by their content: files of a folder, or objects of a bucket.

#[cfg(feature = "object-store")]
mod bucket;
mod folder;
mod place;

use std::io::Read;

use bianque_core::Digest;

#[cfg(feature = "object-store")]
pub use self::bucket::ObjectBucket;
pub use self::{folder::ObjectFolder, place::ObjectPlace};
use crate::Result;

/// A place for large outputs. What is put is never changed.
///
/// No async: whoever serves requests calls from a thread that may block.
pub trait ObjectStore: Send + Sync {
    /// Keeps what `content` gives; the same content twice is kept once.
    ///
    /// # Errors
    /// When it cannot be read or written; then nothing is kept.
    fn put(&self, content: &mut dyn Read) -> Result<Digest>;

    /// The content of a digest, checked against it.
    ///
    /// # Errors
    /// [`crate::RecordError::NotFound`]; [`crate::RecordError::Damaged`] when what is kept is
    /// something else.
    fn get(&self, digest: Digest, longest: u64) -> Result<Vec<u8>>;

    /// Whether what is kept under a digest is what it was; however long it is, it is never held whole.
    ///
    /// # Errors
    /// As [`ObjectStore::get`].
    fn check(&self, digest: Digest) -> Result<()>;
}

/// Folder and name of an object: `ab/cdef…`.
fn place_of(digest: Digest) -> (String, String) {
    let text = digest.to_string();
    let digits = text.trim_start_matches("blake3:");
    let (folder, name) = digits.split_at(2.min(digits.len()));
    (folder.to_owned(), name.to_owned())
}
