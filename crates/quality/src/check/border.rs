//! Tissue that runs out of the scan.

use super::scene::Scene;
use crate::plane::Mask;

/// The tissue within a few pixels of the border, and the share of the border that it touches.
pub(super) fn cut_tissue(scene: &Scene<'_>) -> (Mask, f64) {
    let tissue = &scene.tissue_mask;
    let (width, height) = (tissue.width, tissue.height);
    let depth = scene.pixels(40.0).clamp(2, 12).min(width / 2).min(height / 2);
    let mut cut = scene.empty();
    let (mut touching, mut length) = (0_usize, 0_usize);
    for y in 0..height {
        for x in 0..width {
            let from_border = x.min(y).min(width - 1 - x).min(height - 1 - y);
            let set = tissue.data[y * width + x] != 0;
            // The outermost pixels may be blended with what lies outside.
            if from_border == 1 {
                length += 1;
                touching += usize::from(set);
            }
            if set && from_border < depth {
                cut.data[y * width + x] = 1;
            }
        }
    }
    (cut, touching as f64 / length.max(1) as f64)
}

/// Whether the file says that it was cut out of a larger scan: Aperio writes the whole scan's size
/// and the part's rectangle, `46000x32914 [42673,5576 2220x2967]`.
pub(super) fn is_cut_out(description: &str) -> bool {
    let Some((before, after)) = description.split_once('[') else { return false };
    let Some((inside, _)) = after.split_once(']') else { return false };
    let size = |text: &str| -> Option<(u32, u32)> {
        let (width, height) = text.split_once('x')?;
        Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
    };
    let whole = before.split_whitespace().last().and_then(size);
    let part = inside.split_whitespace().last().and_then(size);
    matches!((whole, part), (Some(whole), Some(part)) if part.0 < whole.0 || part.1 < whole.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aperio_states_a_cut_out() {
        assert!(is_cut_out("Aperio v11.2.1\n46000x32914 [42673,5576 2220x2967] (240x240) JPEG"));
        assert!(!is_cut_out("Aperio v11.2.1\n15616x27136 [0,0 15616x27136] (256x256) JPEG"));
        for text in ["", "[", "x[x]", "4443x3567 (256x256)", "a [b] c"] {
            assert!(!is_cut_out(text), "{text}");
        }
    }
}
