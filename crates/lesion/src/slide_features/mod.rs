//! From a slide to the features of its tiles, kept on disk.

mod grid;

pub use grid::{Cell, TileGrid, TissueEverywhere, TissueMap, tissue_cells};

#[cfg(test)]
pub(crate) use grid::tests as grid_tests;
