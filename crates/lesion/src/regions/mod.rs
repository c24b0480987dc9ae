//! From tile probabilities to outlined lesions.

mod extract;
mod geojson;
mod map;
mod morphology;
mod peaks;
mod settings;
mod token_map;

pub use extract::{Evidence, Peak, Region, find_regions};
pub use geojson::{peaks_of, regions_to_features, regions_to_geojson};
pub use map::ProbabilityMap;
pub use settings::RegionSettings;
pub use token_map::TokenLogits;

#[cfg(test)]
pub(crate) use map::tests as map_tests;
