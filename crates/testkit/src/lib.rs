//! Synthetic slides with planted truth, format fixtures and broken files, for tests, benchmarks and the demo.

pub mod artefacts;
mod cluster;
pub mod dicom;
mod ending;
mod error;
pub mod faulty_files;
pub mod histology;
mod pyramid;
pub mod surroundings;
mod svs;
pub mod tiff_writer;

pub use cluster::{Certificate, Cluster};
pub use ending::Ending;
pub use error::{Result, TestkitError};
pub use histology::{SlideRecipe, SyntheticSlide, Truth, render_region};
pub use svs::{write_svs, write_svs_with_progress};
