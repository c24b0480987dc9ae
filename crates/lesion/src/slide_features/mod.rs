//! From a slide to the features of its tiles, kept on disk.

mod grid;
mod pipeline;
mod rows;
mod shards;
mod store;

pub use grid::{Cell, TileGrid, TissueEverywhere, TissueMap, tissue_cells};
pub use pipeline::{SlideExtraction, SlideRequest, Timing, slide_features};
pub use rows::FeatureRows;
pub use store::{FeatureFacts, LeftOut, SlideFeatures};

#[cfg(test)]
pub(crate) use grid::tests as grid_tests;
#[cfg(test)]
pub(crate) use store::tests as store_tests;
