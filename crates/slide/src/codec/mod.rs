//! From a tile's bytes to RGB pixels, at full size or reduced.
//!
//! Every decoder first reads the size that the stream itself states ([`coded_size`]); the caller
//! compares it with the place that the tile fills before a byte is allocated for it.

mod jpeg;
mod jpeg2000;
#[cfg(not(feature = "turbojpeg"))]
mod jpeg_pure;
mod jpeg_tables;
#[cfg(feature = "turbojpeg")]
mod jpeg_turbo;
mod packed;
mod shrink;

pub(crate) use shrink::shrink;

use crate::slide::{Codec, RawTile};

/// Bytes per RGB pixel.
pub(crate) const RGB: usize = 3;

/// What a decoder says of bytes that it cannot decode.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodecError(pub(crate) String);

impl CodecError {
    fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

type Result<T> = std::result::Result<T, CodecError>;

/// A size in pixels.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    pub(crate) fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub(crate) fn covers(self, other: Self) -> bool {
        self.width >= other.width && self.height >= other.height
    }
}

/// By how much a tile is reduced while it is decoded.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reduction {
    Full,
    Half,
    Quarter,
    Eighth,
}

impl Reduction {
    pub(crate) const ALL: [Self; 4] = [Self::Full, Self::Half, Self::Quarter, Self::Eighth];

    /// Level pixels per reduced pixel.
    pub(crate) fn factor(self) -> u32 {
        1 << self.halvings()
    }

    /// How often the size is halved.
    pub(crate) fn halvings(self) -> u32 {
        self as u32
    }

    /// The reduced size: parts of a pixel count as one.
    pub(crate) fn apply(self, size: Size) -> Size {
        let factor = self.factor();
        Size::new(size.width.div_ceil(factor), size.height.div_ceil(factor))
    }
}

/// A window of an RGB buffer whose rows may lie further apart than they are wide.
pub(crate) struct Canvas<'a> {
    pixels: &'a mut [u8],
    stride: usize,
    size: Size,
}

impl<'a> Canvas<'a> {
    /// A window that is a whole buffer of `size` pixels without padding.
    pub(crate) fn whole(pixels: &'a mut [u8], size: Size) -> Self {
        Self { pixels, stride: size.width as usize * RGB, size }
    }

    /// The part of `size` at `x`, `y`; `None` where it reaches outside.
    pub(crate) fn part(&mut self, x: u32, y: u32, size: Size) -> Option<Canvas<'_>> {
        let right = x.checked_add(size.width)?;
        let bottom = y.checked_add(size.height)?;
        if size.area() == 0 || right > self.size.width || bottom > self.size.height {
            return None;
        }
        let start = y as usize * self.stride + x as usize * RGB;
        let length = (size.height as usize - 1) * self.stride + size.width as usize * RGB;
        let pixels = self.pixels.get_mut(start..start + length)?;
        Some(Canvas { pixels, stride: self.stride, size })
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// The rows from the top, each `width * 3` bytes.
    pub(crate) fn rows(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let width = self.size.width as usize * RGB;
        self.pixels
            .chunks_mut(self.stride.max(1))
            .take(self.size.height as usize)
            .filter_map(move |row| row.get_mut(..width))
    }

    /// Fills the window from rows of `source_width` pixels, starting at `x`, `y` of the source.
    pub(crate) fn copy_from(&mut self, source: &[u8], source_width: u32, x: u32, y: u32) {
        let width = self.size.width as usize * RGB;
        let stride = source_width as usize * RGB;
        let start = y as usize * stride + x as usize * RGB;
        for (index, row) in self.rows().enumerate() {
            if let Some(from) = source.get(start + index * stride..start + index * stride + width) {
                row.copy_from_slice(from);
            }
        }
    }
}

/// The size that the tile's own stream states; formats without a header state what the container
/// does.
pub(crate) fn coded_size(tile: &RawTile<'_>) -> Result<Size> {
    let size = match tile.codec {
        Codec::Jpeg => jpeg::Header::parse(&tile.bytes)?.size,
        Codec::Jpeg2000Rgb | Codec::Jpeg2000YCbCr => jpeg2000::Header::parse(&tile.bytes)?.size,
        Codec::Raw { .. } | Codec::Packed { .. } => Size::new(tile.width, tile.height),
    };
    if size.area() == 0 {
        return Err(CodecError::new("it has no pixels"));
    }
    Ok(size)
}

/// How a tile can be reduced while it is decoded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reducible {
    /// The strongest reduction.
    pub(crate) most: Reduction,
    /// True where reduced pixel `i` is the mean around the centre of its `factor` pixels, false
    /// where it is centred on the first of them (low-pass band of a wavelet).
    pub(crate) centred: bool,
}

/// How a tile of this codec can be reduced.
pub(crate) fn reducible(tile: &RawTile<'_>) -> Result<Reducible> {
    match tile.codec {
        Codec::Jpeg2000Rgb | Codec::Jpeg2000YCbCr => {
            let levels = jpeg2000::Header::parse(&tile.bytes)?.decompositions;
            let fits = |reduction: &Reduction| reduction.halvings() <= u32::from(levels);
            let most = Reduction::ALL.into_iter().rev().find(fits).unwrap_or(Reduction::Full);
            Ok(Reducible { most, centred: false })
        }
        Codec::Jpeg | Codec::Raw { .. } | Codec::Packed { .. } => {
            Ok(Reducible { most: Reduction::Eighth, centred: true })
        }
    }
}

/// Whether decoding costs so much more than a copy that a tile is worth keeping whenever it was
/// decoded: JPEG 2000 takes some twenty times as long as JPEG.
pub(crate) fn is_slow(codec: Codec) -> bool {
    matches!(codec, Codec::Jpeg2000Rgb | Codec::Jpeg2000YCbCr)
}

/// Decodes a tile whose stream is `coded` pixels large into a canvas of exactly the reduced size.
/// Of formats without a header only `rows_needed` rows (unreduced) must be there: the last strip
/// of a level may be short.
pub(crate) fn decode(
    tile: &RawTile<'_>,
    coded: Size,
    rows_needed: u32,
    reduction: Reduction,
    canvas: &mut Canvas<'_>,
) -> Result<()> {
    if canvas.size() != reduction.apply(coded) {
        return Err(CodecError::new("the buffer has not the size of the decoded tile"));
    }
    match tile.codec {
        Codec::Jpeg => jpeg::decode(&tile.bytes, reduction, canvas),
        Codec::Jpeg2000Rgb => jpeg2000::decode(&tile.bytes, false, reduction, canvas),
        Codec::Jpeg2000YCbCr => jpeg2000::decode(&tile.bytes, true, reduction, canvas),
        Codec::Raw { samples } => {
            let layout = packed::Layout::new(coded, rows_needed, samples)?;
            packed::paint(&tile.bytes, layout, reduction, canvas)
        }
        Codec::Packed { samples, lzw, predictor } => {
            let layout = packed::Layout::new(coded, rows_needed, samples)?;
            let mut pixels = packed::unpack(&tile.bytes, lzw, layout)?;
            if predictor {
                packed::undo_predictor(&mut pixels, layout);
            }
            packed::paint(&pixels, layout, reduction, canvas)
        }
    }
}

#[cfg(test)]
mod tests;
