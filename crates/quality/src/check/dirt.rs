//! What lies on the tissue and is none: specks and fibres, the cover slip's edge, ink.

use super::scene::Scene;
use crate::{
    Reason,
    components::Components,
    morphology::{closed, dilated},
    plane::Mask,
};

/// What is within this distance of tissue lies on it.
const NEAR_UM: f64 = 40.0;
/// Dirt is dense and colourless: density in thousandths, colour as a share of it in hundredths.
const LEAST_DENSITY: u16 = 420;
const MOST_COLOUR: u32 = 26;
/// Smaller specks are pigment or a nucleus.
const LEAST_SPECK_UM2: f64 = 600.0;

/// Dense colourless specks and fibres on tissue.
pub(super) fn dirt(scene: &Scene<'_>) -> Mask {
    let grey = scene.density.mean.zip(&scene.density.chroma, |mean, chroma| {
        u8::from(mean >= LEAST_DENSITY && u32::from(chroma) * 100 < u32::from(mean) * MOST_COLOUR)
    });
    let on_tissue = grey.zip(&hull(scene), |grey, hull| grey & hull);
    let ink = of_reason(scene, |reason| matches!(reason, Reason::Ink(_)));
    let free = on_tissue.zip(&dilated(&ink, 2), |dirt, ink| dirt & (1 - ink));
    let least = scene.area_pixels(LEAST_SPECK_UM2).max(4);
    Components::of(&free).keep(|_, component| component.area >= least)
}

/// The dark line of a cover slip's edge where it crosses tissue.
pub(super) fn cover_slip_edge(scene: &Scene<'_>) -> Mask {
    let edges = of_reason(scene, |reason| reason == Reason::DarkEdge);
    let long = scene.pixels(1500.0);
    let lines = Components::of(&edges).keep(|_, component| component.length() >= long);
    lines.zip(&hull(scene), |line, hull| line & hull)
}

/// Ink, and that part of it that lies on or beside tissue.
pub(super) fn ink(scene: &Scene<'_>) -> (Mask, Mask) {
    let ink = of_reason(scene, |reason| matches!(reason, Reason::Ink(_)));
    let near = dilated(&scene.tissue_mask, scene.pixels(NEAR_UM).clamp(2, 10));
    let on_tissue = ink.zip(&near, |ink, near| ink & near);
    (ink, on_tissue)
}

/// The tissue with what lies on it.
fn hull(scene: &Scene<'_>) -> Mask {
    closed(&scene.tissue_mask, scene.pixels(NEAR_UM).clamp(2, 8))
}

fn of_reason(scene: &Scene<'_>, wanted: impl Fn(Reason) -> bool) -> Mask {
    let reasons = &scene.tissue.reasons;
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
