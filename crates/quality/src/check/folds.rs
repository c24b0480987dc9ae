//! Folds: bands in which the tissue lies double.
//!
//! Two layers take away twice the light, of the same colours: optical density doubles while its
//! proportions stay (Beer and Lambert), and the tissue goes on alike on both sides. An epithelium
//! between stroma and lumen, or a dense infiltrate, is darker than its surroundings too, but not
//! twice as dark as both sides, not of their hue, or its sides differ.

use super::scene::Scene;
use crate::{
    components::{Component, Components},
    morphology::{closed, dilated},
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
const SIDE_HUE: u32 = 25;
/// Less density than this is bare glass, in thousandths; what lies so near to it is no side: flakes
/// of keratin with gaps between them are no tissue that goes on.
const BARE: u16 = 25;
const BESIDE_BARE_UM: f64 = 16.0;
/// A fold is at least so long, and so much longer than wide.
const LEAST_LENGTH_UM: f64 = 300.0;
const ELONGATION: f64 = 3.5;
/// A fold is at least so broad: the lamellae of keratin are narrower.
const LEAST_BREADTH_UM: f64 = 23.5;

/// The pixels of folds.
pub(super) fn folds(scene: &Scene<'_>) -> Mask {
    let radius = scene.pixels(12.0).clamp(1, 3);
    let smooth: [Plane<u16>; 3] =
        std::array::from_fn(|c| box_mean(&scene.density.rgb.map(|rgb| rgb[c]), radius));
    let bare = scene.density.mean.map(|mean| u8::from(mean < BARE));
    let beside_bare = dilated(&bare, scene.pixels(BESIDE_BARE_UM));
    let tissue = scene.tissue_mask.zip(&beside_bare, |tissue, bare| tissue & (1 - bare));
    let ridges = Ridges { smooth: &smooth, tissue: &tissue };
    let mut found = scene.empty();
    for um in SIDES_UM {
        let distance = scene.pixels(um).max(2) as isize;
        for y in 0..found.height {
            for x in 0..found.width {
                let at = y * found.width + x;
                if found.data[at] == 0 && ridges.is_ridge((x as isize, y as isize), distance) {
                    found.data[at] = 1;
                }
            }
        }
    }
    let components = Components::of(&closed(&found, 1));
    components.keep(|_, component| is_band(component, scene.um))
}

struct Ridges<'a> {
    smooth: &'a [Plane<u16>; 3],
    tissue: &'a Mask,
}

impl Ridges<'_> {
    /// Densities at a place, if it is tissue of at least that mean density.
    fn at(&self, (x, y): (isize, isize), least: u16) -> Option<[u32; 3]> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if x >= self.tissue.width || y >= self.tissue.height {
            return None;
        }
        let at = y * self.tissue.width + x;
        let rgb = std::array::from_fn(|c| u32::from(self.smooth[c].data[at]));
        let enough = self.tissue.data[at] != 0 && mean(rgb) >= u32::from(least);
        enough.then_some(rgb)
    }

    /// Whether the tissue is twice as dense here as at that distance to both sides, along any of
    /// four directions.
    fn is_ridge(&self, (x, y): (isize, isize), distance: isize) -> bool {
        let Some(own) = self.at((x, y), LEAST_FOLD) else { return false };
        let diagonal = (distance as f64 * std::f64::consts::FRAC_1_SQRT_2).round() as isize;
        [(distance, 0), (0, distance), (diagonal, diagonal), (diagonal, -diagonal)].iter().any(
            |(dx, dy)| {
                let sides =
                    (self.at((x - dx, y - dy), LEAST_SIDE), self.at((x + dx, y + dy), LEAST_SIDE));
                let (Some(a), Some(b)) = sides else { return false };
                let (low, high) = (mean(a).min(mean(b)), mean(a).max(mean(b)));
                mean(own) * 100 >= high * DEPTH
                    && low * 100 >= high * ALIKE
                    && same_hue(own, std::array::from_fn(|c| a[c] + b[c]), HUE)
                    && same_hue(own, a, SIDE_HUE)
                    && same_hue(own, b, SIDE_HUE)
            },
        )
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
