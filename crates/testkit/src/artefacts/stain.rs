//! Stain too weak, too strong, or out of proportion.

use bianque_core::{Level0, Polygon, Rect, RgbImage};

use super::{Artefact, Reader, View};

/// Optical densities of haematoxylin, eosin and their cross product, as Ruifrok and Johnston give
/// them (Anal. Quant. Cytol. Histol. 23, 291, 2001); the third holds what neither explains.
const HAEMATOXYLIN: [f32; 3] = [0.650, 0.704, 0.286];
const EOSIN: [f32; 3] = [0.072, 0.990, 0.105];

/// The stains' optical densities, each times a factor.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct StainShift {
    /// Factor on haematoxylin.
    pub haematoxylin: f32,
    /// Factor on eosin.
    pub eosin: f32,
    /// Light through clear glass in red, green and blue, of 255.
    pub glass: [f32; 3],
}

impl StainShift {
    /// Factors on usual glass.
    #[must_use]
    pub fn new(haematoxylin: f32, eosin: f32) -> Self {
        Self { haematoxylin, eosin, glass: [243.0, 242.0, 244.0] }
    }

    /// What to add to a pixel's optical densities, by its densities: the matrix of the change.
    fn change(&self) -> [[f32; 3]; 3] {
        // Amounts are the rows of the inverse; with the cross product as third vector these are
        // cross products over the determinant.
        let third = cross(HAEMATOXYLIN, EOSIN);
        let determinant = dot(third, third);
        let to_haematoxylin = cross(EOSIN, third).map(|part| part / determinant);
        let to_eosin = cross(third, HAEMATOXYLIN).map(|part| part / determinant);
        std::array::from_fn(|row| {
            std::array::from_fn(|column| {
                HAEMATOXYLIN[row] * (self.haematoxylin - 1.0) * to_haematoxylin[column]
                    + EOSIN[row] * (self.eosin - 1.0) * to_eosin[column]
            })
        })
    }
}

impl Artefact for StainShift {
    fn bounds(&self) -> Option<Rect<Level0>> {
        None
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        Vec::new()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        let change = self.change();
        let density: [Vec<f32>; 3] = std::array::from_fn(|channel| {
            let of = |value: u8| (self.glass[channel] / f32::from(value.max(1))).log10().max(0.0);
            (0..=255).map(of).collect()
        });
        for pixel in image.pixels_mut().chunks_exact_mut(3) {
            let densities = [0, 1, 2].map(|channel| density[channel][usize::from(pixel[channel])]);
            for (value, row) in pixel.iter_mut().zip(change) {
                let new = f32::from(*value) * 10_f32.powf(-dot(row, densities));
                *value = new.round().clamp(0.0, 255.0) as u8;
            }
        }
        image
    }
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use bianque_core::Point;

    use super::*;

    #[test]
    fn each_stain_is_scaled_alone() {
        let view = View { origin: Point::new(0.0, 0.0), step: 1.0, width: 1, height: 1, mpp: 0.5 };
        let glass = StainShift::new(1.0, 1.0).glass;
        let stained = |amounts: (f32, f32)| -> [u8; 3] {
            std::array::from_fn(|channel| {
                let density = HAEMATOXYLIN[channel] * amounts.0 + EOSIN[channel] * amounts.1;
                (glass[channel] * 10_f32.powf(-density)).round() as u8
            })
        };
        let shifted = |shift: StainShift| {
            let pixel = stained((0.4, 0.3));
            shift.render(&view, &|_: &View| RgbImage::filled(1, 1, pixel)).pixel(0, 0)
        };
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 2);
        assert!(near(shifted(StainShift::new(0.5, 1.0)), stained((0.2, 0.3))));
        assert!(near(shifted(StainShift::new(1.0, 2.0)), stained((0.4, 0.6))));
        assert!(near(shifted(StainShift::new(1.0, 1.0)), stained((0.4, 0.3))));
    }
}
