//! From a slide to the features of its tiles, kept on disk.

mod ahead;
mod cut;
mod grid;
mod lane;
mod output;
mod pass;
mod pipeline;
mod queue;
mod rows;
mod shards;
mod side_by_side;
mod store;
mod timing;

pub use ahead::{ReadAhead, read_ahead};
pub use grid::{Cell, TileGrid, TissueEverywhere, TissueMap, tissue_cells};
pub use pass::{EncoderRequest, PassRequest, SlideExtraction, TokenRequest, encode_slide};
pub use pipeline::{SlideRequest, slide_features};
pub use rows::FeatureRows;
pub(crate) use side_by_side::{joined_digest, joined_encoder};
pub use store::{FeatureFacts, LeftOut, SlideFeatures};
pub use timing::Timing;

#[cfg(test)]
pub(crate) use grid::tests as grid_tests;
#[cfg(test)]
pub(crate) use store::tests as store_tests;
#[cfg(test)]
mod pass_tests;
