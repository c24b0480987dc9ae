//! Folds: bands in which the tissue lies double.
//!
//! Two layers take away twice the light, of the same colours: optical density doubles while its
//! proportions stay (Beer and Lambert). A dense infiltrate is darker too, but bluer, and it is no
//! band.

use super::scene::Scene;
use crate::{
    components::{Component, Components},
    morphology::{closed, dilated},
    plane::{Mask, Plane, box_mean},
};

/// How far around density is held against, in um.
const AROUND_UM: f64 = 400.0;
/// Density over that of the tissue around it, in hundredths.
const DEPTH: u32 = 160;
/// Least density of a fold: two layers of pale tissue are not seen as one.
const LEAST_DENSITY: u16 = 350;
/// A fold is at least so long, at most so wide, and so much longer than wide.
const LEAST_LENGTH_UM: f64 = 250.0;
const MOST_WIDTH_UM: f64 = 220.0;
const ELONGATION: f64 = 4.0;
/// How much the proportions of red and blue density to green may differ from those around it.
const HUE: f64 = 0.16;

/// The pixels of folds.
pub(super) fn folds(scene: &Scene<'_>) -> Mask {
    let density = &scene.density.mean;
    let around = masked_mean(density, &scene.tissue_mask, scene.pixels(AROUND_UM).min(64));
    let deep = density.zip(&around, |own, around| {
        u8::from(own >= LEAST_DENSITY && u32::from(own) * 100 >= u32::from(around) * DEPTH)
    });
    let deep = deep.zip(&scene.tissue_mask, |deep, tissue| deep & tissue);
    let components = Components::of(&closed(&deep, 1));
    let bands = components.keep(|_, component| is_band(component, scene.um));
    let bands = Components::of(&bands);
    let hues = hue_shifts(scene, &bands);
    bands.keep(|index, _| hues[index] <= HUE)
}

/// The mean of a plane over the set pixels of a square.
fn masked_mean(plane: &Plane<u16>, mask: &Mask, radius: usize) -> Plane<u16> {
    let sums = box_mean(&plane.zip(mask, |value, set| value * u16::from(set)), radius);
    let counts = box_mean(&mask.map(|set| u16::from(set) * 1000), radius);
    sums.zip(&counts, |sum, count| {
        if count == 0 { u16::MAX } else { (u32::from(sum) * 1000 / u32::from(count)) as u16 }
    })
}

fn is_band(component: &Component, um: f64) -> bool {
    let (width, height) =
        (component.max.0 - component.min.0 + 1, component.max.1 - component.min.1 + 1);
    let length = (width as f64).hypot(height as f64);
    let breadth = component.area as f64 / length;
    length * um >= LEAST_LENGTH_UM && breadth * um <= MOST_WIDTH_UM && length >= ELONGATION * breadth
        && breadth >= 1.2
}

/// For each component how far its colour proportions are from those of the tissue beside it.
fn hue_shifts(scene: &Scene<'_>, bands: &Components) -> Vec<f64> {
    bands
        .list
        .iter()
        .enumerate()
        .map(|(index, component)| {
            let margin = scene.pixels(60.0).clamp(2, 12);
            let (inside, beside) = proportions(scene, bands, index as u32 + 1, component, margin);
            inside.iter().zip(beside).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        })
        .collect()
}

/// Red and blue density over green, in a component and in the tissue around it.
fn proportions(
    scene: &Scene<'_>,
    bands: &Components,
    label: u32,
    component: &Component,
    margin: usize,
) -> ([f64; 2], [f64; 2]) {
    let (width, height) = (scene.tissue_mask.width, scene.tissue_mask.height);
    let left = component.min.0.saturating_sub(margin);
    let top = component.min.1.saturating_sub(margin);
    let right = (component.max.0 + margin + 1).min(width);
    let bottom = (component.max.1 + margin + 1).min(height);
    let mut own = Mask::filled(right - left, bottom - top, 0);
    for y in top..bottom {
        for x in left..right {
            own.data[(y - top) * own.width + x - left] =
                u8::from(bands.labels.data[y * width + x] == label);
        }
    }
    let near = dilated(&own, margin);
    let mut sums = [[0.0_f64; 3]; 2];
    for y in top..bottom {
        for x in left..right {
            let at = (y - top) * own.width + x - left;
            let whole = y * width + x;
            let side = match (own.data[at], near.data[at], scene.tissue_mask.data[whole]) {
                (1, _, _) => 0,
                (_, 1, 1) if bands.labels.data[whole] == 0 => 1,
                _ => continue,
            };
            let values = scene.density.rgb.data[whole];
            sums[side].iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value));
        }
    }
    let over_green = |s: [f64; 3]| [s[0] / s[1].max(1.0), s[2] / s[1].max(1.0)];
    (over_green(sums[0]), over_green(sums[1]))
}
