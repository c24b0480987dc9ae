//! Light: burnt out, drowned, or of the wrong colour.

use super::{fields::Fields, scene::Scene};

/// A pixel below this in every channel is black.
const BLACK: u8 = 12;

/// Share of stained pixels whose red is burnt out.
pub(super) fn overexposed(fields: &Fields) -> f64 {
    let (stained, burnt) = fields.fields.iter().fold((0_u64, 0_u64), |(stained, burnt), field| {
        (stained + u64::from(field.stained), burnt + u64::from(field.burnt))
    });
    if stained == 0 { 0.0 } else { burnt as f64 / stained as f64 }
}

/// Share of the low-power view that is black.
pub(super) fn black_share(scene: &Scene<'_>) -> f64 {
    let pixels = scene.overview.image.pixels().chunks_exact(3);
    let count = pixels.len().max(1);
    let black = pixels.filter(|pixel| pixel.iter().all(|value| *value < BLACK)).count();
    black as f64 / count as f64
}

/// How far the glass is from neutral: largest channel less smallest, over the largest. `None`
/// where no glass was seen.
pub(super) fn glass_tint(scene: &Scene<'_>) -> Option<f64> {
    let glass = &scene.tissue.glass;
    let high = glass.rgb.iter().copied().fold(0.0_f32, f32::max);
    let low = glass.rgb.iter().copied().fold(255.0_f32, f32::min);
    (!glass.assumed && high > 0.0).then(|| f64::from((high - low) / high))
}
