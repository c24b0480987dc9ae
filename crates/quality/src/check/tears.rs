//! Tears and cracks: long, narrow gaps in the tissue that show bare glass.

use super::scene::Scene;
use crate::{components::Components, morphology::closed, plane::Mask};

/// Gaps up to this width are looked at.
const WIDTH_UM: f64 = 240.0;
/// A tear is at least so long, and so much longer than wide.
const LEAST_LENGTH_UM: f64 = 550.0;
const ELONGATION: f64 = 12.0;
/// Coarser views are not looked at.
const COARSEST_UM: f64 = 12.0;
/// Bare glass takes no light away, in thousandths of density.
const BARE: u16 = 14;

/// The pixels of tears.
pub(super) fn tears(scene: &Scene<'_>) -> Mask {
    // At coarser pixels fat and vessels look alike.
    if scene.um > COARSEST_UM {
        return scene.empty();
    }
    let radius = (scene.pixels(WIDTH_UM) / 2).clamp(2, 16);
    let whole = closed(&scene.tissue_mask, radius);
    // The tissue mask fills small holes: what is bare is asked of the pixels.
    let bare =
        whole.zip(&scene.density.mean, |whole, density| u8::from(whole != 0 && density < BARE));
    let components = Components::of(&bare);
    components.keep(|_, c| {
        let (width, height) = (c.max.0 - c.min.0 + 1, c.max.1 - c.min.1 + 1);
        let length = (width as f64).hypot(height as f64);
        let breadth = c.area as f64 / length;
        length * scene.um >= LEAST_LENGTH_UM && length >= ELONGATION * breadth && breadth >= 1.5
    })
}
