//! Synthetic slides with planted truth, format fixtures and broken files, for tests, benchmarks and the demo.

mod error;
pub mod tiff_writer;

pub use error::{Result, TestkitError};
