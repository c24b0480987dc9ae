//! The double-threshold method that Bianque's is compared with, written from its description:
//! Otsu's threshold on saturation and on density, joined with one on texture; a second, lower pass
//! that is kept where the first reaches it; small islands and holes removed.

use bianque_core::RgbImage;

use crate::{
    components::{reached, without_small_holes, without_small_islands},
    plane::{Mask, Plane, box_mean},
    threshold::{histogram, otsu},
};

/// The mask of an image of about 8 um per pixel.
pub(crate) fn double_pass(image: &RgbImage) -> Vec<bool> {
    let saturation = plane(image, |low, high, _| {
        if high == 0 { 0 } else { (u32::from(high - low) * 255 / u32::from(high)) as u16 }
    });
    let density = plane(image, |_, _, mean| {
        ((255.0 / (f64::from(mean) + 1.0)).log10().max(0.0) * 200.0) as u16
    });
    let texture = deviation(&density);
    let (sat_weak, sat_strong) = two_passes(&box_mean(&saturation, 1));
    let (od_weak, od_strong) = two_passes(&box_mean(&density, 1));
    let (_, texture_strong) = two_passes(&texture);
    let join = |a: &Mask, b: &Mask| a.zip(b, |a, b| a | b);
    let strong = join(&join(&sat_strong, &od_strong), &texture_strong);
    let weak = join(&join(&sat_weak, &od_weak), &strong);
    let kept = reached(&weak, &strong);
    // 8 um per pixel: 160 pixels are 0.01 mm2, 625 are 0.04 mm2.
    let solid = without_small_holes(&without_small_islands(&kept, 160), 625);
    solid.data.iter().map(|value| *value != 0).collect()
}

/// Pixels above Otsu's threshold of what lies below Otsu's threshold, and above that threshold.
fn two_passes(plane: &Plane<u16>) -> (Mask, Mask) {
    let counts = histogram(plane.data.iter().copied(), 1024);
    let strong = otsu(&counts).unwrap_or(1024);
    let weak = otsu(&counts[..strong.min(1024)]).unwrap_or(strong);
    let above = |least: usize| plane.map(|value| u8::from(usize::from(value) >= least));
    // The lower pass must not fall into the glass: half of the first threshold is its floor.
    (above(weak.max(strong / 2)), above(strong))
}

fn deviation(density: &Plane<u16>) -> Plane<u16> {
    let mean = box_mean(density, 2);
    box_mean(&density.zip(&mean, u16::abs_diff), 2)
}

fn plane(image: &RgbImage, of: impl Fn(u8, u8, u8) -> u16) -> Plane<u16> {
    let data = image.pixels().chunks_exact(3).map(|p| {
        let mean = (u16::from(p[0]) + u16::from(p[1]) + u16::from(p[2])) / 3;
        of(p[0].min(p[1]).min(p[2]), p[0].max(p[1]).max(p[2]), mean as u8)
    });
    Plane { width: image.width() as usize, height: image.height() as usize, data: data.collect() }
}
