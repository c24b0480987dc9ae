//! Pictures of slides: tiles as they lie in the file wherever geometry allows, else decoded and
//! coded again.

pub(crate) mod deep_zoom;
pub(crate) mod encode;
pub(crate) mod iiif;
pub(crate) mod pass_through;

use bianque_core::{Level0, Point};
use bianque_slide::Slide;

use crate::answer::Refusal;

pub(crate) use encode::{ImageFormat, Picture};

/// Edge of a tile where the slide's own tiles are not square.
const TILE: u32 = 256;
/// Largest edge of a slide's own tiles that is offered to viewers.
const LARGEST_TILE: u32 = 1024;

/// The edge of the tiles that a slide is offered in: its own, so that they can be passed through.
pub(crate) fn tile_edge(slide: &dyn Slide) -> u32 {
    let level = slide.facts().levels.first();
    let own = level.filter(|level| level.tile_width == level.tile_height);
    own.map(|level| level.tile_width)
        .filter(|edge| (64..=LARGEST_TILE).contains(edge))
        .unwrap_or(TILE)
}

/// A square-pixelled piece of a slide: where it begins, how many level-0 pixels a pixel has, and
/// how many pixels it has.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) origin: Point<Level0>,
    pub(crate) step: f64,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Piece {
    /// The piece as JPEG: the file's own bytes where it is one of its tiles.
    pub(crate) fn jpeg(&self, slide: &dyn Slide) -> Result<Picture, Refusal> {
        if let Some(picture) = pass_through::tile(slide, self)? {
            return Ok(picture);
        }
        let image = slide.read_scaled(self.origin, self.step, self.width, self.height)?;
        encode::picture(&image, ImageFormat::Jpeg)
    }
}
