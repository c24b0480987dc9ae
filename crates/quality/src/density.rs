//! Optical density against the glass: how much light of each colour a place takes away.

use bianque_core::RgbImage;

use crate::{
    glass::{GlassColour, Shading},
    plane::{Plane, box_mean},
};

/// Density 1.0 in the planes' whole numbers.
pub(crate) const UNIT: f64 = 1000.0;

/// Optical density times [`UNIT`]; 0 is glass or brighter.
pub(crate) struct Density {
    /// Mean over the three channels.
    pub(crate) mean: Plane<u16>,
    /// Largest channel minus smallest: colour, which dust and shadows lack.
    pub(crate) chroma: Plane<u16>,
    /// What stained tissue has and grey dirt has not, see [`stain_evidence`].
    pub(crate) evidence: Plane<u16>,
    /// Per pixel the densities of red, green and blue.
    pub(crate) rgb: Plane<[u16; 3]>,
}

/// Densities of an image, averaged over squares of `2 * smoothing + 1` pixels.
pub(crate) fn density(
    image: &RgbImage,
    glass: &GlassColour,
    shading: &Shading,
    smoothing: usize,
) -> Density {
    let channels: [Plane<u16>; 3] =
        std::array::from_fn(|c| box_mean(&channel_density(image, glass, shading, c), smoothing));
    let [red, green, blue] = channels;
    let pairs = red.zip(&green, |r, g| (r, g));
    let rgb = pairs.zip(&blue, |(r, g), b| [r, g, b]);
    let mean = rgb.map(|[r, g, b]| ((u32::from(r) + u32::from(g) + u32::from(b)) / 3) as u16);
    let chroma = rgb.map(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b));
    let evidence = mean.zip(&chroma, stain_evidence);
    Density { mean, chroma, evidence, rgb }
}

/// Colour counts in full, darkness only as far as there is colour: a grey of any depth gives
/// nothing, a pale pink more than its depth. A sixth of the depth is what a grey may seem coloured
/// by fringes and coding.
fn stain_evidence(mean: u16, chroma: u16) -> u16 {
    let colour = chroma.saturating_sub(mean / 6);
    colour.saturating_add(mean.min(colour.saturating_mul(2)))
}

fn channel_density(
    image: &RgbImage,
    glass: &GlassColour,
    shading: &Shading,
    channel: usize,
) -> Plane<u16> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let table = density_table(f64::from(glass.rgb[channel]));
    let place = |at: usize, of: usize| (at as f64 + 0.5) / of as f64 * 2.0 - 1.0;
    let mut data = Vec::with_capacity(width * height);
    // Shading changes slowly: one gain for each 8 pixels, as a shift in density.
    let mut shifts = vec![0_i32; width.div_ceil(8)];
    for y in 0..height {
        if y % 8 == 0 {
            for (index, shift) in shifts.iter_mut().enumerate() {
                let gain = shading.gain(channel, place(index * 8, width), place(y, height));
                *shift = (gain.log10() * UNIT).round() as i32;
            }
        }
        for (pixels, shift) in image.row(y as u32).chunks(24).zip(&shifts) {
            for pixel in pixels.chunks_exact(3) {
                data.push((table[usize::from(pixel[channel])] + shift).max(0) as u16);
            }
        }
    }
    Plane { width, height, data }
}

/// Density for each grey level; one is added so that black stays finite.
fn density_table(glass: f64) -> [i32; 256] {
    std::array::from_fn(|value| {
        (((glass + 1.0) / (value as f64 + 1.0)).log10() * UNIT).round() as i32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: Shading = Shading([[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]; 3]);

    fn glass() -> GlassColour {
        GlassColour { rgb: [240.0; 3], share: 1.0, assumed: false }
    }

    fn of(rgb: [u8; 3]) -> Density {
        density(&RgbImage::filled(3, 3, rgb), &glass(), &EVEN, 1)
    }

    #[test]
    fn a_tenth_of_the_light_is_density_one() {
        let tenth = of([23; 3]);
        assert!((i32::from(tenth.mean.data[4]) - 1000).abs() < 5, "{}", tenth.mean.data[4]);
        assert_eq!(of([255; 3]).mean.data[4], 0);
    }

    #[test]
    fn grey_is_no_evidence_and_pale_pink_is() {
        for grey in [0, 40, 120, 200, 230] {
            assert_eq!(of([grey; 3]).evidence.data[4], 0, "{grey}");
        }
        assert!(of([236, 214, 231]).evidence.data[4] > 60);
        assert!(of([80, 60, 130]).evidence.data[4] > 500);
    }

    #[test]
    fn shading_is_taken_out() {
        let mut shading = EVEN;
        shading.0.iter_mut().for_each(|k| k[0] = 0.9);
        let shaded = density(&RgbImage::filled(3, 3, [216; 3]), &glass(), &shading, 0);
        assert!(shaded.mean.data[4] < 3);
    }
}
