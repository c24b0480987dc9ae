//! The slide at low power: pixels, and where they lie.

use bianque_core::{Level0, Mpp, PixelRect, Point, RgbImage};
use bianque_slide::{Slide, SlideError};

use crate::{QualityError, Result, TissueSettings};

/// Side in overview pixels of the blocks that are read one by one once a tile is broken.
const RESCUE_BLOCK: u32 = 64;

/// Without a scale the overview's longer side has about so many pixels.
const LONG_SIDE: f64 = 2048.0;

/// Small slides keep at least so many pixels on their longer side, if they have them.
const LEAST_LONG_SIDE: f64 = 512.0;

/// A scan without a scale is taken to be at least so long.
const LEAST_SCAN_UM: f64 = 3000.0;

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
        let step = level0_per_pixel(&bounds, facts.mpp.as_ref(), settings);
        let (width, height) = (pixels(bounds.width, step), pixels(bounds.height, step));
        let read = |x: u32, y: u32, width: u32, height: u32| {
            let origin = Point::new(f64::from(x) * step, f64::from(y) * step);
            slide.read_scaled(origin, step, width, height)
        };
        let (image, unreadable_blocks) = match read(0, 0, width, height) {
            Ok(image) => (image, 0),
            Err(error @ SlideError::Tile { .. }) => rescue(error, width, height, read)?,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { image, scale: (step, step), bounds, mpp: facts.mpp.clone(), unreadable_blocks })
    }

    /// Microns per overview pixel for filter sizes, assumed where the slide states none.
    pub(crate) fn filter_mpp(&self) -> f64 {
        let scale = (self.scale.0 * self.scale.1).sqrt();
        match &self.mpp {
            Some(mpp) => mpp.mean() * scale,
            None => {
                let long = f64::from(self.image.width().max(self.image.height()));
                // A small file without a scale is as often a whole scan at low power as a cut-out
                // at high power: filters that are too small do less harm than too large ones.
                (TissueSettings::ASSUMED_MPP * scale).max(LEAST_SCAN_UM / long)
            }
        }
    }
}

/// Level-0 pixels per overview pixel.
fn level0_per_pixel(
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

/// As many pixels as cover a length; a last pixel with less than half inside is left out.
fn pixels(length: u32, step: f64) -> u32 {
    ((f64::from(length) / step).round() as u32).clamp(1, length.max(1))
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
