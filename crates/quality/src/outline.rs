//! Outlines of masks in level-0 pixels.

use bianque_core::{GrayImage, Level0, Point, Polygon, geometry::trace_mask};

use crate::plane::Mask;

/// Outlines stay within this many mask pixels of the exact pixel edges.
const TOLERANCE: f64 = 0.75;

/// The outlines of a mask's regions, simplified, scaled to level 0 and kept inside the slide.
pub(crate) fn outlines(mask: &Mask, scale: (f64, f64), size: (u32, u32)) -> Vec<Polygon<Level0>> {
    let (Ok(width), Ok(height)) = (u32::try_from(mask.width), u32::try_from(mask.height)) else {
        return Vec::new();
    };
    let Ok(image) = GrayImage::from_pixels(width, height, mask.data.clone()) else {
        return Vec::new();
    };
    let to_level0 = |x: f64, y: f64| {
        Point::new((x * scale.0).min(f64::from(size.0)), (y * scale.1).min(f64::from(size.1)))
    };
    trace_mask(&image)
        .into_iter()
        .map(|polygon| polygon.simplified(TOLERANCE).map(|p| to_level0(p.x, p.y)))
        .collect()
}
