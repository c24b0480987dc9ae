//! Pictures: writing files, the heatmap with scale bar and legend.

mod encode;
mod heatmap;
mod text;

pub(crate) use encode::{data_uri_jpeg, data_uri_rgba, write};
pub(crate) use heatmap::{HeatCell, HeatLayer, annotated};
