//! Folds: bands in which the tissue lies double.
//!
//! Two layers take away twice the light, of the same colours: optical density doubles while its
//! proportions stay (Beer and Lambert), and the tissue goes on alike on both sides. An epithelium
//! between stroma and lumen, or a dense infiltrate, is darker than its surroundings too, but not
//! twice as dark as both sides, not of their hue, or its sides differ.

use rayon::prelude::*;

use super::scene::Scene;
use crate::{
    components::{Component, Components},
    morphology::closed,
    plane::{Mask, Plane, box_mean},
};

/// How far to both sides is looked, in um: beyond the half of a fold's width.
const SIDES_UM: [f64; 3] = [56.0, 96.0, 144.0];
/// Density over that of the denser side, in hundredths.
const DEPTH: u32 = 160;
/// The paler side over the denser one, in hundredths.
const ALIKE: u32 = 60;
/// Least density of a fold and of its sides, in thousandths.
const LEAST_FOLD: u16 = 260;
const LEAST_SIDE: u16 = 70;
/// How far red and blue density over green may lie from those of the sides, in hundredths.
const HUE: u32 = 10;
/// The same for each side alone: a fold's sides are one tissue, not stroma here and keratin there.
const SIDE_HUE: u32 = 10;
/// Less density than this is bare glass, in thousandths.
const BARE: u16 = 25;
/// A place of a fold is at least so dense: its own cells differ.
const LEAST_PLACE: u16 = 200;
/// A fold is at least so long, and so much longer than wide.
const LEAST_LENGTH_UM: f64 = 300.0;
const ELONGATION: f64 = 3.5;
/// A fold is at least so broad: the lamellae of keratin are narrower.
const LEAST_BREADTH_UM: f64 = 23.5;

/// A band is looked at along so much of its length at once: what lies beneath and above differs from
/// cell to cell.
const ALONG_UM: f64 = 160.0;
/// Places along that length.
const PLACES: isize = 9;
/// Directions of a band over half a turn.
const DIRECTIONS: usize = 8;
/// Least share of those places that are tissue, in hundredths: on the fold and beside it.
const ON_TISSUE: usize = 75;
const BESIDE_TISSUE: usize = 75;

/// The pixels of folds.
pub(super) fn folds(scene: &Scene<'_>) -> Mask {
    let radius = scene.pixels(12.0).clamp(1, 3);
    let smooth: [Plane<u16>; 3] =
        std::array::from_fn(|c| box_mean(&scene.density.rgb.map(|rgb| rgb[c]), radius));
    let tissue = scene.tissue_mask.zip(&scene.density.mean, |t, mean| t & u8::from(mean >= BARE));
    let reach = (ALONG_UM / scene.um / 2.0).max(1.0);
    let ridges = Ridges { smooth: &smooth, tissue: &tissue, reach };
    let distances = SIDES_UM.map(|um| scene.pixels(um).max(2) as f64);
    let mut found = scene.empty();
    let width = found.width;
    found.data.par_chunks_mut(width.max(1)).enumerate().for_each(|(y, row)| {
        for (x, found) in row.iter_mut().enumerate() {
            *found = u8::from(ridges.is_ridge((x, y), &distances));
        }
    });
    let components = Components::of(&closed(&found, 1));
    components.keep(|_, component| is_band(component, scene.um))
}

struct Ridges<'a> {
    smooth: &'a [Plane<u16>; 3],
    tissue: &'a Mask,
    /// Half the length that is looked at, in pixels.
    reach: f64,
}

impl Ridges<'_> {
    /// Mean densities along a line through a place, over what of it is tissue, if that is at least
    /// `share` hundredths of it and of that mean density.
    fn along(
        &self,
        place: (f64, f64),
        direction: (f64, f64),
        share: usize,
        least: u16,
    ) -> Option<[u32; 3]> {
        let (mut sums, mut count) = ([0_u32; 3], 0_usize);
        for step in -(PLACES / 2)..=PLACES / 2 {
            let away = self.reach * step as f64 / (PLACES / 2) as f64;
            let x = (place.0 + direction.0 * away).round();
            let y = (place.1 + direction.1 * away).round();
            if x < 0.0 || y < 0.0 {
                continue;
            }
            let (x, y) = (x as usize, y as usize);
            if x >= self.tissue.width || y >= self.tissue.height {
                continue;
            }
            let at = y * self.tissue.width + x;
            if self.tissue.data[at] != 0 {
                count += 1;
                for (sum, plane) in sums.iter_mut().zip(self.smooth) {
                    *sum += u32::from(plane.data[at]);
                }
            }
        }
        if count == 0 || count * 100 < PLACES as usize * share {
            return None;
        }
        let mean_rgb = sums.map(|sum| sum / count as u32);
        (mean(mean_rgb) >= u32::from(least)).then_some(mean_rgb)
    }

    /// Whether the tissue is twice as dense along a line here as along lines at one of these
    /// distances to both sides.
    fn is_ridge(&self, (x, y): (usize, usize), distances: &[f64]) -> bool {
        let at = y * self.tissue.width + x;
        let own: [u32; 3] = std::array::from_fn(|c| u32::from(self.smooth[c].data[at]));
        if self.tissue.data[at] == 0 || mean(own) < u32::from(LEAST_PLACE) {
            return false;
        }
        (0..DIRECTIONS).any(|direction| {
            let (sin, cos) =
                (std::f64::consts::PI * direction as f64 / DIRECTIONS as f64).sin_cos();
            let place = (x as f64, y as f64);
            let Some(own) = self.along(place, (cos, sin), ON_TISSUE, LEAST_FOLD) else {
                return false;
            };
            distances.iter().any(|distance| {
                let side = |sign: f64| {
                    let (x, y) = (place.0 - sin * distance * sign, place.1 + cos * distance * sign);
                    self.along((x, y), (cos, sin), BESIDE_TISSUE, LEAST_SIDE)
                };
                let (Some(a), Some(b)) = (side(-1.0), side(1.0)) else { return false };
                let (low, high) = (mean(a).min(mean(b)), mean(a).max(mean(b)));
                mean(own) * 100 >= high * DEPTH
                    && low * 100 >= high * ALIKE
                    && same_hue(own, std::array::from_fn(|c| a[c] + b[c]), HUE)
                    && same_hue(own, a, SIDE_HUE)
                    && same_hue(own, b, SIDE_HUE)
            })
        })
    }
}

fn mean(rgb: [u32; 3]) -> u32 {
    rgb.iter().sum::<u32>() / 3
}

fn same_hue(a: [u32; 3], b: [u32; 3], most: u32) -> bool {
    let over_green = |rgb: [u32; 3], c: usize| rgb[c] * 100 / rgb[1].max(1);
    [0, 2].iter().all(|c| over_green(a, *c).abs_diff(over_green(b, *c)) <= most)
}

fn is_band(component: &Component, um: f64) -> bool {
    let (width, height) =
        (component.max.0 - component.min.0 + 1, component.max.1 - component.min.1 + 1);
    let length = (width as f64).hypot(height as f64);
    let breadth = component.area as f64 / length;
    length * um >= LEAST_LENGTH_UM
        && length >= ELONGATION * breadth
        && breadth >= 1.5
        && breadth * um >= LEAST_BREADTH_UM
}
