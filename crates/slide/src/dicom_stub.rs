//! Stands in until `dicom/` compiles: then delete this file and its `path` attribute in `lib.rs`.

use std::path::Path;

use crate::{
    container::Container,
    error::{Result, SlideError},
    file::SlideFile,
};

pub(crate) fn open_container(path: &Path) -> Result<Box<dyn Container>> {
    Err(SlideError::Unsupported { path: path.to_owned(), what: "DICOM".into() })
}

pub(crate) fn open_single(file: SlideFile) -> Result<Box<dyn Container>> {
    Err(file.unsupported("DICOM"))
}

pub(crate) fn recognises(head: &[u8]) -> bool {
    head.get(128..132) == Some(b"DICM")
}
