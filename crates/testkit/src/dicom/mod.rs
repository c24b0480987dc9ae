//! A small writer of DICOM VL Whole Slide Microscopy images, for tests of readers.
//!
//! It writes what real scanners write (full and sparse tiling, native and JPEG frames, one instance
//! for each level, label and overview) and, by [`WsiInstance::changes`], also what none should.

mod data_set;
mod instance;
mod pyramid;

pub use data_set::{DataSet, Encoding, Tag, Value, tag};
pub use instance::{
    FrameCoding, FrameOrder, Identity, OffsetTable, Part, SparseOrder, WsiInstance,
};
pub use pyramid::{Pyramid, write_pyramid};
