//! Pixels of a window of one level, joined from its tiles at full or reduced size.

use bianque_core::{AtLevel, PixelRect, RgbImage};
use rayon::prelude::*;

use super::{Pyramid, image, white};
use crate::{
    cache::{DecodedTile, TileKey},
    codec::{self, Canvas, CodecError, RGB, Reduction, Size},
    error::{Result, SlideError},
    facts::Level,
    slide::{RawTile, TileIndex},
};

/// Windows of more pixels than this are decoded by several threads.
const PARALLEL_PIXELS: u64 = 1 << 22;

/// One call draws from at most so many tiles: a file with tiles of one pixel could ask for more
/// than memory holds.
const MOST_TILES: u64 = 1 << 24;

/// The tiles of a level seen at a reduction: where each lies in reduced pixels.
#[derive(Copy, Clone)]
struct Grid {
    level: usize,
    reduction: Reduction,
    /// Full-size level and tile.
    whole: Size,
    tile: Size,
    /// A tile's distance to the next in reduced pixels.
    step: Size,
    /// The reduced level.
    reduced: Size,
}

/// Whether a level's tiles stay on whole pixels when they are reduced.
pub(super) fn stays_on_grid(level: &Level, reduction: Reduction) -> bool {
    let factor = reduction.factor();
    (level.columns() == 1 || level.tile_width.is_multiple_of(factor))
        && (level.rows() == 1 || level.tile_height.is_multiple_of(factor))
}

/// A level's size when it is reduced. A last pixel that the level fills in part only is left out:
/// the rest of it would be what the writer padded its tiles with.
pub(super) fn reduced_level(level: &Level, reduction: Reduction) -> Size {
    let whole_pixels = |length: u32| (length / reduction.factor()).max(1);
    Size::new(whole_pixels(level.width), whole_pixels(level.height))
}

impl Grid {
    fn new(index: usize, level: &Level, reduction: Reduction) -> Self {
        let (whole, tile) =
            (Size::new(level.width, level.height), Size::new(level.tile_width, level.tile_height));
        let step = reduction.apply(tile);
        Self {
            level: index,
            reduction,
            whole,
            tile,
            step,
            reduced: reduced_level(level, reduction),
        }
    }

    /// The part of a tile that lies on the reduced level.
    fn shown(&self, tile: TileIndex) -> Size {
        let rest = |extent: u32, index: u32, step: u32| {
            extent.saturating_sub(index.saturating_mul(step)).min(step)
        };
        Size::new(
            rest(self.reduced.width, tile.column, self.step.width),
            rest(self.reduced.height, tile.row, self.step.height),
        )
    }

    /// The part of a tile that lies on the level, in full-size pixels.
    fn visible(&self, tile: TileIndex) -> Size {
        let left = u64::from(tile.column) * u64::from(self.tile.width);
        let top = u64::from(tile.row) * u64::from(self.tile.height);
        let rest = |whole: u32, start: u64, tile: u32| {
            u32::try_from(u64::from(whole).saturating_sub(start)).unwrap_or(0).min(tile)
        };
        Size::new(
            rest(self.whole.width, left, self.tile.width),
            rest(self.whole.height, top, self.tile.height),
        )
    }

    fn failed(&self, tile: TileIndex, error: CodecError) -> SlideError {
        SlideError::Tile { level: self.level, column: tile.column, row: tile.row, what: error.0 }
    }
}

/// A stretch of reduced pixels along one axis that one tile fills: where it starts in the window,
/// where in the tile, and how long it is.
#[derive(Copy, Clone)]
struct Span {
    tile: u32,
    in_window: u32,
    in_tile: u32,
    length: u32,
}

/// The spans of the window `start..start + length` on an axis of `extent` pixels.
fn spans(start: i64, length: u32, extent: u32, step: u32) -> Vec<Span> {
    let first = start.clamp(0, i64::from(extent));
    let last = start.saturating_add(i64::from(length)).clamp(0, i64::from(extent));
    let step = i64::from(step);
    let mut spans = Vec::new();
    let mut at = first;
    while at < last {
        let tile = at / step;
        let end = last.min((tile + 1) * step);
        let small = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        spans.push(Span {
            tile: small(tile),
            in_window: small(at - start),
            in_tile: small(at - tile * step),
            length: small(end - at),
        });
        at = end;
    }
    spans
}

impl Pyramid {
    /// A window of a level, in pixels of the reduced level. White outside and where tiles are
    /// absent.
    pub(super) fn read_window(
        &self,
        level: usize,
        reduction: Reduction,
        window: PixelRect<AtLevel>,
    ) -> Result<RgbImage> {
        let size = Size::new(window.width, window.height);
        let levels = &self.container.facts().levels;
        let facts = levels.get(level).ok_or_else(|| {
            SlideError::Request(format!("level {level}; the slide has {} levels", levels.len()))
        })?;
        let grid = Grid::new(level, facts, reduction);
        let mut pixels = white(size)?;
        let across = u64::from(size.width / grid.step.width) + 2;
        if across.saturating_mul(u64::from(size.height / grid.step.height) + 2) > MOST_TILES {
            return Err(SlideError::Request(format!(
                "{} x {} px over tiles of {} x {} px in one call; read it in parts",
                size.width, size.height, grid.tile.width, grid.tile.height
            )));
        }
        let columns = spans(window.x, window.width, grid.reduced.width, grid.step.width);
        let rows = spans(window.y, window.height, grid.reduced.height, grid.step.height);
        if columns.is_empty() || rows.is_empty() {
            return image(size, pixels);
        }
        let bands = bands(&mut pixels, size, &rows);
        let draw = |(row, mut band): (Span, Canvas<'_>)| {
            columns.iter().try_for_each(|&column| self.draw_tile(&grid, column, row, &mut band))
        };
        if size.area() > PARALLEL_PIXELS {
            bands.into_par_iter().try_for_each(draw)?;
        } else {
            bands.into_iter().try_for_each(draw)?;
        }
        image(size, pixels)
    }

