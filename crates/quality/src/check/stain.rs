//! How strongly and in which proportion a slide is stained.
//!
//! Optical density is taken apart into haematoxylin and eosin by the vectors of Ruifrok and
//! Johnston (Analytical and Quantitative Cytology and Histology 23, 2001), by least squares without
//! a third stain.

use super::scene::Scene;
use crate::density::UNIT;

pub(super) const HAEMATOXYLIN: [f64; 3] = [0.650, 0.704, 0.286];
pub(super) const EOSIN: [f64; 3] = [0.072, 0.990, 0.105];

/// Haematoxylin to eosin of H&E: seven slides of six laboratories have 0.67 to 3.2.
const USUAL_PROPORTION: f64 = 1.5;

/// Means over the tissue, in optical density.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub(super) struct Stain {
    /// Mean of the three channels.
    pub(super) density: f64,
    pub(super) haematoxylin: f64,
    pub(super) eosin: f64,
    /// Density that neither explains, over all density.
    pub(super) unexplained: f64,
}

impl Stain {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let mut sums = [0.0; 3];
        let mut count = 0.0;
        for (rgb, tissue) in scene.density.rgb.data.iter().zip(&scene.tissue_mask.data) {
            if *tissue != 0 {
                sums.iter_mut().zip(rgb).for_each(|(sum, value)| *sum += f64::from(*value));
                count += 1.0;
            }
        }
        if count == 0.0 {
            return Self::default();
        }
        Self::from_density(sums.map(|sum| sum / count / UNIT))
    }

    fn from_density(rgb: [f64; 3]) -> Self {
        let [haematoxylin, eosin] = unmixing(HAEMATOXYLIN, EOSIN).map(|weights| dot(weights, rgb));
        // Stains do not take away less than nothing: what would need that is unexplained.
        let (own_h, own_e) = (haematoxylin.max(0.0), eosin.max(0.0));
        let left = std::array::from_fn(|c| rgb[c] - own_h * HAEMATOXYLIN[c] - own_e * EOSIN[c]);
        Self {
            density: rgb.iter().sum::<f64>() / 3.0,
            haematoxylin,
            eosin,
            unexplained: (dot(left, left) / dot(rgb, rgb).max(1e-9)).sqrt(),
        }
    }

    /// How many times haematoxylin to eosin is above or below what it usually is; a stain that is not
    /// there counts as 0.01.
    pub(super) fn imbalance(&self) -> f64 {
        let ratio = self.haematoxylin.max(0.01) / self.eosin.max(0.01) / USUAL_PROPORTION;
        ratio.max(1.0 / ratio)
    }
}

/// Weights of red, green and blue density that give each stain's amount, by least squares.
pub(super) fn unmixing(first: [f64; 3], second: [f64; 3]) -> [[f64; 3]; 2] {
    let (aa, bb, ab) = (dot(first, first), dot(second, second), dot(first, second));
    let determinant = aa * bb - ab * ab;
    [
        std::array::from_fn(|c| (first[c] * bb - second[c] * ab) / determinant),
        std::array::from_fn(|c| (second[c] * aa - first[c] * ab) / determinant),
    ]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_mixture_is_taken_apart() {
        let mixed = std::array::from_fn(|c| 0.4 * HAEMATOXYLIN[c] + 0.2 * EOSIN[c]);
        let stain = Stain::from_density(mixed);
        assert!((stain.haematoxylin - 0.4).abs() < 1e-9 && (stain.eosin - 0.2).abs() < 1e-9);
        assert!((stain.imbalance() - 2.0 / USUAL_PROPORTION).abs() < 1e-9);
        assert!(stain.unexplained < 1e-9);
        // Diaminobenzidine takes most from blue light.
        assert!(Stain::from_density([0.268, 0.570, 0.776]).unexplained > 0.3);
        let pink = Stain { haematoxylin: 0.1, eosin: 0.3, ..Stain::default() };
        assert!((pink.imbalance() - 4.5).abs() < 1e-9);
    }
}
