//! The scene at about 8 um a pixel, whatever the slide's size: what lies on tissue is looked for at
//! one scale, where nuclei are gone and a rim or a line still has its pixel.

use super::scene::Scene;
use crate::plane::{Mask, Plane};

/// Microns per pixel that views are brought near to, from 5.3 to 10.7; coarser ones stay.
const UM: f64 = 8.0;

/// Coarser slides are not looked at for lines and rims: a rim is thinner than half a pixel.
const COARSEST_UM: f64 = 12.0;

/// A view of the scene, reduced by a whole number.
pub(super) struct Coarse {
    /// Optical density in thousandths, red, green and blue.
    pub(super) rgb: Plane<[u16; 3]>,
    /// Squares of which any is tissue.
    pub(super) tissue: Mask,
    /// Microns per pixel.
    pub(super) um: f64,
    factor: usize,
}

impl Coarse {
    /// The view near 8 um, `further` times coarser.
    pub(super) fn of(scene: &Scene<'_>, further: usize) -> Self {
        let factor = (UM / scene.um).round().max(1.0) as usize * further;
        Self {
            rgb: reduced(&scene.fine.rgb, factor),
            tissue: covered(&scene.tissue_mask, factor),
            um: scene.um * factor as f64,
            factor,
        }
    }

    /// A view of which all is tissue.
    #[cfg(test)]
    pub(super) fn all_tissue(size: usize, um: f64) -> Self {
        let rgb = Plane::filled(size, size, [200, 300, 150]);
        Self { rgb, tissue: Mask::filled(size, size, 1), um, factor: 1 }
    }

    /// Whether lines and rims of some um can show in the scene.
    pub(super) fn shows_lines(scene: &Scene<'_>) -> bool {
        scene.um <= COARSEST_UM
    }

    /// A mask of the scene at this view's size: squares of which any is set.
    pub(super) fn covered(&self, mask: &Mask) -> Mask {
        covered(mask, self.factor)
    }

    /// A mask of this view at the scene's size.
    pub(super) fn enlarged(&self, mask: &Mask, scene: &Scene<'_>) -> Mask {
        let (width, height) = (scene.tissue_mask.width, scene.tissue_mask.height);
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            let row = mask.row(y / self.factor);
            data.extend((0..width).map(|x| row[x / self.factor]));
        }
        Mask { width, height, data }
    }

    /// A length in pixels of this view, at least one.
    pub(super) fn pixels(&self, um: f64) -> usize {
        (um / self.um).round().clamp(1.0, 1e6) as usize
    }

    /// An area in pixels of this view, at least one.
    pub(super) fn area_pixels(&self, um2: f64) -> usize {
        (um2 / (self.um * self.um)).round().clamp(1.0, 1e9) as usize
    }

    /// A mask of this view's shape.
    pub(super) fn empty(&self) -> Mask {
        Mask::filled(self.tissue.width, self.tissue.height, 0)
    }

    /// What of the density has an absorption, by weights of its red, green and blue.
    pub(super) fn projected(&self, weights: [f64; 3]) -> Plane<f32> {
        let weights = weights.map(|weight| weight as f32);
        self.rgb.map(|rgb| (0..3).map(|c| weights[c] * f32::from(rgb[c])).sum())
    }
}

/// Means over squares of `factor` pixels; a last, smaller square is averaged over what it has.
fn reduced(plane: &Plane<[u16; 3]>, factor: usize) -> Plane<[u16; 3]> {
    if factor == 1 {
        return plane.clone();
    }
    let (width, height) = (plane.width.div_ceil(factor), plane.height.div_ceil(factor));
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (mut sums, mut count) = ([0_u32; 3], 0);
            for v in y * factor..((y + 1) * factor).min(plane.height) {
                let row = &plane.row(v)[x * factor..((x + 1) * factor).min(plane.width)];
                count += row.len() as u32;
                for rgb in row {
                    sums.iter_mut().zip(rgb).for_each(|(sum, value)| *sum += u32::from(*value));
                }
            }
            data.push(sums.map(|sum| (sum / count.max(1)) as u16));
        }
    }
    Plane { width, height, data }
}

/// Squares of `factor` pixels of which any is set.
fn covered(mask: &Mask, factor: usize) -> Mask {
    let (width, height) = (mask.width.div_ceil(factor), mask.height.div_ceil(factor));
    let mut out = Mask::filled(width, height, 0);
    for y in 0..mask.height {
        for (x, value) in mask.row(y).iter().enumerate() {
            out.data[y / factor * width + x / factor] |= *value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_averaged_and_the_last_is_smaller() {
        let plane = Plane { width: 3, height: 2, data: (1..=6).map(|v| [v * 10; 3]).collect() };
        let small = reduced(&plane, 2);
        assert_eq!((small.width, small.height), (2, 1));
        assert_eq!(small.data, [[30; 3], [45; 3]]);
        let mask = Mask { width: 3, height: 2, data: vec![0, 0, 0, 0, 0, 1] };
        assert_eq!(covered(&mask, 2).data, [0, 1]);
    }
}
