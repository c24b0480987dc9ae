//! What lies on the tissue and is none: specks and fibres, the cover slip's edge, ink.

use super::{pen::of_reason, scene::Scene};
use crate::{
    Reason,
    components::{Component, Components},
    morphology::{closed, dilated},
    plane::Mask,
};

/// What is within this distance of tissue lies on it.
const NEAR_UM: f64 = 40.0;
/// Dirt is dense and colourless: density in thousandths, colour as a share of it in hundredths.
const LEAST_DENSITY: u16 = 420;
const MOST_COLOUR: u32 = 26;
/// The cover slip's edge is at least so long, and so thin.
const EDGE_UM: f64 = 400.0;
const EDGE_WIDTH_UM: f64 = 34.0;
/// A pen's stroke is broader than this.
const STROKE_WIDTH_UM: f64 = 60.0;
/// One that leaves the scan is broader than this, or it is the cover slip's edge.
const LEAVING_WIDTH_UM: f64 = 150.0;
/// A stroke is at least so large.
const INK_UM2: f64 = 40_000.0;
/// A speck is at most so long across.
const SPECK_UM: f64 = 160.0;
/// Smaller specks are pigment or a nucleus.
const LEAST_SPECK_UM2: f64 = 600.0;

/// Dense colourless matter on tissue, by what its shape says.
pub(super) struct Grey {
    /// Specks and fibres.
    pub(super) dirt: Mask,
    /// Those too small to be the rim of a bubble.
    pub(super) specks: Mask,
    /// Long, thin lines: the cover slip's edge.
    pub(super) edges: Mask,
    /// Strokes that the tissue mask took for a dark edge.
    pub(super) ink: Mask,
}

impl Grey {
    /// Looks outside of known ink.
    pub(super) fn find(scene: &Scene<'_>, ink: &Mask) -> Self {
        let grey = scene.density.mean.zip(&scene.density.chroma, |mean, chroma| {
            let colourless = u32::from(chroma) * 100 < u32::from(mean) * MOST_COLOUR;
            u8::from(mean >= LEAST_DENSITY && colourless)
        });
        let hull = hull(scene);
        let on_tissue = grey.zip(&hull, |grey, hull| grey & hull);
        let free = on_tissue.zip(&dilated(ink, 2), |dirt, ink| dirt & (1 - ink));
        let components = Components::of(&closed(&free, 1));
        let least = scene.area_pixels(LEAST_SPECK_UM2).max(4);
        let (long, large) = (scene.pixels(EDGE_UM), scene.area_pixels(INK_UM2));
        let is_edge = |c: &Component| {
            c.length() >= long && c.area <= c.length() * scene.pixels(EDGE_WIDTH_UM)
        };
        let dark_edge = of_reason(&scene.tissue.reasons, |reason| reason == Reason::DarkEdge);
        let dark = Components::of(&dark_edge);
        // A broad dark line that ends on the slide was drawn, and a broader one that crosses its
        // border; an edge is thin, and what lies along the border is the slide's frame.
        let is_stroke = |c: &Component| {
            let width = if c.border == 0 { STROKE_WIDTH_UM } else { LEAVING_WIDTH_UM };
            let is_frame = c.border * 2 >= c.length();
            !is_frame && c.area >= large && c.area > c.length() * scene.pixels(width)
        };
        // A stroke over tissue hides it: what is left of the tissue lies beside it.
        let beside = dark.sums(&dilated(&scene.tissue_mask, scene.pixels(NEAR_UM).clamp(2, 10)));
        let strokes = dark.keep(|index, c| is_stroke(c) && beside[index] * 6 >= c.area as u64);
        let crossing = dark.keep(|_, c| c.length() >= long && !is_stroke(c));
        let crossing = crossing.zip(&hull, |line, hull| line & hull);
        let is_dirt = |c: &Component| c.area >= least && !is_edge(c);
        let speck = scene.pixels(SPECK_UM);
        Self {
            specks: components.keep(|_, c| is_dirt(c) && c.length() <= speck),
            dirt: components.keep(|_, c| is_dirt(c)),
            edges: components.keep(|_, c| is_edge(c)).zip(&crossing, |a, b| a | b),
            ink: strokes,
        }
    }
}

/// The tissue with what lies on it.
pub(super) fn hull(scene: &Scene<'_>) -> Mask {
    closed(&scene.tissue_mask, scene.pixels(NEAR_UM).clamp(2, 8))
}
