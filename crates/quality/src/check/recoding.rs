//! Traces of an earlier coding: JPEG's 8-pixel blocks on a grid that is not this file's.
//!
//! A slide that was exported, cropped and coded again keeps the steps between the blocks of its
//! first coding, weakly, at another phase of the grid; JPEG 2000 and raw files have no grid of
//! their own at all. Sums of differences by phase show it (after Luo et al., ICASSP 2007).

use bianque_core::Point;
use bianque_slide::Codec;

use super::{fields::luminance, scene::Scene};
use crate::plane::Plane;

const PERIOD: usize = 8;
/// Places that are looked at, and their edge in level-0 pixels.
const PLACES: usize = 12;
const SIDE: u32 = 256;
/// A place with less tissue says nothing.
const LEAST_TISSUE: f64 = 0.9;
/// The phase of this file's own blocks: tiles begin at multiples of 8, so the step lies behind the
/// eighth pixel.
const OWN: usize = PERIOD - 1;

/// The mean difference at the strongest foreign phase over that at the median phase, along the
/// axis where it is smaller; `None` without enough tissue. 1 is no trace.
pub(super) fn foreign_grid(scene: &Scene<'_>, codec: Option<Codec>) -> Option<f64> {
    let mut sums = [[0_u64; PERIOD]; 2];
    let mut seen = 0;
    for origin in places(scene) {
        let at = Point::new(f64::from(origin.0), f64::from(origin.1));
        if let Ok(image) = scene.slide.read_scaled(at, 1.0, SIDE, SIDE) {
            add(&mut sums, &luminance(&image));
            seen += 1;
        }
    }
    let own = (codec == Some(Codec::Jpeg)).then_some(OWN);
    (seen > 0).then(|| sums.map(|sums| strongest(sums, own)).into_iter().fold(f64::MAX, f64::min))
}

/// Places full of tissue, spread over the slide, on whole blocks.
fn places(scene: &Scene<'_>) -> Vec<(u32, u32)> {
    let bounds = scene.overview.bounds;
    let (columns, rows) = (bounds.width / SIDE, bounds.height / SIDE);
    let all: Vec<(u32, u32)> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column * SIDE, row * SIDE)))
        .filter(|(x, y)| {
            let rect = bianque_core::PixelRect::new(i64::from(*x), i64::from(*y), SIDE, SIDE);
            scene.tissue.tissue_fraction(rect) >= LEAST_TISSUE
        })
        .collect();
    let step = all.len().div_ceil(PLACES).max(1);
    all.into_iter().step_by(step).collect()
}

/// Adds differences between neighbours by the phase of the first one.
fn add(sums: &mut [[u64; PERIOD]; 2], plane: &Plane<u8>) {
    for y in 0..plane.height.saturating_sub(1) {
        let (row, below) = (plane.row(y), plane.row(y + 1));
        // The last difference of a place has no partner at the other phases.
        for (x, pair) in row.windows(2).enumerate().take(plane.width - PERIOD) {
            sums[0][x % PERIOD] += u64::from(pair[0].abs_diff(pair[1]));
        }
        if y < plane.height - PERIOD {
            let differences = row.iter().zip(below).map(|(a, b)| u64::from(a.abs_diff(*b)));
            sums[1][y % PERIOD] += differences.sum::<u64>();
        }
    }
}

/// The strongest of the phases but the own one, over their median.
fn strongest(sums: [u64; PERIOD], own: Option<usize>) -> f64 {
    let mut foreign: Vec<u64> =
        (0..PERIOD).filter(|phase| Some(*phase) != own).map(|phase| sums[phase]).collect();
    foreign.sort_unstable();
    let (Some(most), Some(middle)) = (foreign.last(), foreign.get(foreign.len() / 2)) else {
        return 1.0;
    };
    *most as f64 / (*middle).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(step_at: usize) -> Plane<u8> {
        let pixel = |i: usize| {
            let (x, y) = (i % 64, i / 64);
            // Blocks differ by a few levels, and there is texture.
            let block = ((x + 8 - step_at) / 8 * 5 + (y + 8 - step_at) / 8 * 3) % 9;
            (120 + block * 2 + (x * 7 + y * 3) % 4) as u8
        };
        Plane { width: 64, height: 64, data: (0..64 * 64).map(pixel).collect() }
    }

    #[test]
    fn blocks_of_the_own_grid_are_no_trace_and_others_are() {
        let ratio = |step_at, own| {
            let mut sums = [[0; PERIOD]; 2];
            add(&mut sums, &plane(step_at));
            sums.map(|s| strongest(s, own)).into_iter().fold(f64::MAX, f64::min)
        };
        assert!(ratio(0, Some(OWN)) < 1.2, "{}", ratio(0, Some(OWN)));
        assert!(ratio(3, Some(OWN)) > 1.3, "{}", ratio(3, Some(OWN)));
        assert!(ratio(0, None) > 1.3, "a file without a grid of its own");
    }
}
