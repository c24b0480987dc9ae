//! What is dark or grey and no tissue: edges of the scan and of the cover slip, dust, hairs.

use crate::{
    components::{Component, Components, reached},
    density::Density,
    morphology::dilated,
    plane::Mask,
};

/// Black that comes in from the image's border (the scan's or the slide's edge) or was never
/// scanned.
pub(crate) fn dark_edges(density: &Density, margin: usize) -> Mask {
    let neutral = |least: u16| {
        density.mean.zip(&density.chroma, move |mean, chroma| {
            u8::from(mean > least && u32::from(chroma) * 100 < u32::from(mean) * 30)
        })
    };
    let dark = Components::of(&reached(&neutral(300), &neutral(700)));
    let (width, height) = (density.mean.width, density.mean.height);
    let depth = dark.sums(&density.mean);
    let edges = dark.keep(|index, c| {
        is_edge(c, width, height) || is_missing_tile(c, depth[index] as usize / c.area.max(1))
    });
    // The blurred rim of an edge is grey and belongs to it; stained tissue beside it does not.
    let grey = density.mean.zip(&density.chroma, |mean, chroma| {
        u8::from(mean > 60 && u32::from(chroma) * 100 < u32::from(mean) * 40)
    });
    dilated(&edges, margin).zip(&grey, |near, grey| near & grey).zip(&edges, |a, b| a | b)
}

/// A stroke that leaves the image touches its border with its width, an edge with its length.
fn is_edge(component: &Component, width: usize, height: usize) -> bool {
    component.border > 0
        && (component.border * 10 >= component.length() * 4
            || component.area * 10 >= width * height)
}

/// A black rectangle without a speck of light is no ink: it was never scanned, or blanked out.
fn is_missing_tile(component: &Component, depth: usize) -> bool {
    let box_area =
        (component.max.0 - component.min.0 + 1) * (component.max.1 - component.min.1 + 1);
    depth > 1500 && component.area * 100 >= box_area * 93 && component.area >= 64
}

/// What is left over once tissue, ink and dark edges are known: grey things on the glass.
pub(crate) struct Debris {
    pub(crate) edges: Mask,
    pub(crate) dust: Mask,
}

/// Sorts leftovers into edges (long and thin, or along the border) and dust.
pub(crate) fn debris(density: &Density, known: &Mask, line_width: usize, least: usize) -> Debris {
    let left = density.mean.zip(known, |mean, known| u8::from(mean > 60 && known == 0));
    let components = Components::of(&left);
    let side = left.width.max(left.height);
    let is_line = |c: &Component| {
        let long = c.length();
        long * 5 >= side && c.area <= long * line_width
            || (c.border * 2 >= long && long * 10 >= side)
    };
    Debris {
        edges: components.keep(|_, c| is_line(c)),
        dust: components.keep(|_, c| !is_line(c) && c.area >= least),
    }
}
