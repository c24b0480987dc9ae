//! Faults that live in a file: coarse or double coding, broken tiles, tissue that was not scanned.
//!
//! A [`Scan`] is a picture with everything that a scanner writes beside it; [`write_scan`] makes it
//! an Aperio-shaped SVS, however absurd: 1 x 1 pixels, pure black, without macro image.

mod coding;
mod macro_image;

use std::path::Path;

use bianque_core::{AtLevel, PixelRect, RgbImage};

pub use coding::{compressed, recompressed};
pub use macro_image::{MACRO_PIXELS_PER_MM, MacroImage, Piece};

use crate::{
    error::Result,
    histology::{SlideRecipe, noise::hash},
    pyramid::{averaged, level_sizes},
    svs::level_page,
    tiff_writer::{Coding, Page, TiffWriter, crop},
};

/// Side of a tile in pixels.
const TILE: u32 = 256;
/// JPEG quality of everything but the pyramid.
const QUALITY: u8 = 85;

/// What became of a tile of level 0.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Its bytes are noise.
    Noise,
    /// Its bytes are zeros, as after a failed copy.
    Zeros,
    /// The file leaves it out (offset and count 0).
    LeftOut,
}

/// A scanned slide about to be written.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Level 0.
    pub image: RgbImage,
    /// Microns per level-0 pixel.
    pub mpp: f64,
    /// JPEG quality of the pyramid, 1 to 100.
    pub quality: u8,
    /// Damaged tiles of level 0 by column and row.
    pub damaged: Vec<((u32, u32), Damage)>,
    /// The camera's picture of the whole glass; `None` where the scanner kept none.
    pub macro_image: Option<MacroImage>,
}

impl Scan {
    /// A flawless scan without a macro image, JPEG quality 85.
    #[must_use]
    pub fn of(image: RgbImage, mpp: f64) -> Self {
        Self { image, mpp, quality: QUALITY, damaged: Vec::new(), macro_image: None }
    }

    /// A scan of nothing but one colour: glass, or black.
    #[must_use]
    pub fn plain(width: u32, height: u32, colour: [u8; 3], mpp: f64) -> Self {
        Self::of(RgbImage::filled(width, height, colour), mpp)
    }

    /// The same scan with the macro image of a glass of which it holds one piece of tissue and
    /// leaves out `other`, a picture at the scan's own scale.
    #[must_use]
    pub fn missing(self, other: RgbImage) -> Self {
        let macro_image = MacroImage::of_scan(&self.image, self.mpp).with_piece_beside(other);
        Self { macro_image: Some(macro_image), ..self }
    }
}

/// Writes a scan as SVS: level 0, thumbnail, further levels, macro image.
///
/// # Errors
/// When the scan has no pixels or the file cannot be written.
pub fn write_scan(scan: &Scan, path: &Path) -> Result<()> {
    let (width, height) = (scan.image.width(), scan.image.height());
    let recipe = SlideRecipe::healthy(0, width, height, scan.mpp);
    let place = scan.macro_image.as_ref().map_or_else(String::new, MacroImage::place_properties);
    let mut writer = TiffWriter::create(path)?;
    let mut level = scan.image.clone();
    for (number, size) in level_sizes(width, height, 3).into_iter().enumerate() {
        if number > 0 {
            let pixels = averaged(&level, size.0, size.1);
            level = RgbImage::from_pixels(size.0, size.1, pixels)
                .map_err(|error| crate::TestkitError::Encode(error.to_string()))?;
        }
        let mut page = level_page(&recipe, size);
        page.coding = Coding::jpeg(scan.quality);
        page.description = page.description.map(|text| text + &place);
        let damaged = if number == 0 { scan.damaged.as_slice() } else { &[] };
        write_level(&mut writer, page, &level, damaged)?;
        if number == 0 {
            let page = Page::stripped(1, 1, 16, Coding::jpeg(QUALITY));
            let thumbnail = thumbnail(&scan.image);
            let page = Page { width: thumbnail.width(), height: thumbnail.height(), ..page };
            writer.write_image(page, &thumbnail)?;
        }
    }
    if let Some(macro_image) = &scan.macro_image {
        let image = macro_image.render();
        let (width, height) = (image.width(), image.height());
        let page = Page::stripped(width, height, 16, Coding::jpeg(QUALITY))
            .described(format!("Aperio Bianque Testkit v1 \r\nmacro {width}x{height}"));
        writer.write_image(Page { subfile_type: 9, ..page }, &image)?;
    }
    writer.finish()
}

