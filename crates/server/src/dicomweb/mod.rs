//! A folder's slides as DICOM VL Whole Slide Microscopy instances, one a level.
//!
//! DICOM PS3.3 section A.32.8 (the object), PS3.18 (DICOMweb: QIDO-RS, WADO-RS). A slide is a study
//! with one series; a level is an instance whose frames are the file's own tiles in TILED_FULL
//! order. Everything that is said of a slide comes from its file; nothing names a patient.

pub(crate) mod accept;
pub(crate) mod annotations;
pub(crate) mod bulk_data;
pub(crate) mod confirmed;
pub(crate) mod data_set;
mod description;
pub(crate) mod document;
mod frame;
pub(crate) mod instance;
mod json_model;
pub(crate) mod multipart;
pub(crate) mod part10;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod stored;
pub(crate) mod structured_report;
pub(crate) mod summary;
mod tags;
mod uid;
pub(crate) mod viewport;
pub(crate) mod whole;

pub(crate) use description::metadata;
pub(crate) use frame::{frame, rendered};
pub(crate) use instance::Series;
pub(crate) use uid::Uid;
