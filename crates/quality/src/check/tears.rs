//! Tears and cracks: long, narrow gaps in the tissue that show bare glass.

use super::scene::Scene;
use crate::{components::Components, morphology::closed, plane::Mask};

/// Gaps up to this width are looked at.
const WIDTH_UM: f64 = 110.0;
/// A tear is at least so long, and so much longer than wide.
const LEAST_LENGTH_UM: f64 = 700.0;
const ELONGATION: f64 = 9.0;
/// Bare glass takes no light away, in thousandths of density.
const BARE: u16 = 45;

/// The pixels of tears.
pub(super) fn tears(scene: &Scene<'_>) -> Mask {
    let radius = (scene.pixels(WIDTH_UM) / 2).clamp(2, 16);
    let whole = closed(&scene.tissue_mask, radius);
    let gaps = whole.zip(&scene.tissue_mask, |whole, tissue| whole & (1 - tissue));
    let bare = gaps.zip(&scene.density.mean, |gap, density| u8::from(gap != 0 && density < BARE));
    let components = Components::of(&bare);
    components.keep(|_, c| {
        let (width, height) = (c.max.0 - c.min.0 + 1, c.max.1 - c.min.1 + 1);
        let length = (width as f64).hypot(height as f64);
        let breadth = c.area as f64 / length;
        length * scene.um >= LEAST_LENGTH_UM && length >= ELONGATION * breadth && breadth >= 1.5
    })
}
