//! The slide at low power: pixels, and where they lie.

use bianque_core::{AtLevel, Level0, Mpp, PixelRect, Point, RgbImage};
use bianque_slide::{Slide, SlideError};

use crate::{QualityError, Result, TissueSettings};

/// Source pixels read at a time where a level has to be averaged down: 48 MiB.
const STRIP_PIXELS: u64 = 1 << 24;

/// Side in overview pixels of the blocks that are read one by one once a tile is broken.
const RESCUE_BLOCK: u32 = 64;

/// Without a scale the overview's longer side has about so many pixels.
const LONG_SIDE: f64 = 2048.0;

/// Small slides keep at least so many pixels on their longer side, if they have them.
const LEAST_LONG_SIDE: f64 = 512.0;

/// A slide at low power, and how its pixels lie on level 0.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The pixels.
    pub image: RgbImage,
    /// Level-0 pixels per overview pixel along x and y.
    pub scale: (f64, f64),
    /// The slide in level-0 pixels.
    pub bounds: PixelRect<Level0>,
    /// The slide's scale, if it has one.
    pub mpp: Option<Mpp>,
    /// Blocks of the overview that could not be read; they are white.
    pub unreadable_blocks: u32,
}

impl Overview {
    /// An image as a slide of its own: one image pixel is one level-0 pixel.
    #[must_use]
    pub fn from_image(image: RgbImage, mpp: Option<Mpp>) -> Self {
        let bounds = PixelRect::new(0, 0, image.width(), image.height());
        Self { image, scale: (1.0, 1.0), bounds, mpp, unreadable_blocks: 0 }
    }

    /// Reads a slide at about `settings.mask_mpp`.
    ///
    /// # Errors
    /// When the settings make no sense, the slide is empty, or it cannot be read at all. A broken
    /// tile is no error: its block stays white and is counted.
    pub fn read(slide: &dyn Slide, settings: &TissueSettings) -> Result<Self> {
        settings.check()?;
        let facts = slide.facts();
        let bounds = facts.bounds();
        if bounds.area() == 0 {
            return Err(QualityError::Empty { width: bounds.width, height: bounds.height });
        }
        let downsample = wanted_downsample(&bounds, facts.mpp.as_ref(), settings);
        let overview = match &facts.mpp {
            Some(mpp) => read_scaled(slide, &bounds, mpp, downsample)?,
            None => read_unscaled(slide, &bounds, downsample)?,
        };
        Ok(overview)
    }

    /// Microns per overview pixel for filter sizes, assumed where the slide states none.
    pub(crate) fn filter_mpp(&self) -> f64 {
        let level0 = self.mpp.as_ref().map_or(TissueSettings::ASSUMED_MPP, Mpp::mean);
        level0 * (self.scale.0 * self.scale.1).sqrt()
    }
}

/// Level-0 pixels per overview pixel.
fn wanted_downsample(
    bounds: &PixelRect<Level0>,
    mpp: Option<&Mpp>,
    settings: &TissueSettings,
) -> f64 {
    let long = f64::from(bounds.width.max(bounds.height));
    let by_scale = mpp.map_or(long / LONG_SIDE, |mpp| settings.mask_mpp / mpp.mean());
    // Without a scale a small file may be a cut-out at full power: nuclei must not become texture.
    let wanted = if mpp.is_none() { by_scale.max(16.0) } else { by_scale };
    let wanted = wanted.min(long / LEAST_LONG_SIDE);
    let bounded = (bounds.area() as f64 / f64::from(settings.most_pixels)).sqrt();
    wanted.max(bounded).max(1.0)
}

fn read_scaled(
    slide: &dyn Slide,
    bounds: &PixelRect<Level0>,
    mpp: &Mpp,
    downsample: f64,
) -> Result<Overview> {
    let wanted = (mpp.mean() * downsample).clamp(*Mpp::PLAUSIBLE.start(), *Mpp::PLAUSIBLE.end());
    let scale = (wanted / mpp.x(), wanted / mpp.y());
    let width = pixels(bounds.width, scale.0);
    let height = pixels(bounds.height, scale.1);
    let read = |x: u32, y: u32, width: u32, height: u32| {
        let origin = Point::new(f64::from(x) * scale.0, f64::from(y) * scale.1);
        slide.read_at_mpp(origin, wanted, width, height)
    };
    let (image, unreadable_blocks) = match read(0, 0, width, height) {
        Ok(image) => (image, 0),
        Err(error @ SlideError::Tile { .. }) => rescue(error, width, height, read)?,
        Err(error) => return Err(error.into()),
    };
    Ok(Overview { image, scale, bounds: *bounds, mpp: Some(mpp.clone()), unreadable_blocks })
}

/// As many pixels as cover a length; a last pixel with less than half inside is left out.
fn pixels(length: u32, scale: f64) -> u32 {
    ((f64::from(length) / scale).round() as u32).clamp(1, length.max(1))
}