    /// Draws what one tile shows in a band of the window that is as high as the span `row`.
    fn draw_tile(&self, grid: &Grid, column: Span, row: Span, band: &mut Canvas<'_>) -> Result<()> {
        let tile = TileIndex { column: column.tile, row: row.tile };
        let key = TileKey { level: grid.level, tile, reduction: grid.reduction };
        let shown = Size::new(column.length, row.length);
        let Some(mut canvas) = band.part(column.in_window, 0, shown) else { return Ok(()) };
        let decoded = if shown == grid.shown(tile) {
            match self.cache.get(key) {
                Some(decoded) => Some(decoded),
                None => return self.draw_whole(grid, key, &mut canvas),
            }
        } else {
            self.cache.get_or_decode(key, || self.decode_tile(grid, tile))?
        };
        if let Some(decoded) = decoded {
            canvas.copy_from(&decoded.pixels, decoded.size.width, column.in_tile, row.in_tile);
        }
        Ok(())
    }

    /// Draws a tile that is shown whole and not kept. The next window is not likely to ask for it
    /// again, so it is decoded straight to where it belongs; only what is slow to decode is kept.
    fn draw_whole(&self, grid: &Grid, key: TileKey, canvas: &mut Canvas<'_>) -> Result<()> {
        let tile = key.tile;
        let Some(raw) = self.container.raw_tile(grid.level, tile)? else { return Ok(()) };
        let visible = grid.visible(tile);
        let failed = |error| grid.failed(tile, error);
        let coded = fitting_size(&raw, visible, grid.tile).map_err(failed)?;
        if !codec::is_slow(raw.codec) && grid.reduction.apply(coded) == canvas.size() {
            return codec::decode(&raw, coded, visible.height, grid.reduction, canvas)
                .map_err(failed);
        }
        let decode = || decode_owned(&raw, coded, visible.height, grid.reduction).map(Some);
        if let Some(decoded) = self.cache.get_or_decode(key, decode).map_err(failed)? {
            canvas.copy_from(&decoded.pixels, decoded.size.width, 0, 0);
        }
        Ok(())
    }

    fn decode_tile(&self, grid: &Grid, tile: TileIndex) -> Result<Option<DecodedTile>> {
        let Some(raw) = self.container.raw_tile(grid.level, tile)? else { return Ok(None) };
        let visible = grid.visible(tile);
        fitting_size(&raw, visible, grid.tile)
            .and_then(|coded| decode_owned(&raw, coded, visible.height, grid.reduction))
            .map(Some)
            .map_err(|error| grid.failed(tile, error))
    }
}

/// Cuts the window's buffer into bands, one for each row of tiles.
fn bands<'a>(pixels: &'a mut [u8], size: Size, rows: &[Span]) -> Vec<(Span, Canvas<'a>)> {
    let stride = size.width as usize * RGB;
    let mut rest = pixels;
    let mut at = 0;
    let mut bands = Vec::with_capacity(rows.len());
    for &row in rows {
        let skipped = (row.in_window as usize).saturating_sub(at) * stride;
        let (_, from) = rest.split_at_mut(skipped.min(rest.len()));
        let (band, after) = from.split_at_mut((row.length as usize * stride).min(from.len()));
        bands.push((row, Canvas::whole(band, Size::new(size.width, row.length))));
        rest = after;
        at = (row.in_window + row.length) as usize;
    }
    bands
}

/// The size that a tile's stream states, if it covers what is visible of the tile's place and is
/// not larger than the place. Checked before anything is allocated.
pub(super) fn fitting_size(
    raw: &RawTile<'_>,
    visible: Size,
    place: Size,
) -> std::result::Result<Size, CodecError> {
    let coded = codec::coded_size(raw)?;
    if coded.covers(visible) && place.covers(coded) {
        return Ok(coded);
    }
    Err(CodecError(format!(
        "it is coded as {} x {} px where {} x {} are shown of a place of {} x {}",
        coded.width, coded.height, visible.width, visible.height, place.width, place.height
    )))
}

/// Decodes into a buffer of its own.
pub(super) fn decode_owned(
    raw: &RawTile<'_>,
    coded: Size,
    rows_needed: u32,
    reduction: Reduction,
) -> std::result::Result<DecodedTile, CodecError> {
    let size = reduction.apply(coded);
    let mut pixels = vec![255; size.width as usize * size.height as usize * RGB];
    codec::decode(raw, coded, rows_needed, reduction, &mut Canvas::whole(&mut pixels, size))?;
    Ok(DecodedTile { size, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_the_window_inside_the_level() {
        let spans = spans(-5, 30, 22, 10);
        let found: Vec<_> =
            spans.iter().map(|s| (s.tile, s.in_window, s.in_tile, s.length)).collect();
        assert_eq!(found, [(0, 5, 0, 10), (1, 15, 0, 10), (2, 25, 0, 2)]);
        assert!(super::spans(22, 5, 22, 10).is_empty());
        assert!(super::spans(i64::MIN, 5, 22, 10).is_empty());
        assert!(super::spans(i64::MAX, 5, 22, 10).is_empty());
    }
}
