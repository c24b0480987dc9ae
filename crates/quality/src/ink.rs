//! Pen and margin ink, told from stain by which colours it takes away.
//!
//! Haematoxylin and eosin both take most from green light: their colours lie in a wedge from
//! blue-violet to pink-red. Green and blue inks take more from red than from green; black takes all
//! alike; red takes green and blue alike, where eosin lets blue pass (stain vectors: Ruifrok and
//! Johnston 2001).

use crate::{
    components::{Components, reached},
    density::Density,
    morphology::dilated,
    plane::{Mask, Plane, box_mean},
    reasons::InkColour,
};

/// A pixel that no ink explains.
const NONE: u8 = 0;

/// A pixel that may be ink of a colour.
const fn weak(colour: InkColour) -> u8 {
    1 + 2 * colour as u8
}

/// A pixel that hardly anything but ink of a colour explains.
const fn strong(colour: InkColour) -> u8 {
    2 + 2 * colour as u8
}

/// Sizes in mask pixels.
pub(crate) struct InkSizes {
    /// The smallest mark.
    pub(crate) least_area: usize,
    /// How far ink bleeds into neighbouring pixels.
    pub(crate) bleed: usize,
    /// The width of the ring around a mark that is looked at.
    pub(crate) ring: usize,
}

/// One mask per colour of [`InkColour::ALL`], without overlap, and colours that were taken for the
/// slide's stain.
pub(crate) struct Ink {
    pub(crate) masks: [Mask; 4],
    pub(crate) stain_like: Vec<InkColour>,
}

/// Finds ink outside `excluded` (dark edges).
pub(crate) fn find_ink(density: &Density, excluded: &Mask, sizes: &InkSizes) -> Ink {
    let cues = density.rgb.zip(excluded, |rgb, out| if out == 0 { cue(rgb) } else { NONE });
    let mut seen = [false; 16];
    cues.data.iter().for_each(|cue| seen[usize::from(*cue & 15)] = true);
    let empty = || Mask::filled(cues.width, cues.height, 0);
    if !InkColour::ALL.iter().any(|colour| seen[usize::from(strong(*colour))]) {
        return Ink { masks: std::array::from_fn(|_| empty()), stain_like: Vec::new() };
    }
    let rough = roughness(density, sizes.ring);
    let marks = InkColour::ALL.map(|colour| {
        if !seen[usize::from(strong(colour))] {
            return empty();
        }
        let sure = cues.map(|cue| u8::from(cue == strong(colour)));
        let any = cues.map(|cue| u8::from(cue == strong(colour) || cue == weak(colour)));
        marks(colour, &any, &sure, density, &rough, sizes)
    });
    let [green, blue, ..] = &marks;
    let stained = density.evidence.zip(excluded, |e, out| u8::from(e > 100 && out == 0));
    let off_stain = green.zip(blue, |a, b| a | b);
    let is_stain = is_stain(&off_stain, &stained, &rough, density);
    let mut taken = excluded.clone();
    let mut stain_like = Vec::new();
    let masks = std::array::from_fn(|index| {
        let (colour, marks) = (InkColour::ALL[index], &marks[index]);
        if is_stain && matches!(colour, InkColour::Green | InkColour::Blue) {
            stain_like.extend((marks.count() > 0).then_some(colour));
            return Mask::filled(marks.width, marks.height, 0);
        }
        let spread = spread(colour, marks, density, sizes.bleed);
        let free = spread.zip(&taken, |own, other| own & (1 - other));
        taken = taken.zip(&free, |a, b| a | b);
        free
    });
    Ink { masks, stain_like }
}

/// Which ink a pixel of these densities may be.
fn cue([red, green, blue]: [u16; 3]) -> u8 {
    let [r, g, b] = [red, green, blue].map(u32::from);
    let mean = (r + g + b) / 3;
    let chroma = r.max(g).max(b) - r.min(g).min(b);
    let sure = |colour, is_sure| if is_sure { strong(colour) } else { weak(colour) };
    // Near black a few grey levels make a large difference in density.
    let black = r.min(g).min(b) > 850 && chroma < 350;
    if mean > 350 && (chroma * 100 < mean * 24 || black) {
        return sure(InkColour::Black, mean > 700);
    }
    if r > g + 40 && r * 100 > g * 112 {
        // Green ink lets green pass at least as well as blue; cyan counts as green.
        let colour = if g * 100 <= b * 115 { InkColour::Green } else { InkColour::Blue };
        return sure(colour, r > g + 130 && r * 100 > g * 125);
    }
    if g > 400 && b * 100 > g * 70 && r * 100 < g * 35 {
        return sure(InkColour::Red, g > 650 && b * 100 > g * 80 && r * 100 < g * 30);
    }
    NONE
}

