//! Air bubbles: the dark, colourless rim that refraction draws around trapped air.
//!
//! The rim sends light aside whatever its colour: it is grey, over glass and over stained tissue. The
//! rims of glands and vessels have a stain's colour.

use super::scene::Scene;
use crate::{
    components::{Component, Components},
    morphology::closed,
    plane::{Mask, Plane, box_mean},
};

/// A bubble is at least so large across.
const LEAST_DIAMETER_UM: f64 = 180.0;
/// How much denser the rim is than its surroundings, in thousandths.
const RIM: i32 = 60;
/// The most colour of a grey: largest density less smallest, in hundredths of their mean.
const GREY: i32 = 42;
/// The rim lies between these shares of the way from the middle to an ellipse in its box.
const RING: (f64, f64) = (0.66, 1.06);
/// Share of the rim's pixels that do, and of its directions that have one.
const ON_RING: f64 = 0.75;
const CLOSED: f64 = 0.75;
const SECTORS: usize = 32;

/// The pixels of bubbles, rims and insides.
pub(super) fn bubbles(scene: &Scene<'_>) -> Mask {
    let components = Components::of(&closed(&rims(scene), 2));
    let mut found = scene.empty();
    for (index, component) in components.list.iter().enumerate() {
        let (width, height) =
            (component.max.0 - component.min.0 + 1, component.max.1 - component.min.1 + 1);
        let (short, long) = (width.min(height) as f64, width.max(height) as f64);
        let plausible = short * scene.um >= LEAST_DIAMETER_UM && long <= 3.0 * short;
        if plausible && is_ring(&components.labels, index as u32 + 1, component) {
            fill_ellipse(&mut found, component);
        }
    }
    found
}

/// Grey pixels that are darker than their surroundings.
fn rims(scene: &Scene<'_>) -> Mask {
    let around = box_mean(&scene.fine.mean, scene.pixels(40.0).clamp(2, 8));
    let darker = scene.fine.mean.zip(&around, |own, around| {
        if i32::from(own) >= i32::from(around) + RIM { own } else { 0 }
    });
    darker.zip(&scene.fine.chroma, |mean, chroma| {
        u8::from(mean > 0 && i32::from(chroma) * 100 < i32::from(mean) * GREY)
    })
}

/// Where a pixel lies relative to the ellipse in the component's box: share of the way to it, and
/// direction in turns.
fn polar(component: &Component, x: usize, y: usize) -> (f64, f64) {
    let half = |low: usize, high: usize| ((high - low) as f64 + 1.0) / 2.0;
    let (a, b) = (half(component.min.0, component.max.0), half(component.min.1, component.max.1));
    let (dx, dy) = (
        (x as f64 + 0.5 - component.min.0 as f64 - a) / a,
        (y as f64 + 0.5 - component.min.1 as f64 - b) / b,
    );
    (dx.hypot(dy), dy.atan2(dx) / std::f64::consts::TAU + 0.5)
}

fn is_ring(labels: &Plane<u32>, label: u32, component: &Component) -> bool {
    let mut sectors = [false; SECTORS];
    let mut on_ring = 0_usize;
    for y in component.min.1..=component.max.1 {
        for x in component.min.0..=component.max.0 {
            if labels.data[y * labels.width + x] != label {
                continue;
            }
            let (radius, turn) = polar(component, x, y);
            if (RING.0..=RING.1).contains(&radius) {
                on_ring += 1;
                sectors[((turn * SECTORS as f64) as usize).min(SECTORS - 1)] = true;
            }
        }
    }
    let closed = sectors.iter().filter(|set| **set).count() as f64;
    on_ring as f64 >= ON_RING * component.area as f64 && closed >= CLOSED * SECTORS as f64
}

fn fill_ellipse(mask: &mut Mask, component: &Component) {
    for y in component.min.1..=component.max.1 {
        for x in component.min.0..=component.max.0 {
            if polar(component, x, y).0 <= 1.0 {
                mask.data[y * mask.width + x] = 1;
            }
        }
    }
}
