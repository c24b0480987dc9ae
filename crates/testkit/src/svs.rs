//! Writes synthetic slides in the shape of Aperio's SVS: pyramid, thumbnail, label, macro image.

use std::{fs, path::Path};

use bianque_core::{Level0, PixelRect, RgbImage};
use rayon::prelude::*;

use crate::{
    error::{Result, TestkitError},
    histology::{SlideRecipe, SyntheticSlide, Truth},
    pyramid::{PyramidWriter, level_sizes},
    tiff_writer::{Coding, Page, PageId, TiffWriter, resolution_tags},
};

/// Side of a tile in pixels.
const TILE: u32 = 256;
/// JPEG quality of pyramid, thumbnail and macro image.
const QUALITY: u8 = 85;
/// Levels of the pyramid where the slide is large enough: x1, x4, x16.
const LEVELS: usize = 3;
/// The line that makes readers take the file for Aperio's shape.
const SOFTWARE: &str = "Aperio Bianque Testkit v1";

/// Writes a recipe's slide and gives what is true of it.
///
/// # Errors
/// When the recipe is impossible or the file cannot be written; a half-written file is removed.
pub fn write_svs(recipe: &SlideRecipe, path: &Path) -> Result<Truth> {
    write_svs_with_progress(recipe, path, |_| {})
}