/// The marks of one colour: weak pixels that a strong one reaches, large enough, and lying as ink
/// of that colour lies.
fn marks(
    colour: InkColour,
    any: &Mask,
    sure: &Mask,
    density: &Density,
    rough: &Plane<u16>,
    sizes: &InkSizes,
) -> Mask {
    let candidates = Components::of(&reached(any, sure));
    let strong_pixels = candidates.sums(sure);
    let roughness = candidates.sums(rough);
    let depth = candidates.sums(&density.mean);
    let on_glass = share_on_glass(&candidates, density, sizes.ring);
    candidates.keep(|index, component| {
        let large = component.area >= sizes.least_area
            && strong_pixels[index] as usize * 8 >= component.area.min(8 * sizes.least_area);
        // Nuclei, folds and pigment are blue or black too, but rough; a stroke is even.
        let even = roughness[index] * 100 < depth[index] * 30;
        match colour {
            InkColour::Green => large,
            // Haematoxylin may look weakly blue, never strongly.
            InkColour::Blue => {
                let saturated = strong_pixels[index] as usize * 2 >= component.area;
                large && (saturated || even || on_glass[index] > 0.5)
            }
            // A fold or pigment lies in tissue; a stroke reaches over glass or is large.
            InkColour::Black => {
                large && even && (on_glass[index] > 0.25 || component.area > 40 * sizes.least_area)
            }
            // Blood is as red as a red pen, but lies in tissue.
            InkColour::Red => {
                large && component.area >= 8 * sizes.least_area && on_glass[index] > 0.3
            }
        }
    })
}

/// For each component, how much of a ring around it is glass.
fn share_on_glass(components: &Components, density: &Density, ring: usize) -> Vec<f64> {
    let width = components.labels.width;
    let height = components.labels.height;
    let near = ring.max(2);
    let mut counts = vec![(0_u64, 0_u64); components.list.len() + 1];
    for y in 0..height {
        for x in 0..width {
            let label = components.labels.data[y * width + x] as usize;
            if label == 0 {
                continue;
            }
            let looks = [
                (x.checked_sub(near), Some(y)),
                (Some(x + near), Some(y)),
                (Some(x), y.checked_sub(near)),
                (Some(x), Some(y + near)),
            ];
            for look in looks {
                let (Some(u), Some(v)) = look else { continue };
                if u >= width || v >= height || components.labels.data[v * width + u] != 0 {
                    continue;
                }
                let glass = density.mean.data[v * width + u] < 60;
                counts[label].0 += u64::from(glass);
                counts[label].1 += 1;
            }
        }
    }
    counts.iter().skip(1).map(|(glass, all)| *glass as f64 / (*all).max(1) as f64).collect()
}

/// How much the density differs from its surroundings.
fn roughness(density: &Density, radius: usize) -> Plane<u16> {
    let around = box_mean(&density.mean, radius.clamp(1, 4));
    density.mean.zip(&around, u16::abs_diff)
}

/// Green and blue that make up much of what is stained, as rough as tissue, are the slide's stain.
fn is_stain(marks: &Mask, stained: &Mask, rough: &Plane<u16>, density: &Density) -> bool {
    let area = marks.zip(stained, |a, b| a & b).count();
    if area == 0 || area * 3 < stained.count() {
        return false;
    }
    let over = |plane: &Plane<u16>| -> u64 {
        marks.data.iter().zip(&plane.data).map(|(m, v)| u64::from(*m) * u64::from(*v)).sum()
    };
    over(rough) * 100 > over(&density.mean) * 12
}

/// Ink thins out at its edge: neighbours that are not clearly stain belong to it.
fn spread(colour: InkColour, marks: &Mask, density: &Density, bleed: usize) -> Mask {
    if marks.count() == 0 {
        return marks.clone();
    }
    let near = dilated(marks, bleed);
    let edge = density.rgb.zip(&near, |[r, g, b], near| {
        let [r, g, b] = [r, g, b].map(u32::from);
        let stain_like = match colour {
            // The rim of a red stroke has the red's own mixture, eosin takes far less blue.
            InkColour::Red => b * 100 < g * 62,
            _ => g > r + 60 && g > b,
        };
        u8::from(near != 0 && !stain_like && r.max(g).max(b) > 25)
    });
    edge.zip(marks, |edge, mark| edge | mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rgb: [f64; 3]) -> u8 {
        cue(rgb.map(|v| ((243.0 / (v + 1.0)).log10() * 1000.0).max(0.0) as u16))
    }

    #[test]
    fn pens_are_told_from_stains() {
        assert_eq!(of([20.0, 130.0, 80.0]), strong(InkColour::Green));
        assert_eq!(of([30.0, 70.0, 170.0]), strong(InkColour::Blue));
        assert_eq!(of([22.0, 20.0, 24.0]), strong(InkColour::Black));
        assert_eq!(of([215.0, 30.0, 40.0]), strong(InkColour::Red));
        for stain in [
            [120.0, 80.0, 160.0],  // nuclei
            [70.0, 45.0, 110.0],   // dense nuclei
            [225.0, 150.0, 190.0], // stroma
            [200.0, 70.0, 130.0],  // muscle, red cells
            [215.0, 212.0, 228.0], // mucin
            [243.0, 243.0, 243.0], // glass
        ] {
            assert_eq!(of(stain), NONE, "{stain:?}");
        }
    }
}
