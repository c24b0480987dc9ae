//! What is dark or grey and no tissue: edges of the scan and of the cover slip, dust, hairs.

use crate::{
    components::{Component, Components, reached},
    density::Density,
    morphology::dilated,
    plane::Mask,
};

/// Black that comes in from the image's border: the scan's or the slide's edge.
pub(crate) fn dark_edges(density: &Density, margin: usize) -> Mask {
    let neutral = |least: u16| {
        density.mean.zip(&density.chroma, move |mean, chroma| {
            u8::from(mean > least && u32::from(chroma) * 100 < u32::from(mean) * 30)
        })
    };
    let dark = Components::of(&reached(&neutral(300), &neutral(700)));
    let (width, height) = (density.mean.width, density.mean.height);
    let edges = dark.keep(|_, c| is_edge(c, width, height));
    // The blurred rim of an edge is grey and belongs to it.
    let rim = dilated(&edges, margin);
    rim.zip(&density.mean, |near, mean| near & u8::from(mean > 60)).zip(&edges, |a, b| a | b)
}

/// A stroke that leaves the image touches its border with its width, an edge with its length.
fn is_edge(component: &Component, width: usize, height: usize) -> bool {
    component.border > 0
        && (component.border * 10 >= component.length() * 4
            || component.area * 10 >= width * height)
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
