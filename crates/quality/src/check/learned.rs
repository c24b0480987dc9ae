//! From the network's pixels to places: what is too small, too short or off the tissue is left out.

use super::{bubbles, dirt, folds, on_tissue::OnTissue, scene::Scene, tears};
use crate::{
    ArtefactNetwork, InkColour,
    artefact_network::Artefact,
    components::{Component, Components},
    morphology::dilated,
    plane::{Mask, Plane},
};

/// The least area in um2 and the least length in um of what counts.
struct Least {
    artefact: Artefact,
    area_um2: f64,
    length_um: f64,
}

const fn least(artefact: Artefact, area_um2: f64, length_um: f64) -> Least {
    Least { artefact, area_um2, length_um }
}

const DIRT: Least = least(Artefact::Dirt, 400.0, 16.0);
const EDGE: Least = least(Artefact::CoverSlipEdge, 6_000.0, 400.0);
const INK: Least = least(Artefact::Ink, 10_000.0, 120.0);

/// Dirt, edges and ink by the network, the rest by rules: on tissue that it was not trained on the
/// network calls pale mucosa a bubble and misses folds.
pub(super) fn find(scene: &Scene<'_>, network: &ArtefactNetwork) -> OnTissue {
    let hull = dirt::hull(scene);
    let answer = network.look(&scene.fine.rgb, &hull, scene.um);
    let look = |least: &Least| places(scene, &answer, &hull, least);
    let ink = look(&INK);
    OnTissue {
        folds: folds::folds(scene),
        tears: tears::tears(scene),
        bubbles: bubbles::bubbles(scene),
        dirt: look(&DIRT),
        edges: look(&EDGE),
        ink_colours: colours(scene, &ink),
        ink,
    }
}

/// Those places of an artefact that are large enough and touch tissue.
fn places(scene: &Scene<'_>, answer: &Plane<u8>, hull: &Mask, least: &Least) -> Mask {
    let wanted = least.artefact as u8;
    let components = Components::of(&answer.map(|pixel| u8::from(pixel == wanted)));
    let on_tissue = components.sums(hull);
    let (area, length) = (scene.area_pixels(least.area_um2), scene.pixels(least.length_um));
    components.keep(|index, c: &Component| {
        c.area >= area && c.length() >= length && on_tissue[index] * 8 >= c.area as u64
    })
}

/// What colours the ink has, by what it takes away where it lies beside the tissue, else on it.
fn colours(scene: &Scene<'_>, ink: &Mask) -> Vec<InkColour> {
    let beside = dilated(&scene.tissue_mask, 1);
    let components = Components::of(ink);
    let mut sums = vec![[0_u64; 4]; components.list.len() + 1];
    for clear_only in [true, false] {
        for (at, label) in components.labels.data.iter().enumerate() {
            let sums = &mut sums[*label as usize];
            let enough = sums[3] >= 20;
            if (clear_only && beside.data[at] == 0) || (!clear_only && !enough) {
                let rgb = scene.fine.rgb.data[at];
                (0..3).for_each(|c| sums[c] += u64::from(rgb[c]));
                sums[3] += 1;
            }
        }
    }
    let mut colours: Vec<InkColour> = sums.iter().skip(1).map(colour).collect();
    colours.sort_unstable();
    colours.dedup();
    colours
}

/// The colour whose light passes best; black where none does.
fn colour([red, green, blue, _]: &[u64; 4]) -> InkColour {
    let (least, most) = (*red.min(green).min(blue), *red.max(green).max(blue));
    match least {
        _ if most * 10 < least * 14 => InkColour::Black,
        _ if least == *red => InkColour::Red,
        _ if least == *green => InkColour::Green,
        _ => InkColour::Blue,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_is_named_by_the_light_that_passes() {
        assert_eq!(colour(&[100, 900, 800, 1]), InkColour::Red);
        assert_eq!(colour(&[900, 400, 700, 1]), InkColour::Green);
        assert_eq!(colour(&[900, 700, 300, 1]), InkColour::Blue);
        assert_eq!(colour(&[900, 880, 850, 1]), InkColour::Black);
    }
}
