//! Ink over tissue, told from the stain beneath it.
//!
//! Ink adds its own absorption to whatever lies under it, evenly over a stroke: seen past the stain
//! (see [`super::unmixing`]) a stroke is an even area, while nuclei, folds and blood give little.

use bianque_core::GrayImage;

use super::{
    coarse::Coarse,
    scene::Scene,
    unmixing::{self, Moments},
};
use crate::{
    InkColour, Reason,
    components::{Component, Components},
    morphology::{closed, dilated},
    plane::{Mask, Plane, box_mean},
};

/// Density of ink from which on a pixel may be of a stroke, and of the rim that belongs to it, in
/// thousandths.
const INK: f32 = 300.0;
const RIM: f32 = 150.0;
/// A stroke has ink on this share of a square of so many um around it.
const EVEN: u16 = 750;
const HALF_SQUARE_UM: f64 = 50.0;
/// A mark is at least so large and so long.
const LEAST_UM2: f64 = 60_000.0;
const LEAST_LENGTH_UM: f64 = 300.0;
/// Gaps of this width between tissue are tissue under ink, where there is ink.
const UNDER_UM: f64 = 300.0;
/// What is so near to tissue lies on it.
const NEAR_UM: f64 = 40.0;
/// What a level of density is uncertain by, in thousandths.
const NOISE: f64 = 14.0;
/// Stained pixels, by mean density in thousandths.
const STAINED: u32 = 50;

/// Absorption in red, green and blue; our own values for common felt pens and margin inks.
fn absorption(colour: InkColour) -> [f64; 3] {
    match colour {
        InkColour::Green => [1.0, 0.35, 0.7],
        InkColour::Blue => [1.0, 0.7, 0.25],
        InkColour::Black => unmixing::GREY,
        InkColour::Red => [0.1, 1.0, 0.85],
    }
}

/// Ink at the scene's size, and its colours.
pub(super) struct Pen {
    /// All of the strokes.
    pub(super) strokes: Mask,
    /// Their part on or beside tissue.
    pub(super) mask: Mask,
    pub(super) colours: Vec<InkColour>,
}

/// Strokes on or beside tissue.
pub(super) fn pen(scene: &Scene<'_>, view: &Coarse) -> Pen {
    let Some(moments) = stain(view) else {
        let empty = scene.empty();
        return Pen { strokes: empty.clone(), mask: empty, colours: Vec::new() };
    };
    let seen: Vec<Plane<f32>> = InkColour::ALL
        .map(|colour| view.projected(moments.weights(absorption(colour), NOISE)))
        .into();
    let radius = view.pixels(HALF_SQUARE_UM);
    let mut core = view.empty();
    for plane in &seen {
        let over = box_mean(&plane.map(|ink| if ink >= INK { 1000 } else { 0 }), radius);
        core = core.zip(&over, |core, share| core | u8::from(share >= EVEN));
    }
    let mut rim = dilated(&core, radius + 1);
    for (at, rim) in rim.data.iter_mut().enumerate() {
        *rim &= u8::from(core.data[at] != 0 || seen.iter().any(|plane| plane.data[at] >= RIM));
    }
    let near = near_tissue(view);
    let dark_edge = view.covered(&of_reason(&scene.tissue.reasons, |r| r == Reason::DarkEdge));
    let marks = Components::of(&rim);
    let (beside, dark) = (marks.sums(&near), marks.sums(&dark_edge));
    let (area, length) = (view.area_pixels(LEAST_UM2), view.pixels(LEAST_LENGTH_UM));
    let kept = marks.keep(|index, c| {
        // The slide's frame and what lies beyond the cover slip run along the scan's border, dark and
        // colourless; a stroke crosses it.
        let is_edge = c.border * 2 >= c.length() && dark[index] * 2 > c.area as u64;
        let large = c.area >= area && c.length() >= length;
        large && beside[index] > 0 && !is_edge
    });
    let colours = colours(view, &kept);
    let mask = kept.zip(&near, |ink, near| ink & near);
    Pen { strokes: view.enlarged(&kept, scene), mask: view.enlarged(&mask, scene), colours }
}

