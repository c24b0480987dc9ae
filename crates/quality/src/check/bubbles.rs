//! Air bubbles: the dark, colourless rim that refraction draws around trapped air.

use super::scene::Scene;
use crate::{
    components::{Component, Components, without_small_holes},
    morphology::closed,
    plane::{Mask, box_mean},
};

/// A bubble is at least so large across.
const LEAST_DIAMETER_UM: f64 = 200.0;
/// How much denser the rim is than its surroundings, in thousandths.
const RIM: u16 = 60;
/// The area inside over the area of the rim.
const HOLLOW: usize = 3;
/// The area inside over that of an ellipse in the same box.
const ROUND: f64 = 0.72;
/// A rim on glass is grey: colour at most this share of its depth, in hundredths.
const MOST_COLOUR: u64 = 45;

/// The pixels of bubbles, rims and insides.
pub(super) fn bubbles(scene: &Scene<'_>) -> Mask {
    let density = &scene.density.mean;
    let around = box_mean(density, scene.pixels(48.0).clamp(3, 12));
    let lines = density.zip(&around, |own, around| u8::from(own > around.saturating_add(RIM)));
    // Only rims that are grey: those of glands and vessels are stained.
    let grey = lines.zip(&scene.density.chroma, |line, chroma| (line, chroma));
    let rims = grey.zip(density, |(line, chroma), mean| {
        u8::from(line != 0 && u64::from(chroma) * 100 < u64::from(mean) * MOST_COLOUR)
    });
    let components = Components::of(&closed(&rims, 2));
    let mut found = scene.empty();
    for (index, component) in components.list.iter().enumerate() {
        let label = index as u32 + 1;
        if let Some(filled) = filled_if_bubble(&components, label, component, scene.um) {
            paint(&mut found, &filled, component.min);
        }
    }
    found
}

/// The filled component, where its outline is a bubble's.
fn filled_if_bubble(
    components: &Components,
    label: u32,
    component: &Component,
    um: f64,
) -> Option<Mask> {
    let (width, height) =
        (component.max.0 - component.min.0 + 1, component.max.1 - component.min.1 + 1);
    let (short, long) = (width.min(height) as f64, width.max(height) as f64);
    if short * um < LEAST_DIAMETER_UM || long > 3.0 * short || component.border > 0 {
        return None;
    }
    // One pixel around, so that the outside is connected and touches the border.
    let mut own = Mask::filled(width + 2, height + 2, 0);
    for y in 0..height {
        for x in 0..width {
            let at = (component.min.1 + y) * components.labels.width + component.min.0 + x;
            own.data[(y + 1) * own.width + x + 1] = u8::from(components.labels.data[at] == label);
        }
    }
    let filled = without_small_holes(&own, usize::MAX);
    let area = filled.count();
    let ellipse = std::f64::consts::FRAC_PI_4 * width as f64 * height as f64;
    (area >= HOLLOW * component.area && area as f64 >= ROUND * ellipse).then_some(filled)
}

/// Lays a mask with a margin of one pixel onto another.
fn paint(onto: &mut Mask, mask: &Mask, (left, top): (usize, usize)) {
    for y in 1..mask.height - 1 {
        for x in 1..mask.width - 1 {
            if mask.data[y * mask.width + x] != 0 {
                onto.data[(top + y - 1) * onto.width + left + x - 1] = 1;
            }
        }
    }
}
