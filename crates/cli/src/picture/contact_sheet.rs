//! The sheet that a check lays before a person: the slide with what is wrong outlined, and a crop of
//! each fault.

use bianque_core::{Level0, Polygon, RgbImage};

use super::{
    draw::{fill, line, paste},
    text,
};

/// Edge of a crop on the sheet.
pub(crate) const CROP: u32 = 300;
const MARGIN: u32 = 24;
const INK: [u8; 3] = [29, 39, 48];
const QUIET: [u8; 3] = [92, 107, 119];

/// One fault as it is shown.
pub(crate) struct Crop {
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) color: [u8; 3],
    /// Outlines on the slide.
    pub(crate) areas: Vec<Polygon<Level0>>,
    /// At most [`CROP`] pixels a side; absent where the whole slide is meant.
    pub(crate) image: Option<RgbImage>,
}

/// The sheet. `level0_per_pixel` is the thumbnail's scale.
pub(crate) fn contact_sheet(
    thumbnail: &RgbImage,
    level0_per_pixel: f64,
    heading: &str,
    subheading: &str,
    color: [u8; 3],
    crops: &[Crop],
) -> anyhow::Result<RgbImage> {
    const HEADER: u32 = 96;
    let cell = (CROP + MARGIN, CROP + 64);
    let rows = (thumbnail.height().max(cell.1) / cell.1).max(1);
    let columns = (crops.len() as u32).div_ceil(rows);
    let width = (thumbnail.width() + 2 * MARGIN + columns * cell.0).max(900);
    let height = HEADER + thumbnail.height().max(rows * cell.1) + MARGIN;
    let mut sheet = RgbImage::filled(width, height, [255; 3]);
    fill(&mut sheet, 0, 0, 12, HEADER - 16, color);
    for (words, top, height, color) in
        [(heading, 10.0, 40.0, color), (subheading, 54.0, 22.0, QUIET)]
    {
        let words = text::fitted(words, height, (width - 2 * MARGIN) as f32)?;
        text::draw(&mut sheet, MARGIN as f32, top, height, color, &words)?;
    }
    let mut outlined = thumbnail.clone();
    for crop in crops {
        for area in &crop.areas {
            outline(&mut outlined, area, level0_per_pixel, crop.color);
        }
    }
    paste(&mut sheet, &outlined, MARGIN, HEADER);
    for (index, crop) in crops.iter().enumerate() {
        let (column, row) = (index as u32 / rows, index as u32 % rows);
        let left = thumbnail.width() + 2 * MARGIN + column * cell.0;
        let top = HEADER + row * cell.1;
        draw_crop(&mut sheet, crop, left, top)?;
    }
    Ok(sheet)
}

fn draw_crop(sheet: &mut RgbImage, crop: &Crop, left: u32, top: u32) -> anyhow::Result<()> {
    fill(sheet, left, top, CROP, CROP, [244, 246, 248]);
    match &crop.image {
        Some(image) => paste(sheet, image, left, top),
        None => {
            let at = (left as f32 + 20.0, top as f32 + CROP as f32 / 2.0);
            text::draw(sheet, at.0, at.1, 20.0, QUIET, "the whole slide")?;
        }
    }
    fill(sheet, left, top + CROP, CROP, 5, crop.color);
    for (words, below, height, color) in
        [(&crop.title, 9, 20.0, INK), (&crop.note, 32, 15.0, QUIET)]
    {
        let words = text::fitted(words, height, CROP as f32)?;
        text::draw(sheet, left as f32, (top + CROP + below) as f32, height, color, &words)?;
    }
    Ok(())
}

fn outline(image: &mut RgbImage, area: &Polygon<Level0>, scale: f64, color: [u8; 3]) {
    for ring in std::iter::once(&area.outer).chain(&area.holes) {
        let places: Vec<(f64, f64)> = ring.iter().map(|p| (p.x / scale, p.y / scale)).collect();
        for (index, from) in places.iter().enumerate() {
            if let Some(to) = places.get((index + 1) % places.len()) {
                line(image, *from, *to, color);
            }
        }
    }
}
