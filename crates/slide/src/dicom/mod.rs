//! DICOM VL Whole Slide Microscopy images: a file or a folder as one pyramid.
//!
//! The reader is our own and small, because a header element may claim any length and general
//! readers allocate first and look later. Here nothing is allocated that the file's remaining bytes
//! do not justify, only the elements of [`dictionary`] are kept, and pixel data is never loaded by
//! opening.
//!
//! What is read: Part 10 files (PS3.10, section 7) in implicit and explicit VR little endian with
//! native, JPEG baseline and JPEG 2000 pixel data. A file without the Part 10 preamble is refused:
//! its transfer syntax would have to be guessed, and whole-slide images are younger than Part 10.
//!
//! One file of a series stands for the series: the other instances of the same `SeriesInstanceUID`
//! (and `PyramidUID`, where both state one) in the same folder are its other levels and its label,
//! as `OpenSlide` does it. A folder that holds several pyramids is refused, never guessed.

mod container;
mod data_set;
mod dictionary;
mod element;
mod facts;
mod frames;
mod instance;
mod jpeg_colour;
mod layout;
mod part10;
mod pixels;
mod series;
mod tiled_image;

use std::path::Path;

use crate::{container::Container, error::Result, file::SlideFile};

/// Opens a file or a folder as one pyramid.
///
/// # Errors
/// When it is no DICOM whole-slide image, is broken, or uses what is not supported.
pub(crate) fn open_container(path: &Path) -> Result<Box<dyn Container>> {
    Ok(Box::new(container::DicomSlide::new(series::collect(path)?)?))
}

/// Opens one file alone, whatever lies beside it: for bytes in memory.
///
/// # Errors
/// As [`open_container`].
pub(crate) fn open_single(file: SlideFile) -> Result<Box<dyn Container>> {
    Ok(Box::new(container::DicomSlide::new(series::single(file)?)?))
}

/// Whether a file that begins with these bytes (132 suffice) is a DICOM Part 10 file.
pub(crate) fn recognises(head: &[u8]) -> bool {
    head.get(128..132) == Some(b"DICM")
}
