//! The seam between a vendor's container and pixels.
//!
//! A container knows where tiles lie and how they are coded; it never decodes one. The pyramid in
//! `pyramid.rs` decodes, caches, joins and resizes; it knows no vendor.

use crate::{
    error::Result,
    facts::SlideFacts,
    slide::{RawTile, TileIndex},
};

/// A parsed file of some vendor.
pub(crate) trait Container: Send + Sync {
    /// What is known without decoding.
    fn facts(&self) -> &SlideFacts;

    /// To add what is found later (the user's mpp, warnings).
    fn facts_mut(&mut self) -> &mut SlideFacts;

    /// The bytes of a tile; `None` where the file leaves it out.
    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>>;

    /// The tiles of an associated image with its size, in raster order: usually one strip or tile.
    fn associated(&self, name: &str) -> Result<AssociatedTiles<'_>>;
}

/// An associated image, still coded.
pub(crate) struct AssociatedTiles<'a> {
    /// Width of the whole image.
    pub(crate) width: u32,
    /// Height of the whole image.
    pub(crate) height: u32,
    /// Width of one tile; strips are as wide as the image.
    pub(crate) tile_width: u32,
    /// Height of one tile.
    pub(crate) tile_height: u32,
    /// Tiles in raster order; `None` where one is left out.
    pub(crate) tiles: Vec<Option<RawTile<'a>>>,
}