/// Reads block by block, so that a broken tile costs its block only.
fn rescue(
    first: SlideError,
    width: u32,
    height: u32,
    read: impl Fn(u32, u32, u32, u32) -> std::result::Result<RgbImage, SlideError>,
) -> Result<(RgbImage, u32)> {
    let mut image = RgbImage::filled(width, height, [255; 3]);
    let (mut broken, mut whole) = (0, 0);
    for y in (0..height).step_by(RESCUE_BLOCK as usize) {
        for x in (0..width).step_by(RESCUE_BLOCK as usize) {
            let (w, h) = (RESCUE_BLOCK.min(width - x), RESCUE_BLOCK.min(height - y));
            match read(x, y, w, h) {
                Ok(block) => {
                    whole += 1;
                    paste(&mut image, &block, x, y);
                }
                Err(SlideError::Tile { .. }) => broken += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
    if whole == 0 { Err(first.into()) } else { Ok((image, broken)) }
}

fn paste(image: &mut RgbImage, block: &RgbImage, x: u32, y: u32) {
    let stride = image.width() as usize * RgbImage::CHANNELS;
    let row_bytes = block.width() as usize * RgbImage::CHANNELS;
    for row in 0..block.height() {
        let at = (y + row) as usize * stride + x as usize * RgbImage::CHANNELS;
        image.pixels_mut()[at..at + row_bytes].copy_from_slice(block.row(row));
    }
}

fn read_unscaled(
    slide: &dyn Slide,
    bounds: &PixelRect<Level0>,
    downsample: f64,
) -> Result<Overview> {
    let facts = slide.facts();
    let index = facts.level_for_downsample(downsample);
    let level = facts
        .levels
        .get(index)
        .filter(|level| level.width > 0 && level.height > 0)
        .ok_or(QualityError::Empty { width: 0, height: 0 })?;
    let mut bins = Bins::new(
        (level.width, level.height),
        (
            pixels(bounds.width, downsample).min(level.width),
            pixels(bounds.height, downsample).min(level.height),
        ),
    );
    let mut broken = 0;
    let mut first_error = None;
    let rows = (STRIP_PIXELS / u64::from(level.width)).clamp(1, u64::from(level.height)) as u32;
    for top in (0..level.height).step_by(rows as usize) {
        let height = rows.min(level.height - top);
        let strip = PixelRect::<AtLevel>::new(0, i64::from(top), level.width, height);
        match slide.read_region(index, strip) {
            Ok(image) => bins.add(&image, 0, top),
            Err(error @ SlideError::Tile { .. }) => {
                first_error.get_or_insert(error);
                broken += add_blocks(slide, index, strip, &mut bins)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let (Some(error), false) = (first_error, bins.any()) {
        return Err(error.into());
    }
    let scale = (
        f64::from(bounds.width) / f64::from(bins.size.0),
        f64::from(bounds.height) / f64::from(bins.size.1),
    );
    Ok(Overview {
        image: bins.into_image(),
        scale,
        bounds: *bounds,
        mpp: None,
        unreadable_blocks: broken,
    })
}

/// Reads a strip tile by tile; returns how many tiles are broken.
fn add_blocks(
    slide: &dyn Slide,
    index: usize,
    strip: PixelRect<AtLevel>,
    bins: &mut Bins,
) -> Result<u32> {
    const SIDE: u32 = 256;
    let mut broken = 0;
    for y in (0..strip.height).step_by(SIDE as usize) {
        for x in (0..strip.width).step_by(SIDE as usize) {
            let top = u32::try_from(strip.y).unwrap_or(0) + y;
            let (width, height) = (SIDE.min(strip.width - x), SIDE.min(strip.height - y));
            let block = PixelRect::new(i64::from(x), i64::from(top), width, height);
            match slide.read_region(index, block) {
                Ok(image) => bins.add(&image, x, top),
                Err(SlideError::Tile { .. }) => broken += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(broken)
}

/// Sums of level pixels per overview pixel.
struct Bins {
    level: (u32, u32),
    size: (u32, u32),
    sums: Vec<[u32; 4]>,
}

impl Bins {
    fn new(level: (u32, u32), size: (u32, u32)) -> Self {
        Self { level, size, sums: vec![[0; 4]; size.0 as usize * size.1 as usize] }
    }

    /// Adds an image whose left top corner is at `left`, `top` of the level.
    fn add(&mut self, image: &RgbImage, left: u32, top: u32) {
        let bin = |at: u32, level: u32, size: u32| {
            (u64::from(at) * u64::from(size) / u64::from(level)) as usize
        };
        let columns: Vec<usize> =
            (0..image.width()).map(|x| bin(left + x, self.level.0, self.size.0)).collect();
        for y in 0..image.height() {
            let row = bin(top + y, self.level.1, self.size.1) * self.size.0 as usize;
            for (pixel, column) in image.row(y).chunks_exact(3).zip(&columns) {
                // At most a level of 2^32 pixels of 255 falls into one bin only if the overview
                // is one pixel; saturation keeps even that from wrapping.
                let sum = &mut self.sums[row + column];
                for channel in 0..3 {
                    sum[channel] = sum[channel].saturating_add(u32::from(pixel[channel]));
                }
                sum[3] = sum[3].saturating_add(1);
            }
        }
    }

    fn any(&self) -> bool {
        self.sums.iter().any(|sum| sum[3] > 0)
    }

    fn into_image(self) -> RgbImage {
        let mut image = RgbImage::filled(self.size.0, self.size.1, [255; 3]);
        for (pixel, sum) in image.pixels_mut().chunks_exact_mut(3).zip(&self.sums) {
            if sum[3] > 0 {
                for channel in 0..3 {
                    pixel[channel] = ((sum[channel] + sum[3] / 2) / sum[3]).min(255) as u8;
                }
            }
        }
        image
    }
}
