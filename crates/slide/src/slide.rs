//! The trait that every format's reader offers.

use std::{borrow::Cow, time::Duration};

use bianque_core::{AtLevel, Level0, PixelRect, Point, RgbImage};

use crate::{error::Result, facts::SlideFacts};

/// A tile's place in its level's grid.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileIndex {
    /// From the left, from 0.
    pub column: u32,
    /// From the top, from 0.
    pub row: u32,
}

/// How a tile's bytes are coded.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// A complete baseline JPEG stream: tables joined in, colour space marked in the stream.
    Jpeg,
    /// A JPEG 2000 codestream or JP2 file whose components are RGB.
    Jpeg2000Rgb,
    /// A JPEG 2000 codestream whose components are YCbCr without saying so (Aperio 33003).
    Jpeg2000YCbCr,
    /// Pixels, interleaved, 8 bits a sample, `samples` per pixel (1 or 3), rows without padding.
    Raw {
        /// Samples per pixel.
        samples: u8,
    },
    /// As [`Codec::Raw`] behind TIFF's LZW or Deflate, with TIFF's horizontal predictor or not.
    Packed {
        /// Samples per pixel.
        samples: u8,
        /// True for LZW, false for Deflate (zlib).
        lzw: bool,
        /// Horizontal differencing (TIFF 6.0, section 14).
        predictor: bool,
    },
}

/// A tile as it lies in the file.
#[derive(Clone, Debug)]
pub struct RawTile<'a> {
    /// The coded bytes; for [`Codec::Jpeg`] a stream that any decoder takes.
    pub bytes: Cow<'a, [u8]>,
    /// How they are coded.
    pub codec: Codec,
    /// Width of the coded tile; edge tiles may reach beyond the level.
    pub width: u32,
    /// Height of the coded tile.
    pub height: u32,
}

/// A slide: one pyramid of tiles, whatever its vendor.
///
/// Every call may come from many threads at once. Regions may reach outside the slide: what lies
/// outside, and tiles that the file leaves out, are white.
pub trait Slide: Send + Sync {
    /// What is known without decoding.
    fn facts(&self) -> &SlideFacts;

    /// The bytes of a tile as they lie in the file; `None` for a tile that the file leaves out.
    ///
    /// # Errors
    /// When the level or tile does not exist, or the file cannot be read there.
    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>>;

    /// Pixels of a region of one level, in that level's own pixels.
    ///
    /// # Errors
    /// When the level does not exist, the region is too large for memory, or a tile is broken.
    fn read_region(&self, level: usize, region: PixelRect<AtLevel>) -> Result<RgbImage>;

    /// `width` x `height` pixels at `mpp` microns per pixel whose left top corner is at `origin`.
    /// Reads from the level at or above that resolution, decoding at reduced size where it can.
    ///
    /// # Errors
    /// As [`Slide::read_region`], and [`crate::SlideError::NoMpp`] where the slide has no scale.
    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage>;

    /// `width` x `height` pixels of `step` level-0 pixels each, whose left top corner is at
    /// `origin`: as [`Slide::read_at_mpp`], for slides without a scale and for pictures of them.
    ///
    /// # Errors
    /// As [`Slide::read_region`], and when `step` is not finite or below 1/64.
    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage>;

    /// The whole slide with its longest side brought to `longest` pixels, never enlarged.
    ///
    /// # Errors
    /// As [`Slide::read_scaled`].
    fn thumbnail(&self, longest: u32) -> Result<RgbImage> {
        let bounds = self.facts().bounds();
        let step =
            (f64::from(bounds.width.max(bounds.height)) / f64::from(longest.max(1))).max(1.0);
        let pixels = |length: u32| ((f64::from(length) / step).round() as u32).max(1);
        self.read_scaled(Point::new(0.0, 0.0), step, pixels(bounds.width), pixels(bounds.height))
    }

    /// Time that resizing of decoded pixels has taken so far, summed over threads; nothing where it
    /// is not measured.
    fn resize_time(&self) -> Duration {
        Duration::ZERO
    }

    /// An associated image by its name in [`SlideFacts::associated`].
    ///
    /// # Errors
    /// When there is none of that name, or it is broken.
    fn associated_image(&self, name: &str) -> Result<RgbImage>;
}
