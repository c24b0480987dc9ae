//! Light: burnt out, drowned, or of the wrong colour.

use super::{fields::Fields, scene::Scene};
use crate::{
    Reason,
    threshold::{histogram, quantile},
};

/// A pixel below this in every channel is black.
const BLACK: u8 = 12;
/// Glass on a lit scan is brighter than this.
const DARK: f32 = 110.0;

/// Share of stained pixels whose red is burnt out.
pub(super) fn overexposed(fields: &Fields) -> f64 {
    let (stained, burnt) = fields.fields.iter().fold((0_u64, 0_u64), |(stained, burnt), field| {
        (stained + u64::from(field.stained), burnt + u64::from(field.burnt))
    });
    if stained == 0 { 0.0 } else { burnt as f64 / stained as f64 }
}

/// Share of the low-power view that is black and no ink. 1 where even its brightest part is dark.
pub(super) fn black_share(scene: &Scene<'_>) -> f64 {
    if luminance(brightest(scene)) < DARK {
        return 1.0;
    }
    let pixels = scene.overview.image.pixels().chunks_exact(3);
    let count = pixels.len().max(1);
    let is_ink = |code: &u8| matches!(Reason::from_code(*code), Some(Reason::Ink(_)));
    let black = pixels
        .zip(scene.tissue.reasons.pixels())
        .filter(|(pixel, code)| pixel.iter().all(|value| *value < BLACK) && !is_ink(code));
    black.count() as f64 / count as f64
}

/// How far the glass, or where none was seen the brightest part, is from neutral: largest channel
/// less smallest, over the largest.
pub(super) fn glass_tint(scene: &Scene<'_>) -> f64 {
    let glass = &scene.tissue.glass;
    let rgb = if glass.assumed { brightest(scene) } else { glass.rgb };
    let high = rgb.iter().copied().fold(0.0_f32, f32::max);
    let low = rgb.iter().copied().fold(255.0_f32, f32::min);
    if high > 0.0 { f64::from((high - low) / high) } else { 0.0 }
}

/// The mean colour of the brightest hundredth of the low-power view.
fn brightest(scene: &Scene<'_>) -> [f32; 3] {
    let pixels = || scene.overview.image.pixels().chunks_exact(3);
    let of = |pixel: &[u8]| pixel.iter().map(|v| u16::from(*v)).sum::<u16>() / 3;
    let least = quantile(&histogram(pixels().map(of), 256), 0.99) as u16;
    let (mut sums, mut count) = ([0.0_f32; 3], 0.0_f32);
    for pixel in pixels().filter(|pixel| of(pixel) >= least) {
        sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += f32::from(*value));
        count += 1.0;
    }
    sums.map(|sum| sum / count.max(1.0))
}

fn luminance(rgb: [f32; 3]) -> f32 {
    rgb.iter().sum::<f32>() / 3.0
}
