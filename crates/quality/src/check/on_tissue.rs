//! What lies in or on the tissue.

use super::{
    bubbles, coarse::Coarse, dirt::Grey, edges, folds, grey::grey, pen, scene::Scene, tears,
};
use crate::{InkColour, Reason, morphology::dilated, plane::Mask};

/// How far a bubble's rim reaches beyond the line along it.
const RIM_UM: f64 = 24.0;

/// Where each artefact of section and mount lies.
pub(super) struct OnTissue {
    pub(super) folds: Mask,
    pub(super) tears: Mask,
    pub(super) bubbles: Mask,
    pub(super) dirt: Mask,
    /// Edges of the cover slip.
    pub(super) edges: Mask,
    /// Ink on or beside tissue.
    pub(super) ink: Mask,
    /// Its colours, each once.
    pub(super) ink_colours: Vec<InkColour>,
    /// Ink that the tissue mask knows by its colour, wherever it lies.
    pub(super) coloured_ink: Mask,
}

impl OnTissue {
    pub(super) fn find(scene: &Scene<'_>) -> Self {
        let view = Coarse::of(scene, 1);
        let is_ink = |reason| matches!(reason, Reason::Ink(_));
        let coloured_ink = pen::of_reason(&scene.tissue.reasons, is_ink);
        let pen = pen::pen(scene, &view);
        let beside = pen::on_tissue(scene, &view, &coloured_ink);
        let ink = beside.zip(&pen.mask, |a, b| a | b);
        let any_ink = coloured_ink.zip(&pen.strokes, |a, b| a | b);
        let matter = Grey::find(scene, &any_ink);
        let edges = lines(scene, &view, &any_ink).zip(&matter.edges, |a, b| a | b);
        let not_air = any_ink.zip(&matter.specks, |a, b| a | b);
        let bubbles = bubbles::bubbles(scene, &not_air);
        // The rim of a bubble is dense and grey, too.
        let elsewhere = |dirt: u8, edge: u8| u8::from(dirt != 0 && edge == 0);
        let rims = dilated(&bubbles, scene.pixels(RIM_UM));
        let dirt = matter.dirt.zip(&edges, elsewhere).zip(&rims, elsewhere);
        let black = (matter.ink.count() > 0).then_some(InkColour::Black);
        let coloured = scene.tissue.ink.iter().map(|mark| mark.colour);
        let mut ink_colours: Vec<InkColour> = coloured.chain(pen.colours).chain(black).collect();
        ink_colours.sort_unstable();
        ink_colours.dedup();
        Self {
            folds: folds::folds(scene),
            tears: tears::tears(scene),
            bubbles,
            dirt,
            edges,
            ink: ink.zip(&matter.ink, |a, b| a | b),
            ink_colours,
            coloured_ink,
        }
    }
}

/// Straight grey lines, but for the borders of ink.
fn lines(scene: &Scene<'_>, view: &Coarse, ink: &Mask) -> Mask {
    if !Coarse::shows_lines(scene) {
        return scene.empty();
    }
    let ink = dilated(&view.covered(ink), 2);
    let grey = grey(view).zip(&ink, |grey, ink| if ink == 0 { grey } else { f32::NAN });
    view.enlarged(&edges::edges(view, &grey), scene)
}
