//! What can go wrong with a package, by who must act.

use std::path::PathBuf;

use bianque_core::Digest;

/// Why a package cannot be read, written or trusted.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file cannot be read or written: the person or the site must act.
    #[error("cannot access {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The stream that the package comes from broke.
    #[error("the package cannot be read on: {0}")]
    Stream(std::io::Error),
    /// It ends too early: the transfer broke; get it again.
    #[error("the package ends in the middle of {0}: get the file again from where it came")]
    Truncated(String),
    /// It is no package.
    #[error("this is no package: {0}")]
    NotAPackage(String),
    /// It is a package of a later program: update this one.
    #[error("the package has the schema '{0}', which this version does not know: update bianque")]
    Schema(String),
    /// It breaks the format's rules: whoever made it must act.
    #[error("the package is malformed: {0}; ask its maker for a sound one")]
    Malformed(String),
    /// Something in it is not what its manifest states: it was changed or damaged on the way.
    #[error(
        "{entry} was changed after the package was made: its digest is {has}, the manifest states \
         {states}; get the file again from its maker"
    )]
    Altered {
        /// Which entry.
        entry: String,
        /// The digest of what is there.
        has: Digest,
        /// The digest that the manifest states.
        states: Digest,
    },
    /// The signature does not belong to the manifest: somebody changed one of them.
    #[error(
        "the signature by key {key} does not fit the manifest: one of them was changed; do not use \
         this package, get it again from its maker"
    )]
    Signature {
        /// The key that the signature names.
        key: crate::KeyId,
    },
    /// A file is no key, or not of the kind that is needed.
    #[error("key {path}: {what}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// What was to be packed breaks the format's rules: whoever packs must act.
    #[error("cannot pack: {0}")]
    Content(String),
    /// The person stopped it.
    #[error("interrupted; nothing was left behind")]
    Interrupted,
}

/// What this crate's functions give.
pub type Result<T> = std::result::Result<T, PackageError>;

/// Attaches a path to what the system said.
pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> PackageError + '_ {
    |source| PackageError::Io { path: path.to_owned(), source }
}
