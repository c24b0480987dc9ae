//! Tissue on the macro image that the scan lacks.
//!
//! The scan's place on the macro image is taken from the green frame that Aperio scanners draw
//! there, else by laying the scan's tissue over the macro's.

use bianque_core::{Confidence, Mpp, MppSource, RgbImage};

use super::{border, scene::Scene};
use crate::{Overview, Reason, Tissue, TissueSettings, components::Components, plane::Mask};

/// A glass slide is 25 to 26 mm high (ISO 8037-1: 76 x 26 mm); the macro image shows all of it.
const GLASS_HEIGHT_UM: f64 = 25_400.0;
/// Smaller pieces on the macro image are dust.
const LEAST_PIECE_MM2: f64 = 0.3;
/// The scan's frame is this much larger than its tissue needs: a scanner's camera is not exact.
const SLACK_UM: f64 = 700.0;
/// Overlap of both tissues from which the scan's place is believed.
const LEAST_OVERLAP: f64 = 0.5;

/// What the macro image says.
pub(super) enum Macro {
    Absent,
    /// The file is a part of a scan: what lies outside is left out by intent.
    CutOut,
    NotJudged(String),
    Judged {
        missing_mm2: f64,
        pieces: usize,
    },
}

/// A rectangle in macro pixels.
#[derive(Copy, Clone, Debug, PartialEq)]
struct Frame {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

pub(super) fn missing_tissue(scene: &Scene<'_>) -> Macro {
    let facts = scene.slide.facts();
    if !facts.associated.iter().any(|name| name == "macro") {
        return Macro::Absent;
    }
    let description = facts.properties.get("tiff.ImageDescription");
    if description.is_some_and(|text| border::is_cut_out(text)) {
        return Macro::CutOut;
    }
    let image = match scene.slide.associated_image("macro") {
        Ok(image) => image,
        Err(error) => return Macro::NotJudged(error.to_string()),
    };
    let short = image.width().min(image.height());
    if short < 100 {
        return Macro::NotJudged(format!("it is {} x {} px", image.width(), image.height()));
    }
    let frame = green_frame(&image);
    // The frame is the scan, so it tells the scale better than the glass: a macro shows more.
    let scan_um =
        scene.um_known.then(|| f64::from(scene.overview.bounds.width) * scene.level0_um());
    let um = match (frame, scan_um) {
        (Some(frame), Some(scan)) => scan / (frame.right - frame.left),
        _ => GLASS_HEIGHT_UM / f64::from(short),
    };
    let tissue = match macro_tissue(image, frame, um) {
        Ok(tissue) => tissue,
        Err(why) => return Macro::NotJudged(why),
    };
    let Some(frame) = frame.or_else(|| place_by_overlap(scene, &tissue, um)) else {
        return Macro::NotJudged("the scan's place on it was not found".into());
    };
    let slack = SLACK_UM / um;
    let outside = |x: usize, y: usize| {
        let (x, y) = (x as f64 + 0.5, y as f64 + 0.5);
        x < frame.left - slack
            || x > frame.right + slack
            || y < frame.top - slack
            || y > frame.bottom + slack
    };
    let mut missing = tissue.clone();
    for (at, set) in missing.data.iter_mut().enumerate() {
        *set &= u8::from(outside(at % tissue.width, at / tissue.width));
    }
    let mm2 = |pixels: usize| pixels as f64 * um * um / 1e6;
    let pieces: Vec<f64> = Components::of(&missing)
        .list
        .iter()
        .map(|piece| mm2(piece.area))
        .filter(|area| *area >= LEAST_PIECE_MM2)
        .collect();
    Macro::Judged { missing_mm2: pieces.iter().sum(), pieces: pieces.len() }
}

/// The tissue of the macro image; its frame is painted over first.
fn macro_tissue(mut image: RgbImage, frame: Option<Frame>, um: f64) -> Result<Mask, String> {
    if frame.is_some() {
        for pixel in image.pixels_mut().chunks_exact_mut(3) {
            if is_frame_colour(pixel) {
                pixel.copy_from_slice(&[243; 3]);
            }
        }
    }
    let (width, height) = (image.width() as usize, image.height() as usize);
    let mpp = Mpp::new(um, um, MppSource::Resolution("glass height".into()), Confidence::Low);
    let settings = TissueSettings { mask_mpp: um, ..TissueSettings::default() };
    let overview = Overview::from_image(image, mpp);
    let tissue = Tissue::find(&overview, &settings).map_err(|error| error.to_string())?;
    let is_tissue = |code: &u8| u8::from(*code == Reason::Tissue.code());
    let mask =
        Mask { width, height, data: tissue.reasons.pixels().iter().map(is_tissue).collect() };
    // What touches the image's border is the label, the clamp or the table, no tissue.
    let components = Components::of(&mask);
    Ok(components.keep(|_, component| component.border == 0))
}

fn is_frame_colour(pixel: &[u8]) -> bool {
    pixel[1] > 200 && pixel[0] < 90 && pixel[2] < 90
}

/// The frame of pure green lines, if the scanner drew one.
fn green_frame(image: &RgbImage) -> Option<Frame> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (mut columns, mut rows) = (vec![0_usize; width], vec![0_usize; height]);
    for (at, pixel) in image.pixels().chunks_exact(3).enumerate() {
        if is_frame_colour(pixel) {
            columns[at % width] += 1;
            rows[at / width] += 1;
        }
    }
    // A side is a line of at least a fiftieth of the image.
    let ends = |counts: &[usize], least: usize| {
        let first = counts.iter().position(|count| *count >= least)?;
        let last = counts.iter().rposition(|count| *count >= least)?;
        (last > first + 4).then_some((first as f64, last as f64 + 1.0))
    };
    let (left, right) = ends(&columns, (height / 50).max(8))?;
    let (top, bottom) = ends(&rows, (width / 50).max(8))?;
    Some(Frame { left, top, right, bottom })
}