fn write_level(
    writer: &mut TiffWriter,
    page: Page,
    image: &RgbImage,
    damaged: &[((u32, u32), Damage)],
) -> Result<()> {
    let id = writer.begin_page(page)?;
    for row in 0..image.height().div_ceil(TILE) {
        for column in 0..image.width().div_ceil(TILE) {
            match damaged.iter().find(|(tile, _)| *tile == (column, row)) {
                Some((_, Damage::LeftOut)) => writer.add_coded(id, None)?,
                Some((_, Damage::Zeros)) => writer.add_coded(id, Some(&[0; 4096]))?,
                Some((_, Damage::Noise)) => {
                    let noise: Vec<u8> =
                        (0..4096).map(|at| hash(column, row as i32, at) as u8).collect();
                    writer.add_coded(id, Some(&noise))?;
                }
                None => {
                    let (x, y) = (column * TILE, row * TILE);
                    let (width, height) =
                        (TILE.min(image.width() - x), TILE.min(image.height() - y));
                    let rect = PixelRect::<AtLevel>::new(i64::from(x), i64::from(y), width, height);
                    writer.add_cells(id, &[crop(image, rect)?])?;
                }
            }
        }
    }
    Ok(())
}

/// The whole picture with at most 512 pixels along its longer side.
fn thumbnail(image: &RgbImage) -> RgbImage {
    let step = f64::from(image.width().max(image.height())) / 512.0;
    resized(image, step.max(1.0))
}

/// A picture in which `step` pixels of the old are one, each the mean of what it covers.
fn resized(image: &RgbImage, step: f64) -> RgbImage {
    let side = |length: u32| ((f64::from(length) / step) as u32).max(1);
    let mut out = RgbImage::filled(side(image.width()), side(image.height()), [0; 3]);
    let span = |at: u32, length: u32| {
        let start = ((f64::from(at) * step) as u32).min(length - 1);
        start..((f64::from(at + 1) * step) as u32).clamp(start + 1, length)
    };
    for y in 0..out.height() {
        for x in 0..out.width() {
            let (mut sum, mut count) = ([0_u64; 3], 0);
            for row in span(y, image.height()) {
                for column in span(x, image.width()) {
                    let pixel = image.pixel(column, row);
                    sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u64::from(value));
                    count += 1;
                }
            }
            out.set_pixel(x, y, sum.map(|sum| (sum / count) as u8));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scan_becomes_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan.svs");
        let glass = Scan::plain(700, 300, [243; 3], 0.5);
        let damaged =
            vec![((0, 0), Damage::Noise), ((1, 0), Damage::Zeros), ((2, 1), Damage::LeftOut)];
        for scan in [
            Scan::plain(1, 1, [243; 3], 0.5),
            Scan::plain(300, 300, [0; 3], 0.25),
            Scan { quality: 5, damaged, ..glass.clone() },
            Scan::plain(600, 500, [220, 120, 170], 8.0).missing(RgbImage::filled(
                400,
                400,
                [200, 110, 160],
            )),
        ] {
            write_scan(&scan, &path).unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() > 500);
        }
        assert!(write_scan(&Scan::plain(0, 5, [0; 3], 0.5), &path).is_err());
    }

    #[test]
    fn pictures_shrink_by_their_mean() {
        let mut image = RgbImage::filled(4, 2, [10; 3]);
        image.set_pixel(0, 0, [50; 3]);
        assert_eq!(resized(&image, 2.0).pixels(), [20, 20, 20, 10, 10, 10]);
    }
}
