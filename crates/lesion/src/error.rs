//! What can go wrong between tiles and lesions, by who must act.

use std::path::PathBuf;

use bianque_core::geojson::GeoJsonError;

/// Why a head could not be trained, a slide not be judged, or a result not be measured.
#[derive(Debug, thiserror::Error)]
pub enum LesionError {
    /// A file or folder cannot be read or written: the person or the site must act.
    #[error("cannot access {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A task folder is malformed or contradicts itself: whoever made the task must act.
    #[error("task {path}: {what}")]
    Task {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A head's weights are broken or not those that the task names.
    #[error("head {path}: {what}")]
    Head {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A features file is broken; delete it and run again.
    #[error("features {path}: {what}; delete the file to have it made again")]
    FeatureFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Features of one encoder were given to a head of another.
    #[error(
        "the head takes {expected} values a tile, the features have {actual}: they come from different encoders"
    )]
    Dimension {
        /// What the head takes.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// A feature that is no number.
    #[error("feature {column} of tile {row} is not finite")]
    NotFinite {
        /// Which tile.
        row: usize,
        /// Which value.
        column: usize,
    },
    /// The data do not suffice for what was asked: whoever gave them must act.
    #[error("{0}")]
    Data(String),
    /// A setting is out of its range.
    #[error("{0}")]
    Setting(String),
    /// A GeoJSON file is malformed.
    #[error("{path}: {source}")]
    GeoJson {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: GeoJsonError,
    },
    /// The slide cannot be read.
    #[error(transparent)]
    Slide(#[from] bianque_slide::SlideError),
    /// The encoder cannot run.
    #[error(transparent)]
    Vision(#[from] bianque_vision::VisionError),
    /// The person stopped the run; what was finished is kept and taken up by the next run.
    #[error("stopped; run the same command again to continue")]
    Cancelled,
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, LesionError>;