/// The place at which the scan's tissue covers the macro's best.
fn place_by_overlap(scene: &Scene<'_>, tissue: &Mask, um: f64) -> Option<Frame> {
    if !scene.um_known {
        return None;
    }
    let factor = scene.um / um;
    let width = (scene.tissue_mask.width as f64 * factor).round() as usize;
    let height = (scene.tissue_mask.height as f64 * factor).round() as usize;
    if width < 4 || height < 4 || width > tissue.width || height > tissue.height {
        return None;
    }
    let scan = shrunk(&scene.tissue_mask, width, height);
    let wanted = scan.count();
    let step = 2;
    let mut best = (0.0, 0, 0);
    for top in (0..=tissue.height - height).step_by(step) {
        for left in (0..=tissue.width - width).step_by(step) {
            let (mut both, mut there) = (0, 0);
            for y in (0..height).step_by(step) {
                let own = scan.row(y);
                let other = &tissue.row(top + y)[left..left + width];
                for x in (0..width).step_by(step) {
                    both += usize::from(own[x] & other[x]);
                    there += usize::from(other[x]);
                }
            }
            let either = (wanted / (step * step) + there).saturating_sub(both).max(1);
            let overlap = both as f64 / either as f64;
            if overlap > best.0 {
                best = (overlap, left, top);
            }
        }
    }
    (best.0 >= LEAST_OVERLAP).then(|| Frame {
        left: best.1 as f64,
        top: best.2 as f64,
        right: (best.1 + width) as f64,
        bottom: (best.2 + height) as f64,
    })
}

fn shrunk(mask: &Mask, width: usize, height: usize) -> Mask {
    let mut out = Mask::filled(width, height, 0);
    for y in 0..height {
        for x in 0..width {
            let (sx, sy) = (x * mask.width / width, y * mask.height / height);
            out.data[y * width + x] = mask.data[sy * mask.width + sx];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_green_frame_is_read() {
        let mut image = RgbImage::filled(600, 200, [240; 3]);
        for x in 100..300 {
            for y in [50, 51, 149, 150] {
                image.set_pixel(x, y, [0, 255, 0]);
            }
        }
        for y in 50..151 {
            for x in [100, 101, 298, 299] {
                image.set_pixel(x, y, [0, 255, 0]);
            }
        }
        let frame = green_frame(&image).unwrap();
        assert_eq!(frame, Frame { left: 100.0, top: 50.0, right: 300.0, bottom: 151.0 });
        assert_eq!(green_frame(&RgbImage::filled(600, 200, [240; 3])), None);
    }
}
