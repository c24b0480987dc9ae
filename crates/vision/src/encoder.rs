//! The small trait in front of every engine.

use bianque_core::{Producer, RgbImage};

use crate::{
    error::{Result, VisionError},
    recipe::Recipe,
};

/// How tiles are best handed to an encoder.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Feeding {
    /// Tiles of one call.
    pub tiles: usize,
    /// Calls at the same time, so that it has the next tiles when it is done with these.
    pub calls: usize,
}

/// The parts of a tile for which an encoder gives a vector each: patches of a transformer, places
/// of the last feature map of a convolutional network.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TokenGrid {
    /// Parts along a tile's edge.
    pub edge: usize,
    /// Values of a part's vector.
    pub dimension: usize,
    /// Whether a tile's vector is the mean of its parts' vectors. Only then a head of tiles says
    /// something of a part: a linear one's logits are then means of its parts' as well.
    pub averages: bool,
}

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

    /// How tiles are best handed over; unless the engine says otherwise, a few to every thread.
    fn feeding(&self) -> Feeding {
        Feeding { tiles: 16, calls: rayon::current_num_threads() }
    }

    /// Whether it computes on a GPU, where only whole tiles are encoded: parts and attention are the
    /// processor's.
    fn on_gpu(&self) -> bool {
        false
    }

    /// The parts of a tile, where the engine gives them.
    fn tokens(&self) -> Option<TokenGrid> {
        None
    }

    /// As [`Encoder::encode`], and the vectors of each tile's parts into `tokens`: tile after tile,
    /// row by row, [`TokenGrid::dimension`] values each, after the network's last norm.
    ///
    /// # Errors
    /// As [`Encoder::encode`], and when the encoder has no parts.
    fn encode_with_tokens(
        &self,
        tiles: &[RgbImage],
        out: &mut [f32],
        tokens: &mut [f32],
    ) -> Result<()> {
        let _ = (tiles, out, tokens);
        Err(VisionError::NoTokens { encoder: self.producer().name.clone() })
    }

    /// Parts along a tile's edge that the class token attends to, where there is one.
    fn attention_edge(&self) -> Option<usize> {
        None
    }

    /// How much the class token attends to each part of a tile in the last layer, the mean over
    /// heads: tile after tile, row by row. It tells what the encoder looked at, not where a lesion
    /// is.
    ///
    /// # Errors
    /// As [`Encoder::encode`], and when the encoder has no class token.
    fn attention(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<()> {
        let _ = (tiles, out);
        Err(VisionError::NoAttention { encoder: self.producer().name.clone() })
    }
}

/// Refuses a buffer of another length.
pub(crate) fn check_length(out: &[f32], expected: usize) -> Result<()> {
    if out.len() == expected {
        Ok(())
    } else {
        Err(VisionError::OutputSize { expected, actual: out.len() })
    }
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
    check_length(out, tiles.len() * encoder.dimension())
}
