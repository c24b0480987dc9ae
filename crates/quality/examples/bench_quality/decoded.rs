//! A window of a slide, decoded once and turned, as a slide of its own: hundreds of artefacts are
//! planted into it, and decoding would be most of the time.

use bianque_core::{AtLevel, Level0, PixelRect, Point, RgbImage};
use bianque_slide::{RawTile, Slide, SlideError, SlideFacts, TileIndex};

type Result<T> = std::result::Result<T, SlideError>;

/// JPEG's blocks, two by two where colour is coded at half: windows lie on whole ones.
pub(crate) const ALIGNED: u32 = 16;
/// Rows that are decoded at a time.
const BAND: u32 = 512;

/// How a window is laid: eight ways.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Turn(pub(crate) u32);

/// The window's pixels, and each time at half the size.
pub(crate) struct Decoded<'a> {
    base: &'a dyn Slide,
    facts: SlideFacts,
    levels: Vec<RgbImage>,
}

impl<'a> Decoded<'a> {
    /// Decodes a window whose corner and size are multiples of [`ALIGNED`].
    pub(crate) fn new(
        base: &'a dyn Slide,
        window: PixelRect<Level0>,
        turn: Turn,
    ) -> std::result::Result<Self, crate::Failure> {
        let mut pixels = Vec::new();
        for y in (0..window.height).step_by(BAND as usize) {
            let height = BAND.min(window.height - y);
            let band = PixelRect::new(window.x, window.y + i64::from(y), window.width, height);
            pixels.extend(base.read_region(0, band)?.into_pixels());
        }
        let image = turned(&RgbImage::from_pixels(window.width, window.height, pixels)?, turn);
        let mut facts = base.facts().clone();
        facts.associated.clear();
        facts.levels.truncate(1);
        for level in &mut facts.levels {
            (level.width, level.height) = (image.width(), image.height());
        }
        let mut levels = vec![image];
        while let Some(last) = levels.last().filter(|last| last.width().min(last.height()) >= 64) {
            let next = halved(last);
            levels.push(next);
        }
        Ok(Self { base, facts, levels })
    }
}

impl Slide for Decoded<'_> {
    fn facts(&self) -> &SlideFacts {
        &self.facts
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        // Any tile says how all are coded.
        self.base.raw_tile(level, tile)
    }

    fn read_region(&self, level: usize, region: PixelRect<AtLevel>) -> Result<RgbImage> {
        let image = &self.levels[level.min(self.levels.len() - 1)];
        let mut out = RgbImage::filled(region.width, region.height, [255; 3]);
        let left = region.x.clamp(0, i64::from(image.width()));
        let right = (region.x + i64::from(region.width)).clamp(left, i64::from(image.width()));
        let length = (right - left) as usize * 3;
        let stride = region.width as usize * 3;
        for row in 0..region.height {
            let y = region.y + i64::from(row);
            if y < 0 || y >= i64::from(image.height()) || length == 0 {
                continue;
            }
            let at = row as usize * stride + (left - region.x) as usize * 3;
            let from = &image.row(y as u32)[left as usize * 3..][..length];
            out.pixels_mut()[at..at + length].copy_from_slice(from);
        }
        Ok(out)
    }

    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        let step = self.facts.mpp.as_ref().map_or(1.0, |own| mpp / own.mean());
        self.read_scaled(origin, step, width, height)
    }

    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        let finest = (step * 1.01).log2().floor().max(0.0) as usize;
        let level = finest.min(self.levels.len() - 1);
        let downsample = f64::from(1_u32 << level);
        let (x, y, step) = (origin.x / downsample, origin.y / downsample, step / downsample);
        if step == 1.0 && x.fract() == 0.0 && y.fract() == 0.0 {
            return self.read_region(level, PixelRect::new(x as i64, y as i64, width, height));
        }
        Ok(interpolated(&self.levels[level], (x, y), step, width, height))
    }

    fn associated_image(&self, name: &str) -> Result<RgbImage> {
        self.base.associated_image(name)
    }
}

fn turned(image: &RgbImage, turn: Turn) -> RgbImage {
    let (width, height) = (image.width(), image.height());
    let (across, right, down) = (turn.0 & 1 != 0, turn.0 & 2 != 0, turn.0 & 4 != 0);
    let (new_width, new_height) = if across { (height, width) } else { (width, height) };
    let mut pixels = Vec::with_capacity(image.pixels().len());
    for y in 0..new_height {
        for x in 0..new_width {
            let (x, y) = if across { (y, x) } else { (x, y) };
            let x = if right { width - 1 - x } else { x };
            let y = if down { height - 1 - y } else { y };
            pixels.extend(image.pixel(x, y));
        }
    }
    RgbImage::from_pixels(new_width, new_height, pixels).unwrap()
}

/// Means of two by two pixels.
fn halved(image: &RgbImage) -> RgbImage {
    let (width, height) = (image.width() / 2, image.height() / 2);
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        let (upper, lower) = (image.row(2 * y), image.row(2 * y + 1));
        for (above, below) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for c in 0..3 {
                let sum = [above[c], above[c + 3], below[c], below[c + 3]];
                let sum: u16 = sum.into_iter().map(u16::from).sum();
                pixels.push(((sum + 2) / 4) as u8);
            }
        }
    }
    RgbImage::from_pixels(width, height, pixels).unwrap()
}

/// Between the four nearest pixels; white outside.
fn interpolated(
    image: &RgbImage,
    origin: (f64, f64),
    step: f64,
    width: u32,
    height: u32,
) -> RgbImage {
    let mut out = RgbImage::filled(width, height, [255; 3]);
    let place = |origin: f64, at: u32, length: u32| {
        let place = origin + (f64::from(at) + 0.5) * step - 0.5;
        let inside = place > -1.0 && place < f64::from(length);
        let held = place.clamp(0.0, f64::from(length - 1));
        inside.then(|| (held as u32, (held as u32 + 1).min(length - 1), held.fract() as f32))
    };
    let columns: Vec<_> = (0..width).map(|x| place(origin.0, x, image.width())).collect();
    for y in 0..height {
        let Some((top, bottom, down)) = place(origin.1, y, image.height()) else { continue };
        let (upper, lower) = (image.row(top), image.row(bottom));
        let start = y as usize * width as usize * 3;
        let row = &mut out.pixels_mut()[start..start + width as usize * 3];
        for (pixel, column) in row.chunks_exact_mut(3).zip(&columns) {
            let Some((left, right, aside)) = column else { continue };
            let (left, right) = (*left as usize * 3, *right as usize * 3);
            for (c, value) in pixel.iter_mut().enumerate() {
                let mix = |a: u8, b: u8, t: f32| f32::from(a) + (f32::from(b) - f32::from(a)) * t;
                let above = mix(upper[left + c], upper[right + c], *aside);
                let below = mix(lower[left + c], lower[right + c], *aside);
                *value = (above + (below - above) * down).round() as u8;
            }
        }
    }
    out
}
