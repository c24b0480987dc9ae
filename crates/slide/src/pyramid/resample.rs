//! Pixels at a wanted resolution: the nearest finer level, reduced while it is decoded, then
//! filtered onto the exact output grid.

use std::{cell::RefCell, sync::atomic::Ordering, time::Instant};

use bianque_core::{AtLevel, Level0, PixelRect, Point, RgbImage};
use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U8x3,
};

use super::{
    Pyramid, image, white,
    window::{reduced_level, stays_on_grid},
};
use crate::{
    codec::{self, Canvas, RGB, Reducible, Reduction, Size},
    error::{Result, SlideError},
    facts::Level,
    slide::TileIndex,
};

/// A cubic: sharper than a triangle where the level is only a little finer than what is wanted.
const FILTER: FilterType = FilterType::CatmullRom;
/// Its reach in output pixels, or in source pixels where it magnifies.
const FILTER_REACH: f64 = 2.0;

/// Offsets below this share of a pixel are not worth a filter.
const STILL: f64 = 1.0 / 64.0;

/// Source pixels held at a time: 48 MiB.
const STRIP_PIXELS: u64 = 1 << 24;

/// Above this many source pixels per output pixel blocks are averaged first, so that a strip of
/// a thumbnail stays small.
const MOST_STEP: f64 = 16.0;

/// Sparse levels may leave out any number of tiles before the first one that is there.
const MOST_LOOKED_AT: usize = 1 << 20;

