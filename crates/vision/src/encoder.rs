//! The small trait in front of every engine.

use bianque_core::{Producer, RgbImage};

use crate::{
    error::{Result, VisionError},
    recipe::Recipe,
};

/// Tiles in, feature vectors out.
pub trait Encoder: Send + Sync {
    /// How tiles must be cut and what comes out.
    fn recipe(&self) -> &Recipe;

    /// Name, version, weight digest and licence, for every output that rests on it.
    fn producer(&self) -> &Producer;

    /// Values per tile.
    fn dimension(&self) -> usize;

    /// Encodes tiles of the recipe's size, as cut from the slide (8-bit sRGB, not normalised), into
    /// `out`: tile after tile, [`Encoder::dimension`] values each. The same tiles give the same
    /// values whatever the batch and the number of threads.
    ///
    /// # Errors
    /// When a tile or `out` has the wrong size.
    fn encode(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<()>;
}

/// Refuses tiles of another size than the recipe's, and an output buffer that does not hold one
/// vector a tile.
pub(crate) fn check_sizes(encoder: &dyn Encoder, tiles: &[RgbImage], out: &[f32]) -> Result<()> {
    let expected = encoder.recipe().input.size;
    let fits = |tile: &&RgbImage| tile.width() == expected && tile.height() == expected;
    if let Some(tile) = tiles.iter().find(|tile| !fits(tile)) {
        let (width, height) = (tile.width(), tile.height());
        return Err(VisionError::TileSize { expected, width, height });
    }
    let expected = tiles.len() * encoder.dimension();
    if out.len() == expected {
        Ok(())
    } else {
        Err(VisionError::OutputSize { expected, actual: out.len() })
    }
}
