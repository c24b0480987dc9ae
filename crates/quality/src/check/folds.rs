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
/// Least share of those places that are tissue, in hundredths, on the fold and beside it.
const ON_TISSUE: usize = 75;

/// The pixels of folds.
pub(super) fn folds(scene: &Scene<'_>) -> Mask {
    let radius = scene.pixels(12.0).clamp(1, 3);
    let smooth: [Plane<u16>; 3] =
        std::array::from_fn(|c| box_mean(&scene.density.rgb.map(|rgb| rgb[c]), radius));
    let tissue = scene.tissue_mask.zip(&scene.density.mean, |t, mean| t & u8::from(mean >= BARE));
    let reach = (ALONG_UM / scene.um / 2.0).max(1.0);
    let distances = SIDES_UM.map(|um| scene.pixels(um).max(2) as f64);
    let mut found = scene.empty();
    let width = found.width.max(1);
    for direction in 0..DIRECTIONS {
        let (sin, cos) = (std::f64::consts::PI * direction as f64 / DIRECTIONS as f64).sin_cos();
        let bands = Bands::along((cos, sin), reach, &smooth, &tissue);
        let sides = distances.map(|distance| {
            ((-sin * distance).round() as isize, (cos * distance).round() as isize)
        });
        found.data.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
            for (x, found) in row.iter_mut().enumerate() {
                let at = y * width + x;
                let own = || mean([0, 1, 2].map(|c| u32::from(smooth[c].data[at])));
                if *found == 0 && tissue.data[at] != 0 && own() >= u32::from(LEAST_PLACE) {
                    *found = u8::from(bands.is_ridge((x, y), &sides));
                }
            }
        });
    }
    let components = Components::of(&closed(&found, 1));
    components.keep(|_, component| is_band(component, scene.um))
}

/// Mean densities along lines of one direction through every pixel; nothing where too little of the
/// line is tissue.
struct Bands {
    width: usize,
    height: usize,
    rgb: Vec<Option<[u16; 3]>>,
}

impl Bands {
    fn along(direction: (f64, f64), reach: f64, smooth: &[Plane<u16>; 3], tissue: &Mask) -> Self {
        let (width, height) = (tissue.width, tissue.height);
        let half = PLACES / 2;
        let places: Vec<(isize, isize)> = (-half..=half)
            .map(|step| {
                let away = reach * step as f64 / half as f64;
                ((direction.0 * away).round() as isize, (direction.1 * away).round() as isize)
            })
            .collect();
        let mut rgb = vec![None; width * height];
        rgb.par_chunks_mut(width.max(1)).enumerate().for_each(|(y, row)| {
            for (x, rgb) in row.iter_mut().enumerate() {
                let (mut sums, mut count) = ([0_u32; 3], 0_usize);
                for (dx, dy) in &places {
                    let (Some(x), Some(y)) = (x.checked_add_signed(*dx), y.checked_add_signed(*dy))
                    else {
                        continue;
                    };
                    let at = y * width + x;
                    if x < width && y < height && tissue.data[at] != 0 {
                        count += 1;
                        for (sum, plane) in sums.iter_mut().zip(smooth) {
                            *sum += u32::from(plane.data[at]);
                        }
                    }
                }
                if count > 0 && count * 100 >= places.len() * ON_TISSUE {
                    *rgb = Some(sums.map(|sum| (sum / count as u32) as u16));
                }
            }
        });
        Self { width, height, rgb }
    }

    /// The band through a pixel, if there is one of at least this mean density.
    fn at(&self, (x, y): (usize, usize), (dx, dy): (isize, isize), least: u16) -> Option<[u32; 3]> {
        let (x, y) = (x.checked_add_signed(dx)?, y.checked_add_signed(dy)?);
        if x >= self.width || y >= self.height {
            return None;
        }
        let rgb = self.rgb[y * self.width + x]?.map(u32::from);
        (mean(rgb) >= u32::from(least)).then_some(rgb)
    }

    /// Whether the tissue is twice as dense along the line here as along lines at one of these
    /// distances to both sides.
    fn is_ridge(&self, place: (usize, usize), sides: &[(isize, isize)]) -> bool {
        let Some(own) = self.at(place, (0, 0), LEAST_FOLD) else { return false };
        sides.iter().any(|(dx, dy)| {
            let side = |away| self.at(place, away, LEAST_SIDE);
            let (Some(a), Some(b)) = (side((*dx, *dy)), side((-dx, -dy))) else { return false };
            let (low, high) = (mean(a).min(mean(b)), mean(a).max(mean(b)));
            mean(own) * 100 >= high * DEPTH
                && low * 100 >= high * ALIKE
                && same_hue(own, std::array::from_fn(|c| a[c] + b[c]), HUE)
                && same_hue(own, a, SIDE_HUE)
                && same_hue(own, b, SIDE_HUE)
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
