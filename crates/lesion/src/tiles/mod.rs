//! Tiles as image files, a folder a class, and their features.

mod cache;
mod extract;
mod folder;
mod image;
mod resample;
mod stain_jitter;
mod stain_strength;
#[cfg(test)]
mod transform_tests;

pub use extract::{BrokenTile, ExtractSettings, Progress, TileFeatures, tile_features};
pub use folder::{ClassMap, TileFile, TileFolder};
pub use image::{ImageFault, read_image};
pub use stain_jitter::StainJitter;
pub use stain_strength::{StainStrengths, StainedFeatures, stained_features, tiles_of_each_class};
