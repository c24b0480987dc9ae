//! One pyramid over any container: decodes, caches, joins and resizes tiles; knows no vendor.

mod resample;
mod window;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bianque_core::{AtLevel, Level0, Mpp, PixelRect, Point, RgbImage};

use crate::{
    cache::TileCache,
    codec::{self, Canvas, RGB, Reducible, Reduction, Size},
    container::Container,
    error::{Result, SlideError},
    facts::SlideFacts,
    open::OpenOptions,
    slide::{RawTile, Slide, TileIndex},
};

/// The most pixels that one call gives: 3 GiB of memory.
const MOST_PIXELS: u64 = 1 << 30;

/// The strongest magnification that one call gives.
const SMALLEST_STEP: f64 = 1.0 / 64.0;

/// The most pixels of an associated image; real ones have a few million.
const MOST_ASSOCIATED_PIXELS: u64 = 1 << 28;

/// A slide in any container.
pub(crate) struct Pyramid {
    container: Box<dyn Container>,
    cache: TileCache,
    /// How each level's tiles can be reduced, once one of them was looked at.
    reducible: Vec<OnceLock<Reducible>>,
    resize_nanos: AtomicU64,
}

impl Pyramid {
    /// A pyramid over a parsed file.
    ///
    /// # Errors
    /// When a level is empty.
    pub(crate) fn new(container: Box<dyn Container>, options: &OpenOptions) -> Result<Self> {
        let facts = container.facts();
        if facts.levels.is_empty() {
            return Err(SlideError::Request("it has no levels".into()));
        }
        for (index, level) in facts.levels.iter().enumerate() {
            if [level.width, level.height, level.tile_width, level.tile_height].contains(&0) {
                return Err(SlideError::Request(format!("level {index} has no pixels")));
            }
        }
        let reducible = facts.levels.iter().map(|_| OnceLock::new()).collect();
        let cache = TileCache::new(options.cache_bytes);
        Ok(Self { container, cache, reducible, resize_nanos: AtomicU64::new(0) })
    }
}

fn impossible_mpp(mpp: f64) -> SlideError {
    SlideError::Request(format!(
        "{mpp} microns per pixel; a slide has between {} and {}",
        Mpp::PLAUSIBLE.start(),
        Mpp::PLAUSIBLE.end()
    ))
}

/// A white image, or an error where it would be larger than what one call may give.
fn white(size: Size) -> Result<Vec<u8>> {
    let refuse = || {
        SlideError::Request(format!(
            "{} x {} px in one call; read it in parts of at most {MOST_PIXELS} pixels",
            size.width, size.height
        ))
    };
    if size.area() > MOST_PIXELS {
        return Err(refuse());
    }
    let bytes = usize::try_from(size.area()).ok().and_then(|area| area.checked_mul(RGB));
    let bytes = bytes.ok_or_else(refuse)?;
    let mut pixels = Vec::new();
    pixels.try_reserve_exact(bytes).map_err(|_| refuse())?;
    pixels.resize(bytes, 255);
    Ok(pixels)
}

fn image(size: Size, pixels: Vec<u8>) -> Result<RgbImage> {
    RgbImage::from_pixels(size.width, size.height, pixels)
        .map_err(|error| SlideError::Request(error.to_string()))
}

impl Slide for Pyramid {
    fn facts(&self) -> &SlideFacts {
        self.container.facts()
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        self.container.raw_tile(level, tile)
    }

    fn read_region(&self, level: usize, region: PixelRect<AtLevel>) -> Result<RgbImage> {
        self.read_window(level, Reduction::Full, region)
    }

    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        if !Mpp::PLAUSIBLE.contains(&mpp) {
            return Err(impossible_mpp(mpp));
        }
        let scale = self.container.facts().mpp.as_ref().ok_or(SlideError::NoMpp)?;
        let wanted = (mpp / scale.x(), mpp / scale.y());
        self.resample(origin, wanted, Size::new(width, height))
    }

    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        if !step.is_finite() || step < SMALLEST_STEP {
            return Err(SlideError::Request(format!("{step} level-0 pixels per pixel")));
        }
        self.resample(origin, (step, step), Size::new(width, height))
    }

    fn resize_time(&self) -> Duration {
        Duration::from_nanos(self.resize_nanos.load(Ordering::Relaxed))
    }

    fn associated_image(&self, name: &str) -> Result<RgbImage> {
        let broken = |what: String| SlideError::Associated { name: name.to_owned(), what };
        let coded = self.container.associated(name)?;
        let size = Size::new(coded.width, coded.height);
        if size.area() == 0 || coded.tile_width == 0 || coded.tile_height == 0 {
            return Err(broken("it has no pixels".into()));
        }
        if size.area() > MOST_ASSOCIATED_PIXELS {
            return Err(broken(format!("{} x {} px is too large", size.width, size.height)));
        }
        let mut pixels = white(size)?;
        let mut canvas = Canvas::whole(&mut pixels, size);
        let columns = size.width.div_ceil(coded.tile_width) as usize;
        for (index, tile) in coded.tiles.iter().enumerate() {
            let (column, row) = ((index % columns) as u64, (index / columns) as u64);
            let x = u32::try_from(column * u64::from(coded.tile_width)).unwrap_or(u32::MAX);
            let y = u32::try_from(row * u64::from(coded.tile_height)).unwrap_or(u32::MAX);
            let place = Size::new(coded.tile_width, coded.tile_height);
            let visible = Size::new(
                place.width.min(size.width.saturating_sub(x)),
                place.height.min(size.height.saturating_sub(y)),
            );
            let (Some(tile), Some(mut part)) = (tile, canvas.part(x, y, visible)) else {
                continue;
            };
            let fitting = window::fitting_size(tile, visible, place).map_err(|e| broken(e.0))?;
            let decoded = window::decode_owned(tile, fitting, visible.height, Reduction::Full)
                .map_err(|error: codec::CodecError| broken(error.0))?;
            part.copy_from(&decoded.pixels, decoded.size.width, 0, 0);
        }
        image(size, pixels)
    }
}

#[cfg(test)]
mod tests;