thread_local! {
    /// One resizer per thread: its buffers are kept.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// Where an output lies on a reduced level. Output pixel `i` covers the reduced pixels from
/// `start + i * step` to `start + (i + 1) * step`, along each axis.
#[derive(Copy, Clone, Debug)]
struct Placement {
    level: usize,
    reduction: Reduction,
    /// Blocks of so many reduced pixels a side are averaged into one.
    block: u32,
    start: (f64, f64),
    step: (f64, f64),
    /// The level in blocks.
    extent: Size,
}

/// Level-0 pixels per level pixel along one axis. Writers cut or pad a level of a whole factor,
/// so a ratio that rounding explains is that whole factor: else pixels would drift by up to one.
fn axis_ratio(level0: u32, level: u32) -> f64 {
    let ratio = f64::from(level0) / f64::from(level);
    let whole = ratio.round().max(1.0);
    let exact = f64::from(level0) / whole;
    if exact.floor() == f64::from(level) || exact.ceil() == f64::from(level) {
        whole
    } else {
        ratio
    }
}

impl Pyramid {
    /// `size` pixels of `wanted` level-0 pixels each, from `origin`.
    pub(super) fn resample(
        &self,
        origin: Point<Level0>,
        wanted: (f64, f64),
        size: Size,
    ) -> Result<RgbImage> {
        if !origin.x.is_finite() || !origin.y.is_finite() {
            return Err(SlideError::Request("its origin is not finite".into()));
        }
        if size.area() == 0 {
            return image(size, Vec::new());
        }
        let placement = self.place(origin, wanted)?;
        if let Some((x, y)) = placement.whole_pixels(size) {
            let window = PixelRect::new(x, y, size.width, size.height);
            return self.read_window(placement.level, placement.reduction, window);
        }
        self.filter(&placement, size)
    }

    /// Chooses level and reduction for `wanted` level-0 pixels per output pixel.
    fn place(&self, origin: Point<Level0>, wanted: (f64, f64)) -> Result<Placement> {
        let facts = self.container.facts();
        let index = facts.level_for_downsample(wanted.0.min(wanted.1));
        let (Some(level0), Some(level)) = (facts.levels.first(), facts.levels.get(index)) else {
            return Err(SlideError::Request("the slide has no levels".into()));
        };
        let ratio =
            (axis_ratio(level0.width, level.width), axis_ratio(level0.height, level.height));
        let gap = (wanted.0 / ratio.0).min(wanted.1 / ratio.1);
        let reducible = self.reducible(index, level, gap)?;
        let factor = f64::from(reducible.most.factor());
        // Low-pass pixels are centred on the first of their pixels, not on the middle.
        let shift = if reducible.centred { 0.0 } else { 0.5 * (1.0 - 1.0 / factor) };
        let (step, start) = (
            (wanted.0 / ratio.0 / factor, wanted.1 / ratio.1 / factor),
            (origin.x / ratio.0 / factor + shift, origin.y / ratio.1 / factor + shift),
        );
        let small = step.0.min(step.1);
        let block = if small > MOST_STEP { (small / (MOST_STEP / 2.0)).floor() } else { 1.0 };
        let reduced = reduced_level(level, reducible.most);
        let blocks = block as u32;
        Ok(Placement {
            level: index,
            reduction: reducible.most,
            block: blocks,
            start: (start.0 / block, start.1 / block),
            step: (step.0 / block, step.1 / block),
            extent: Size::new((reduced.width / blocks).max(1), (reduced.height / blocks).max(1)),
        })
    }

    /// The strongest reduction of a level that stays at or above a resolution `gap` times coarser.
    fn reducible(&self, index: usize, level: &Level, gap: f64) -> Result<Reducible> {
        let fits = |reduction: &Reduction| {
            f64::from(reduction.factor()) <= gap * 1.01 && stays_on_grid(level, *reduction)
        };
        let wanted = Reduction::ALL.into_iter().rev().find(fits).unwrap_or(Reduction::Full);
        if wanted == Reduction::Full {
            return Ok(Reducible { most: Reduction::Full, centred: true });
        }
        let known = self.reducible.get(index).and_then(|level| level.get());
        let can = match known {
            Some(can) => *can,
            None => self.look_at_first_tile(index, level)?,
        };
        let most = can.most.min(wanted);
        Ok(Reducible { most, centred: can.centred || most == Reduction::Full })
    }

    /// How the tiles of a level can be reduced, judged by the first one that is there.
    fn look_at_first_tile(&self, index: usize, level: &Level) -> Result<Reducible> {
        let mut found = Reducible { most: Reduction::Eighth, centred: true };
        let places = (0..level.rows())
            .flat_map(|row| (0..level.columns()).map(move |column| TileIndex { column, row }));
        for tile in places.take(MOST_LOOKED_AT) {
            if let Some(raw) = self.container.raw_tile(index, tile)? {
                found = codec::reducible(&raw).map_err(|error| SlideError::Tile {
                    level: index,
                    column: tile.column,
                    row: tile.row,
                    what: error.0,
                })?;
                break;
            }
        }
        if let Some(slot) = self.reducible.get(index) {
            // Another thread may have been first: it found the same.
            let _ = slot.set(found);
        }
        Ok(found)
    }

    /// Reads the source strip by strip and filters it onto the output grid.
    fn filter(&self, placement: &Placement, size: Size) -> Result<RgbImage> {
        let mut pixels = white(size)?;
        let columns = placement.touched(0, size.width);
        let rows = placement.touched(1, size.height);
        let width = columns.end - columns.start;
        if width == 0 || rows.is_empty() {
            return image(size, pixels);
        }
        let across = placement.source(0, columns.start, columns.end);
        let row_pixels = u64::from(across.length).max(1);
        let source_rows = (STRIP_PIXELS / row_pixels).max(1) as f64;
        let reach = 2.0 * FILTER_REACH * placement.step.1.max(1.0) + 2.0;
        let strip = (((source_rows - reach) / placement.step.1).floor()).max(1.0) as u32;
        let mut whole = Canvas::whole(&mut pixels, size);
        let mut top = rows.start;
        while top < rows.end {
            let bottom = rows.end.min(top.saturating_add(strip));
            let down = placement.source(1, top, bottom);
            let window = PixelRect::new(across.first, down.first, across.length, down.length);
            let source = extend(self.read_blocks(placement, window)?, &across, &down)?;
            let part = Size::new(width, bottom - top);
            let start = Instant::now();
            let filtered = resize(&source, (across.offset, down.offset), placement.step, part)?;
            let nanos = start.elapsed().as_nanos() as u64;
            self.resize_nanos.fetch_add(nanos, Ordering::Relaxed);
            if let Some(mut canvas) = whole.part(columns.start, top, part) {
                canvas.copy_from(&filtered, part.width, 0, 0);
            }
            top = bottom;
        }
        image(size, pixels)
    }

    /// A window in blocks of the reduced level.
    fn read_blocks(&self, placement: &Placement, window: PixelRect<AtLevel>) -> Result<RgbImage> {
        let block = placement.block;
        if block == 1 {
            return self.read_window(placement.level, placement.reduction, window);
        }
        let size = Size::new(window.width, window.height);
        let mut pixels = white(size)?;
        let mut whole = Canvas::whole(&mut pixels, size);
        let wide = size.width.checked_mul(block).ok_or_else(|| {
            SlideError::Request(format!("{} blocks of {block} pixels", size.width))
        })?;
        let rows_at_once = (STRIP_PIXELS / (u64::from(wide) * u64::from(block))).max(1);
        let rows_at_once = u32::try_from(rows_at_once).unwrap_or(u32::MAX);
        let mut top = 0;
        while top < size.height {
            let rows = rows_at_once.min(size.height - top);
            let source = PixelRect::new(
                window.x * i64::from(block),
                (window.y + i64::from(top)) * i64::from(block),
                wide,
                rows.saturating_mul(block),
            );
            let source = self.read_window(placement.level, placement.reduction, source)?;
            if let Some(mut part) = whole.part(0, top, Size::new(size.width, rows)) {
                let from = Size::new(source.width(), source.height());
                codec::shrink(source.pixels(), from, block, &mut part);
            }
            top += rows;
        }
        image(size, pixels)
    }
}

/// A stretch of source pixels along one axis.
struct Stretch {
    /// The first pixel on the level and the count of them.
    first: i64,
    length: u32,
    /// How many pixels beyond the level's edges the filter reaches, before and after.
    before: u32,
    after: u32,
    /// Where the output begins, counted from the first pixel that the filter reaches.
    offset: f64,
}

/// Repeats the edge pixels outwards where the filter reaches beyond the level, so that what lies
/// outside does not bleed into the slide.
fn extend(inside: RgbImage, across: &Stretch, down: &Stretch) -> Result<RgbImage> {
    if [across.before, across.after, down.before, down.after] == [0; 4] {
        return Ok(inside);
    }
    let size = Size::new(
        inside.width().saturating_add(across.before).saturating_add(across.after),
        inside.height().saturating_add(down.before).saturating_add(down.after),
    );
    let mut pixels = white(size)?;
    for (y, out) in (0..).zip(pixels.chunks_exact_mut(size.width as usize * RGB)) {
        let last = inside.height().saturating_sub(1);
        let row = inside.row(u32::min(last, u32::saturating_sub(y, down.before)));
        let (before, rest) = out.split_at_mut(across.before as usize * RGB);
        let (middle, after) = rest.split_at_mut(row.len());
        middle.copy_from_slice(row);
        before.chunks_exact_mut(RGB).for_each(|pixel| pixel.copy_from_slice(&row[..RGB]));
        let edge = &row[row.len() - RGB..];
        after.chunks_exact_mut(RGB).for_each(|pixel| pixel.copy_from_slice(edge));
    }
    image(size, pixels)
}

impl Placement {
    fn axis(&self, axis: usize) -> (f64, f64, u32) {
        if axis == 0 {
            (self.start.0, self.step.0, self.extent.width)
        } else {
            (self.start.1, self.step.1, self.extent.height)
        }
    }

    /// The source pixel of the left top corner where output pixels are source pixels.
    fn whole_pixels(&self, size: Size) -> Option<(i64, i64)> {
        let still = |start: f64, step: f64, length: u32| {
            (step - 1.0).abs() * f64::from(length) < STILL && (start - start.round()).abs() < STILL
        };
        let whole = self.block == 1
            && still(self.start.0, self.step.0, size.width)
            && still(self.start.1, self.step.1, size.height);
        whole.then(|| (self.start.0.round() as i64, self.start.1.round() as i64))
    }

    /// The output pixels whose centre lies on the level; all others are white.
    fn touched(&self, axis: usize, length: u32) -> std::ops::Range<u32> {
        let (start, step, extent) = self.axis(axis);
        let bound = |place: f64| {
            let first_at_or_after = ((place - start) / step - 0.5).ceil();
            first_at_or_after.clamp(0.0, f64::from(length)) as u32
        };
        bound(0.0)..bound(f64::from(extent))
    }

    /// The source pixels under output pixels `first..last`, with the filter's reach.
    fn source(&self, axis: usize, first: u32, last: u32) -> Stretch {
        let (start, step, extent) = self.axis(axis);
        let begin = start + f64::from(first) * step;
        let end = start + f64::from(last) * step;
        let reach = FILTER_REACH * step.max(1.0) + 1.0;
        let (left, right) = ((begin - reach).floor(), (end + reach).ceil());
        let extent = f64::from(extent);
        let (first, last) = (left.clamp(0.0, extent - 1.0), right.clamp(1.0, extent));
        Stretch {
            first: first as i64,
            length: (last - first) as u32,
            before: (first - left) as u32,
            after: (right - last) as u32,
            offset: begin - left,
        }
    }
}

/// Filters the part of a source that begins at `offset` into `size` pixels of `step` source
/// pixels each.
fn resize(source: &RgbImage, offset: (f64, f64), step: (f64, f64), size: Size) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| SlideError::Request(format!("resizing: {error}"));
    let mut pixels = vec![0; size.width as usize * size.height as usize * RGB];
    // Typed images: the untyped call would compile every pixel format there is.
    let from = TypedImageRef::<U8x3>::from_buffer(source.width(), source.height(), source.pixels())
        .map_err(|error| failed(&error))?;
    let mut to = TypedImage::<U8x3>::from_buffer(size.width, size.height, &mut pixels)
        .map_err(|error| failed(&error))?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FILTER)).crop(
        offset.0,
        offset.1,
        f64::from(size.width) * step.0,
        f64::from(size.height) * step.1,
    );
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize_typed(&from, &mut to, &options))
        .map_err(|error| failed(&error))?;
    Ok(pixels)
}
