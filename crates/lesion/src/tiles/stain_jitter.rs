//! Other laboratories' stains, imitated: haematoxylin and eosin made stronger or weaker.

use bianque_core::RgbImage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How far stains are varied (Tellez et al. 2018: each stain's amount scaled by `1 +- scale` and
/// shifted by `+- shift`).
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StainJitter {
    /// Varied copies of each tile beside the tile itself.
    pub copies: u32,
    /// Largest relative change of a stain's amount, such as 0.4.
    pub scale: f32,
    /// Largest shift of a stain's amount, such as 0.1.
    pub shift: f32,
    /// Seed.
    pub seed: u64,
}

/// Optical density of red, green and blue for one unit of haematoxylin and of eosin (Ruifrok and
/// Johnston 2001), and the direction square to both; each of length 1.
const STAINS: [[f32; 3]; 3] =
    [[0.6500, 0.7041, 0.2860], [0.0704, 0.9904, 0.1190], [-0.3170, -0.0910, 0.9441]];

impl StainJitter {
    /// Whether scale and shift are in the range in which tissue still looks like tissue.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        (0.0..1.0).contains(&self.scale) && (0.0..1.0).contains(&self.shift) && self.copies <= 64
    }

    /// A varied copy. The same tile, name and number of copy give the same pixels.
    #[must_use]
    pub(crate) fn vary(&self, image: &RgbImage, tile: [u8; 8], copy: u32) -> RgbImage {
        let seed = self.seed ^ u64::from_le_bytes(tile) ^ (u64::from(copy) << 48);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |most: f32| most * random.random_range(-1.0_f32..1.0);
        let amounts: [(f32, f32); 3] =
            std::array::from_fn(|_| (1.0 + draw(self.scale), draw(self.shift)));
        recoloured(image, amounts)
    }
}

/// Each stain's amount times the first plus the second value.
pub(super) fn recoloured(image: &RgbImage, amounts: [(f32, f32); 3]) -> RgbImage {
    let unmix = inverse(STAINS);
    // Amount = density * unmix; new density = (amount * scale + shift) * stains: one matrix and
    // one offset.
    let mut matrix = [[0.0_f32; 3]; 3];
    let mut offset = [0.0_f32; 3];
    for to in 0..3 {
        for stain in 0..3 {
            let (scale, shift) = amounts[stain];
            offset[to] += shift * STAINS[stain][to];
            for from in 0..3 {
                matrix[from][to] += unmix[from][stain] * scale * STAINS[stain][to];
            }
        }
    }
    let density: Vec<f32> = (0..256).map(|v| -((v as f32 + 1.0) / 256.0).ln()).collect();
    let mut out = image.clone();
    for pixel in out.pixels_mut().as_chunks_mut::<3>().0 {
        let from = pixel.map(|value| density[usize::from(value)]);
        // Glass stays glass: where there is no stain none is added.
        let stained = (from[0] + from[1] + from[2]).min(0.6) / 0.6;
        for to in 0..3 {
            let mixed: f32 = (0..3).map(|f| from[f] * matrix[f][to]).sum();
            let value = 256.0 * (-(mixed + stained * offset[to])).exp() - 1.0;
            pixel[to] = value.round().clamp(0.0, 255.0) as u8;
        }
    }
    out
}

/// The inverse of a 3 x 3 matrix by its adjugate; the stains are independent.
fn inverse(m: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    let cofactor = |row: usize, column: usize| {
        let (r, c) = ([(row + 1) % 3, (row + 2) % 3], [(column + 1) % 3, (column + 2) % 3]);
        m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
    };
    let determinant: f32 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| cofactor(column, row) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tissue() -> RgbImage {
        let mut image = RgbImage::filled(8, 8, [255; 3]);
        for (index, pixel) in image.pixels_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = [120 + index as u8, 60 + index as u8, 140 + index as u8];
        }
        image.set_pixel(0, 0, [255; 3]);
        image
    }

    #[test]
    fn unchanged_amounts_give_the_same_pixels() {
        let image = tissue();
        let same = recoloured(&image, [(1.0, 0.0); 3]);
        for (a, b) in image.pixels().iter().zip(same.pixels()) {
            assert!(a.abs_diff(*b) <= 1, "{a} {b}");
        }
    }

    #[test]
    fn more_haematoxylin_takes_more_red_than_more_eosin() {
        let image = tissue();
        let blue = recoloured(&image, [(1.4, 0.0), (1.0, 0.0), (1.0, 0.0)]);
        let pink = recoloured(&image, [(1.0, 0.0), (1.4, 0.0), (1.0, 0.0)]);
        let red = |image: &RgbImage| image.pixel(5, 5)[0];
        assert!(red(&blue) < red(&pink) && red(&blue) < red(&image));
        assert_eq!(blue.pixel(0, 0), [255; 3]);
    }

    #[test]
    fn copies_differ_and_come_back() {
        let jitter = StainJitter { copies: 2, scale: 0.4, shift: 0.1, seed: 3 };
        let vary = |tile, copy| jitter.vary(&tissue(), [tile; 8], copy);
        assert_eq!(vary(1, 1), vary(1, 1));
        assert_ne!(vary(1, 1), vary(1, 2));
        assert_ne!(vary(1, 1), vary(2, 1));
        assert!(jitter.is_valid());
        assert!(!StainJitter { scale: f32::NAN, ..jitter }.is_valid());
    }
}
