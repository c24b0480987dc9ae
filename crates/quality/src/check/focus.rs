//! Focus: how wide edges are.
//!
//! The usual measures (variance of the Laplacian, energy of a band, ratio to a blurred copy) tell
//! how much structure there is as much as how sharp it is: fat, mucus and pale stroma look blurred,
//! and a noisy defocused field looks sharp. The width of an edge, its height over its steepest
//! slope, does not depend on how much structure there is or how dark it is, only on the optics;
//! a field without edges is left unjudged instead of called blurred. After Marziliano et al.
//! (ICIP 2002), by blocks instead of along edges, so that a field costs one pass.

use crate::plane::Plane;

/// Edge of a block in pixels; edges wider than this cannot be told apart.
pub(super) const BLOCK: usize = 16;
/// Grey levels that a block must span at least to hold an edge: above coding noise.
const LEAST_RANGE: f32 = 16.0;
/// The same as a share of what the field spans: below it lies texture, not structure.
const RANGE_SHARE: f32 = 0.3;
/// A field that spans less has nothing to be judged by.
const LEAST_SPAN: f32 = 36.0;
/// Fewer blocks with an edge do not stand for a field.
const LEAST_BLOCKS: usize = 10;
/// The sharper edges of a field speak for its optics: soft things lie in sharp tissue too.
const SHARPER: f64 = 0.3;

/// The width of a field's sharper edges in pixels; `None` where it has too few edges to say.
pub(super) fn edge_width(luminance: &Plane<u8>) -> Option<f32> {
    let (low, high) = span(luminance)?;
    let needed = LEAST_RANGE.max(RANGE_SHARE * (high - low));
    let mut widths = Vec::new();
    for top in (1..luminance.height.saturating_sub(BLOCK)).step_by(BLOCK) {
        for left in (1..luminance.width.saturating_sub(BLOCK)).step_by(BLOCK) {
            let (range, slope) = block(luminance, left, top);
            if range >= needed && slope > 0.0 {
                widths.push(range / slope);
            }
        }
    }
    if widths.len() < LEAST_BLOCKS {
        return None;
    }
    let place = (widths.len() as f64 * SHARPER) as usize;
    let (_, width, _) = widths.select_nth_unstable_by(place, f32::total_cmp);
    Some(*width)
}

/// The 2nd and 98th of 100 luminances; `None` where they are too close.
fn span(luminance: &Plane<u8>) -> Option<(f32, f32)> {
    let mut counts = [0_u32; 256];
    luminance.data.iter().for_each(|value| counts[usize::from(*value)] += 1);
    let least = luminance.data.len() as u32 / 50;
    let mut seen = 0;
    let low = counts.iter().position(|count| {
        seen += count;
        seen > least
    })?;
    seen = 0;
    let high = 255
        - counts.iter().rev().position(|count| {
            seen += count;
            seen > least
        })?;
    let (low, high) = (low as f32, high as f32);
    (high - low >= LEAST_SPAN).then_some((low, high))
}

/// Range of a block's luminance and its steepest slope (Sobel, grey levels per pixel).
fn block(luminance: &Plane<u8>, left: usize, top: usize) -> (f32, f32) {
    let (mut low, mut high, mut steepest) = (255_u8, 0_u8, 0_i32);
    for y in top..top + BLOCK {
        let above = &luminance.row(y - 1)[left - 1..left + BLOCK + 1];
        let here = &luminance.row(y)[left - 1..left + BLOCK + 1];
        let below = &luminance.row(y + 1)[left - 1..left + BLOCK + 1];
        for x in 1..=BLOCK {
            let at = |row: &[u8], x: usize| i32::from(row[x]);
            low = low.min(here[x]);
            high = high.max(here[x]);
            let right = at(above, x + 1) + 2 * at(here, x + 1) + at(below, x + 1);
            let left = at(above, x - 1) + 2 * at(here, x - 1) + at(below, x - 1);
            let down = at(below, x - 1) + 2 * at(below, x) + at(below, x + 1);
            let up = at(above, x - 1) + 2 * at(above, x) + at(above, x + 1);
            let (across, along) = (right - left, down - up);
            steepest = steepest.max(across * across + along * along);
        }
    }
    (f32::from(high - low), (steepest as f32).sqrt() / 8.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dark disks on a light ground, blurred by a box of `2 * radius + 1` three times.
    fn disks(radius: usize, contrast: f64) -> Plane<u8> {
        let side = 194;
        let inside = |x: usize, y: usize| {
            let (dx, dy) = ((x % 24) as f64 - 12.0, (y % 24) as f64 - 12.0);
            dx.hypot(dy) < 7.0
        };
        let mut plane = Plane {
            width: side,
            height: side,
            data: (0..side * side)
                .map(|i| {
                    let dark = if inside(i % side, i / side) { contrast } else { 0.0 };
                    ((220.0 - dark) * 100.0) as u16
                })
                .collect::<Vec<u16>>(),
        };
        for _ in 0..3 {
            plane = crate::plane::box_mean(&plane, radius);
        }
        plane.map(|value| (value / 100) as u8)
    }

    #[test]
    fn blur_widens_edges_and_contrast_does_not() {
        let widths: Vec<f32> =
            (0..4).map(|radius| edge_width(&disks(radius, 120.0)).unwrap()).collect();
        assert!(widths.is_sorted(), "{widths:?}");
        assert!(widths[0] < 2.6 && widths[3] > 6.0, "{widths:?}");
        let pale = edge_width(&disks(1, 60.0)).unwrap();
        assert!((pale - widths[1]).abs() < 0.4, "{pale} {widths:?}");
    }

    #[test]
    fn a_field_without_edges_is_not_judged() {
        assert_eq!(edge_width(&Plane::filled(200, 200, 200_u8)), None);
        assert_eq!(edge_width(&disks(0, 20.0)), None);
        assert_eq!(edge_width(&Plane::filled(3, 3, 9_u8)), None);
        assert_eq!(edge_width(&Plane::filled(0, 0, 9_u8)), None);
    }
}
