//! What lies in or on the tissue, by the artefact network where there is one, else by rules.

use super::{bubbles, dirt, folds, learned, scene::Scene, tears};
use crate::{ArtefactNetwork, InkColour, plane::Mask};

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
}

impl OnTissue {
    pub(super) fn find(scene: &Scene<'_>, network: Option<&ArtefactNetwork>) -> Self {
        let mut found = match network {
            Some(network) => learned::find(scene, network),
            None => Self::by_rules(scene),
        };
        // Ink that the tissue mask knows by its colour alone.
        let (_, coloured) = dirt::ink(scene);
        found.ink = found.ink.zip(&coloured, |a, b| a | b);
        found.ink_colours.extend(scene.tissue.ink.iter().map(|mark| mark.colour));
        found.ink_colours.sort_unstable();
        found.ink_colours.dedup();
        found
    }

    fn by_rules(scene: &Scene<'_>) -> Self {
        let grey = dirt::Grey::find(scene);
        let black = (grey.ink.count() > 0).then_some(InkColour::Black);
        Self {
            folds: folds::folds(scene),
            tears: tears::tears(scene),
            bubbles: bubbles::bubbles(scene),
            dirt: grey.dirt,
            edges: grey.edges,
            ink: grey.ink,
            ink_colours: black.into_iter().collect(),
        }
    }
}
