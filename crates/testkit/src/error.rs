//! What can go wrong while writing test material.

use std::path::PathBuf;

/// Why a fixture or sample slide could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// The file cannot be written: the person or the machine must act.
    #[error("cannot write {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A tile does not encode.
    #[error("a tile does not encode: {0}")]
    Encode(String),
    /// The caller asked for what cannot be made.
    #[error("cannot make this: {0}")]
    Request(String),
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, TestkitError>;