/// As [`write_svs`], telling the share that is done, 0 to 1, from time to time.
///
/// # Errors
/// As [`write_svs`].
pub fn write_svs_with_progress(
    recipe: &SlideRecipe,
    path: &Path,
    progress: impl Fn(f64),
) -> Result<Truth> {
    let slide = SyntheticSlide::new(recipe)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = write(&slide, &part, &progress).and_then(|()| {
        fs::rename(&part, path).map_err(|source| TestkitError::Io { path: path.to_owned(), source })
    });
    if let Err(error) = written {
        // The first error is the one to tell; the rest of the file is of no use.
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    Ok(slide.truth())
}

fn write(slide: &SyntheticSlide, path: &Path, progress: &impl Fn(f64)) -> Result<()> {
    let recipe = slide.recipe();
    let sizes = level_sizes(recipe.width, recipe.height, LEVELS);
    let mut writer = TiffWriter::create(path)?;
    // Aperio's order: level 0, thumbnail, further levels, label, macro image.
    let pages: Vec<Page> = sizes.iter().map(|size| level_page(recipe, *size)).collect();
    let first = writer.begin_page(pages[0].clone())?;
    let overview = Overview::new(recipe);
    let thumbnail = writer.begin_page(overview.page(recipe))?;
    let mut ids = vec![(first, &pages[0])];
    for page in &pages[1..] {
        ids.push((writer.begin_page(page.clone())?, page));
    }
    let thumbnail_image = write_levels(slide, &mut writer, &ids, overview, progress)?;
    writer.add_image(thumbnail, &thumbnail_image)?;
    write_label(recipe, &mut writer)?;
    write_macro(recipe, &mut writer, &thumbnail_image)?;
    writer.finish()
}

fn write_levels(
    slide: &SyntheticSlide,
    writer: &mut TiffWriter,
    ids: &[(PageId, &Page)],
    mut overview: Overview,
    progress: &impl Fn(f64),
) -> Result<RgbImage> {
    let recipe = slide.recipe();
    let mut pyramid = PyramidWriter::begin(ids, TILE)?;
    for y in (0..recipe.height).step_by(TILE as usize) {
        let band = render_band(slide, y, TILE.min(recipe.height - y))?;
        overview.add_band(y, &band);
        pyramid.add_band(writer, &band)?;
        progress(f64::from(y + band.height()) / f64::from(recipe.height));
    }
    overview.finish()
}

/// The slide's whole width from row `y` on, painted in parallel.
fn render_band(slide: &SyntheticSlide, y: u32, height: u32) -> Result<RgbImage> {
    let width = slide.recipe().width;
    let starts: Vec<u32> = (0..width).step_by(TILE as usize).collect();
    let tiles: Vec<RgbImage> = starts
        .into_par_iter()
        .map(|x| {
            let (x, y, width) = (i64::from(x), i64::from(y), TILE.min(width - x));
            slide.render(PixelRect::<Level0>::new(x, y, width, height))
        })
        .collect();
    let mut pixels = Vec::with_capacity(width as usize * height as usize * RgbImage::CHANNELS);
    for row in 0..height {
        tiles.iter().for_each(|tile| pixels.extend_from_slice(tile.row(row)));
    }
    RgbImage::from_pixels(width, height, pixels)
        .map_err(|error| TestkitError::Encode(error.to_string()))
}

pub(crate) fn level_page(recipe: &SlideRecipe, size: (u32, u32)) -> Page {
    let (width, height) = (recipe.width, recipe.height);
    let reduced =
        if size == (width, height) { String::new() } else { format!(" -> {}x{}", size.0, size.1) };
    let description = format!(
        "{SOFTWARE} \r\n{width}x{height} [0,0 {width}x{height}] ({TILE}x{TILE}){reduced} \
         JPEG/YCC Q={QUALITY}|AppMag = {}|MPP = {}",
        power(recipe.mpp),
        recipe.mpp
    );
    let mpp = recipe.mpp * f64::from(width) / f64::from(size.0);
    Page::tiled(size.0, size.1, TILE, Coding::jpeg(QUALITY))
        .described(description)
        .with_tags(resolution_tags(mpp))
}

/// The usual objective for a resolution: 20 at 0.5 um/px.
fn power(mpp: f64) -> f64 {
    (100.0 / mpp).round() / 10.0
}

/// The whole slide at about 1,000 px, gathered while level 0 passes by.
struct Overview {
    width: u32,
    height: u32,
    step: f64,
    sums: Vec<[u64; 4]>,
}

impl Overview {
    fn new(recipe: &SlideRecipe) -> Self {
        let step = (f64::from(recipe.width.max(recipe.height)) / 1024.0).max(1.0);
        let side = |length: u32| ((f64::from(length) / step) as u32).max(1);
        let (width, height) = (side(recipe.width), side(recipe.height));
        let sums = vec![[0; 4]; width as usize * height as usize];
        Self { width, height, step, sums }
    }

    fn page(&self, recipe: &SlideRecipe) -> Page {
        let (width, height) = (recipe.width, recipe.height);
        let description = format!(
            "{SOFTWARE} \r\n{width}x{height} -> {}x{} - |AppMag = {}|MPP = {}",
            self.width,
            self.height,
            power(recipe.mpp),
            recipe.mpp
        );
        Page::stripped(self.width, self.height, 16, Coding::jpeg(QUALITY)).described(description)
    }

    /// Every pixel counts in the pixel that it falls into.
    fn add_band(&mut self, top: u32, band: &RgbImage) {
        let place = |at: u32, count: u32| ((f64::from(at) / self.step) as u32).min(count - 1);
        let columns: Vec<usize> =
            (0..band.width()).map(|x| place(x, self.width) as usize).collect();
        for row in 0..band.height() {
            let start = place(top + row, self.height) as usize * self.width as usize;
            let sums = &mut self.sums[start..start + self.width as usize];
            for (column, pixel) in columns.iter().zip(band.row(row).chunks_exact(3)) {
                let sum = &mut sums[*column];
                (0..3).for_each(|channel| sum[channel] += u64::from(pixel[channel]));
                sum[3] += 1;
            }
        }
    }

    fn finish(self) -> Result<RgbImage> {
        let mean = |sum: &[u64; 4]| [0, 1, 2].map(|channel| (sum[channel] / sum[3].max(1)) as u8);
        let pixels = self.sums.iter().flat_map(mean).collect();
        RgbImage::from_pixels(self.width, self.height, pixels)
            .map_err(|error| TestkitError::Encode(error.to_string()))
    }
}

/// A label without text: paper with a block of squares that the seed chooses.
fn write_label(recipe: &SlideRecipe, writer: &mut TiffWriter) -> Result<()> {
    let (side, module) = (400_u32, 14_u32);
    let mut image = RgbImage::filled(side, side, [238, 236, 230]);
    let modules = 16;
    for row in 0..modules {
        for column in 0..modules {
            let edge = row == modules - 1 || column == 0;
            let bit = recipe.seed.rotate_left(row * 7 + column * 3).count_ones() + row * column;
            if !edge && bit.is_multiple_of(2) {
                continue;
            }
            for y in 0..module {
                for x in 0..module {
                    let at = (88 + column * module + x, 88 + row * module + y);
                    image.set_pixel(at.0, at.1, [34, 34, 38]);
                }
            }
        }
    }
    let page = Page::stripped(side, side, 7, Coding::Lzw { predictor: true })
        .described(format!("{SOFTWARE} \r\nlabel {side}x{side}"));
    writer.write_image(Page { subfile_type: 1, ..page }, &image)?;
    Ok(())
}

/// The whole glass as a camera sees it: label at the left, the scanned part in its place.
fn write_macro(recipe: &SlideRecipe, writer: &mut TiffWriter, thumbnail: &RgbImage) -> Result<()> {
    // 75 x 25 mm of glass.
    let (width, height) = (1280_u32, 427_u32);
    let per_pixel = 75_000.0 / f64::from(width);
    let mut image = RgbImage::filled(width, height, [226, 226, 224]);
    for y in 0..height {
        for x in 0..width * 3 / 10 {
            image.set_pixel(x, y, [238, 236, 230]);
        }
    }
    let shown = |pixels: u32, limit: u32| {
        ((f64::from(pixels) * recipe.mpp / per_pixel).ceil() as u32).clamp(1, limit)
    };
    let (w, h) = (shown(recipe.width, width * 6 / 10), shown(recipe.height, height - 20));
    let (left, top) = (width * 65 / 100 - w / 2, height / 2 - h / 2);
    for y in 0..h {
        for x in 0..w {
            let from = |at: u32, count: u32, source: u32| {
                (u64::from(at) * u64::from(source) / u64::from(count)) as u32
            };
            let pixel =
                thumbnail.pixel(from(x, w, thumbnail.width()), from(y, h, thumbnail.height()));
            image.set_pixel(left + x, top + y, pixel);
        }
    }
    let page = Page::stripped(width, height, 16, Coding::jpeg(QUALITY))
        .described(format!("{SOFTWARE} \r\nmacro {width}x{height}"));
    writer.write_image(Page { subfile_type: 9, ..page }, &image)?;
    Ok(())
}
