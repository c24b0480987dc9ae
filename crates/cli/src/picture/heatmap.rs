//! The heat layer over the thumbnail, with scale bar and legend.

use anyhow::Context;
use bianque_core::{Level0, Mpp, PixelRect, RgbImage};

use super::{
    draw::{fill, paste},
    text,
};

/// One analysed tile: where, and how strongly which lesion label.
pub(crate) struct HeatCell {
    /// The tile's own share of the slide, in level-0 pixels.
    pub(crate) place: PixelRect<Level0>,
    /// Probability of any lesion, 0 to 1.
    pub(crate) probability: f32,
    /// Colour of the most probable lesion label.
    pub(crate) color: [u8; 3],
}

/// Probabilities painted as colour with transparency, in the thumbnail's pixels.
pub(crate) struct HeatLayer {
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// RGBA, row by row.
    pub(crate) pixels: Vec<u8>,
}

/// Below this probability nothing is painted: the tissue stays readable.
const FAINTEST: f32 = 0.15;

impl HeatLayer {
    /// Paints cells for a slide of `slide_width` level-0 pixels on a picture of the given size.
    pub(crate) fn paint(width: u32, height: u32, slide_width: u32, cells: &[HeatCell]) -> Self {
        let mut layer = Self { width, height, pixels: vec![0; (width * height * 4) as usize] };
        let scale = f64::from(width) / f64::from(slide_width.max(1));
        for cell in cells.iter().filter(|cell| cell.probability >= FAINTEST) {
            let to = |value: i64, limit: u32| {
                ((value as f64 * scale).round().max(0.0) as u32).min(limit)
            };
            let (left, right) = (to(cell.place.x, width), to(cell.place.right(), width));
            let (top, bottom) = (to(cell.place.y, height), to(cell.place.bottom(), height));
            let strength = (cell.probability - FAINTEST) / (1.0 - FAINTEST);
            let alpha = (60.0 + 195.0 * strength) as u8;
            for y in top..bottom {
                for x in left..right {
                    let at = ((y * width + x) * 4) as usize;
                    if layer.pixels[at + 3] < alpha {
                        layer.pixels[at..at + 3].copy_from_slice(&cell.color);
                        layer.pixels[at + 3] = alpha;
                    }
                }
            }
        }
        layer
    }

    fn over(&self, image: &mut RgbImage) {
        for (under, over) in image.pixels_mut().chunks_exact_mut(3).zip(self.pixels.chunks_exact(4))
        {
            let share = f32::from(over[3]) / 255.0 * 0.6;
            for channel in 0..3 {
                let mixed =
                    f32::from(under[channel]) * (1.0 - share) + f32::from(over[channel]) * share;
                under[channel] = mixed.round() as u8;
            }
        }
    }
}

/// The thumbnail under the heat layer, with a legend row below, words on its standing beside it,
/// and a scale bar where a scale is known.
pub(crate) fn annotated(
    thumbnail: &RgbImage,
    heat: &HeatLayer,
    slide_width: u32,
    mpp: Option<&Mpp>,
    legend: &[(String, [u8; 3])],
    standing: &str,
) -> anyhow::Result<RgbImage> {
    let mut painted = thumbnail.clone();
    heat.over(&mut painted);
    let unit = (painted.width().max(600) / 60).clamp(12, 28);
    let footer = unit * 3;
    let width = painted.width().max(unit * 34);
    let mut sheet = RgbImage::filled(width, painted.height() + footer, [255; 3]);
    paste(&mut sheet, &painted, 0, 0);
    let top = painted.height() as f32 + unit as f32;
    if let Some(mpp) = mpp {
        let micron_per_pixel = mpp.x() * f64::from(slide_width) / f64::from(painted.width());
        draw_scale_bar(&mut sheet, painted.height() + unit, unit, micron_per_pixel)?;
    }
    let mut x = (unit * 14) as f32;
    for (name, color) in legend {
        fill(&mut sheet, x as u32, top as u32, unit, unit, *color);
        x += unit as f32 * 1.4;
        x += text::draw(&mut sheet, x, top, unit as f32 * 1.1, [40; 3], name)?;
        x += unit as f32 * 1.6;
    }
    text::draw(&mut sheet, x, top, unit as f32 * 1.1, [130; 3], standing)?;
    Ok(sheet)
}

fn draw_scale_bar(
    sheet: &mut RgbImage,
    y: u32,
    unit: u32,
    micron_per_pixel: f64,
) -> anyhow::Result<()> {
    const LENGTHS: [u32; 12] = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000];
    let room = f64::from(unit * 7) * micron_per_pixel;
    let microns = LENGTHS
        .into_iter()
        .rfind(|length| f64::from(*length) <= room)
        .or(LENGTHS.first().copied())
        .context("no scale bar length")?;
    let length = (f64::from(microns) / micron_per_pixel).round() as u32;
    fill(sheet, unit, y + unit / 2, length, (unit / 4).max(2), [30; 3]);
    let label =
        if microns >= 1_000 { format!("{} mm", microns / 1_000) } else { format!("{microns} µm") };
    let x = (unit + length) as f32 + unit as f32 * 0.5;
    text::draw(sheet, x, y as f32, unit as f32 * 1.1, [40; 3], &label)?;
    Ok(())
}
