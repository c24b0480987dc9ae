//! Pictures: writing files, the heatmap with scale bar and legend, the contact sheet of a check.

mod contact_sheet;
mod draw;
mod encode;
mod heatmap;
mod text;

pub(crate) use contact_sheet::{CROP, Crop, contact_sheet};
pub(crate) use encode::{data_uri_jpeg, data_uri_rgba, jpeg_bytes, write};
pub(crate) use heatmap::{HeatCell, HeatLayer, annotated};