/// The part of some ink of the scene's size that lies on or beside tissue.
pub(super) fn on_tissue(scene: &Scene<'_>, view: &Coarse, ink: &Mask) -> Mask {
    let near = view.enlarged(&near_tissue(view), scene);
    ink.zip(&near, |ink, near| ink & near)
}

fn near_tissue(view: &Coarse) -> Mask {
    let under = closed(&view.tissue, view.pixels(UNDER_UM / 2.0));
    dilated(&under, view.pixels(NEAR_UM))
}

/// What the slide's stain looks like: haematoxylin and eosin take most from green, then red or blue.
/// `None` where most of what is stained lies outside of that wedge: another stain, which ink is not
/// told from.
fn stain(view: &Coarse) -> Option<Moments> {
    let (mut wedge, mut all) = (Moments::default(), 0_usize);
    for rgb in &view.rgb.data {
        let [r, g, b] = rgb.map(u32::from);
        if r + g + b < 3 * STAINED {
            continue;
        }
        all += 1;
        if b * 100 < g * 75 && r * 100 < g * 105 && r * 100 > g * 12 {
            wedge.add(rgb.map(f64::from));
        }
    }
    (wedge.count() * 2 >= all).then_some(wedge)
}

/// The colour of each mark, by what it adds to what lies around all of them.
fn colours(view: &Coarse, marks: &Mask) -> Vec<InkColour> {
    let ring = dilated(marks, view.pixels(3.0 * HALF_SQUARE_UM));
    let ring = ring.zip(marks, |out, own| u8::from(out != 0 && own == 0));
    let channels: [Plane<u16>; 3] = std::array::from_fn(|c| view.rgb.map(|rgb| rgb[c]));
    let around = Components::of(&ring);
    let around_area = around.list.iter().map(|c| c.area).sum::<usize>().max(1) as f64;
    let outside = channels
        .each_ref()
        .map(|channel| around.sums(channel).iter().sum::<u64>() as f64 / around_area);
    let components = Components::of(marks);
    let inside = channels.each_ref().map(|channel| components.sums(channel));
    let added = |(index, c): (usize, &Component)| -> [f64; 3] {
        std::array::from_fn(|channel| {
            (inside[channel][index] as f64 / c.area as f64 - outside[channel]).max(0.0)
        })
    };
    let mut colours: Vec<InkColour> =
        components.list.iter().enumerate().map(|mark| nearest(added(mark))).collect();
    colours.sort_unstable();
    colours.dedup();
    colours
}

/// The ink whose absorption points the same way.
fn nearest(added: [f64; 3]) -> InkColour {
    let alike = |colour: &InkColour| {
        let own = absorption(*colour);
        let length = own.iter().map(|v| v * v).sum::<f64>().sqrt();
        own.iter().zip(added).map(|(a, b)| a * b).sum::<f64>() / length
    };
    let all = InkColour::ALL.into_iter();
    all.max_by(|a, b| alike(a).total_cmp(&alike(b))).unwrap_or(InkColour::Black)
}

pub(super) fn of_reason(reasons: &GrayImage, wanted: impl Fn(Reason) -> bool) -> Mask {
    Mask {
        width: reasons.width() as usize,
        height: reasons.height() as usize,
        data: reasons
            .pixels()
            .iter()
            .map(|code| u8::from(Reason::from_code(*code).is_some_and(&wanted)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_is_named_by_what_it_adds() {
        assert_eq!(nearest([100.0, 900.0, 800.0]), InkColour::Red);
        assert_eq!(nearest([900.0, 300.0, 600.0]), InkColour::Green);
        assert_eq!(nearest([900.0, 700.0, 200.0]), InkColour::Blue);
        assert_eq!(nearest([900.0, 880.0, 850.0]), InkColour::Black);
    }
}
