//! What can go wrong with an encoder, by who must act.

use std::path::PathBuf;

/// Why an encoder could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said; part of the message already, so no source beside it.
        cause: std::io::Error,
    },
    /// The recipe is malformed or contradicts itself.
    #[error("recipe {path}: {what}")]
    Recipe {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The weights do not fit the recipe, or are not those that it names.
    #[error("weights {path}: {what}")]
    Weights {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file that is whole, as far as can be seen, of a kind or with content that is not read: the
    /// same file fetched again is no better.
    #[error("weights {path}: {what}")]
    NotRead {
        /// Which file.
        path: PathBuf,
        /// What it is or asks for, and what can be done.
        what: String,
    },
    /// A library that a model needs is not there, or fails.
    #[error("{what}")]
    Runtime {
        /// What is missing or went wrong, and what to do.
        what: String,
    },
    /// The caller gave tiles of another size than the recipe's.
    #[error("the encoder takes tiles of {expected} x {expected} px, got {width} x {height}")]
    TileSize {
        /// What the recipe asks for.
        expected: u32,
        /// What was given.
        width: u32,
        /// What was given.
        height: u32,
    },
    /// The caller's output buffer does not hold one vector a tile.
    #[error("the output buffer holds {actual} values, {expected} are needed")]
    OutputSize {
        /// Tiles times dimension.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// Vectors of a tile's parts were asked of an encoder that gives none.
    #[error("the encoder {encoder} gives no vectors of a tile's parts, only of whole tiles")]
    NoTokens {
        /// Which encoder.
        encoder: String,
    },
    /// Something of a tile's parts was asked of an encoder on a GPU.
    #[error(
        "the encoder {encoder} is on a GPU, which encodes whole tiles; {what}: on the CPU only"
    )]
    OnlyOnCpu {
        /// Which encoder.
        encoder: String,
        /// What was asked.
        what: &'static str,
    },
    /// Attention was asked of an encoder that has none.
    #[error("the encoder {encoder} has no attention: only transformers with a class token do")]
    NoAttention {
        /// Which encoder.
        encoder: String,
    },
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, VisionError>;
