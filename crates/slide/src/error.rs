//! What can go wrong with a slide, by who must act.

use std::path::PathBuf;

/// Why a slide could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum SlideError {
    /// The file cannot be read: the person or the site must act.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No reader knows this file.
    #[error("{path} is not a slide that Bianque reads: {why}")]
    NotASlide {
        /// Which file.
        path: PathBuf,
        /// What was looked for.
        why: String,
    },
    /// The format is known, but this file is truncated, lying or broken.
    #[error("{path} is broken: {what}")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// The format is known and intact, but uses something that is not supported.
    #[error("{path} uses what is not supported: {what}")]
    Unsupported {
        /// Which file.
        path: PathBuf,
        /// What it uses.
        what: String,
    },
    /// A tile's bytes do not decode.
    #[error("tile at column {column}, row {row} of level {level} does not decode: {what}")]
    Tile {
        /// Which level.
        level: usize,
        /// Which column.
        column: u32,
        /// Which row.
        row: u32,
        /// What the decoder said.
        what: String,
    },
    /// An associated image's bytes do not decode.
    #[error("associated image '{name}' does not decode: {what}")]
    Associated {
        /// Its name.
        name: String,
        /// What the decoder said.
        what: String,
    },
    /// The caller asked for what the slide does not have.
    #[error("the request is outside the slide: {0}")]
    Request(String),
    /// A physical resolution is needed and the slide states none.
    #[error("the slide states no microns per pixel: give one, for example --mpp 0.25")]
    NoMpp,
}

/// The crate's result.
pub(crate) type Result<T> = std::result::Result<T, SlideError>;
