//! Telling what lies on tissue from the tissue itself: weights of red, green and blue density that
//! see an absorption in full and the slide's own stain as little as can be.
//!
//! Of all weights with `w · signal = 1` those with the least mean square over the slide's own
//! samples: `w = M⁻¹ s / (sᵀ M⁻¹ s)`, the matched filter of array processing (Capon 1969). Density
//! adds (Beer and Lambert), so what is laid over nuclei is seen as well as over stroma.

/// Absorption of a grey: alike in all colours.
pub(super) const GREY: [f64; 3] = [1.0, 1.0, 1.0];
/// With fewer samples nothing is known of the slide's stain.
const LEAST_SAMPLES: usize = 200;

/// Second moments of samples of density in thousandths.
#[derive(Clone, Copy, Default)]
pub(super) struct Moments {
    sums: [[f64; 3]; 3],
    count: usize,
}

impl Moments {
    pub(super) fn add(&mut self, sample: [f64; 3]) {
        for (row, a) in self.sums.iter_mut().zip(sample) {
            row.iter_mut().zip(sample).for_each(|(sum, b)| *sum += a * b);
        }
        self.count += 1;
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The weights for a signal; `noise` is what a sample is uncertain by, in thousandths.
    pub(super) fn weights(&self, signal: [f64; 3], noise: f64) -> [f64; 3] {
        let mut moments = [[0.0; 3]; 3];
        if self.count >= LEAST_SAMPLES {
            moments = self.sums.map(|row| row.map(|sum| sum / self.count as f64));
        }
        (0..3).for_each(|c| moments[c][c] += noise * noise);
        let weights = solved(&moments, signal);
        let gain: f64 = weights.iter().zip(signal).map(|(w, s)| w * s).sum();
        weights.map(|weight| weight / gain)
    }
}

/// The solution of `matrix · x = right` for a symmetric, positive matrix, by its cofactors.
fn solved(matrix: &[[f64; 3]; 3], right: [f64; 3]) -> [f64; 3] {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        matrix[r1][c1] * matrix[r2][c2] - matrix[r1][c2] * matrix[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| matrix[0][c] * cofactor(0, c)).sum();
    std::array::from_fn(|c| (0..3).map(|r| right[r] * cofactor(r, c)).sum::<f64>() / determinant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_stains_are_hardly_seen_and_grey_in_full() {
        let mut moments = Moments::default();
        for amount in 0..400 {
            let (h, e) = (f64::from(amount % 20) * 20.0, f64::from(amount / 20) * 15.0);
            moments.add([0.65 * h + 0.07 * e, 0.70 * h + 0.99 * e, 0.29 * h + 0.11 * e]);
        }
        let weights = moments.weights(GREY, 3.0);
        let seen = |rgb: [f64; 3]| rgb.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>();
        assert!((seen([100.0; 3]) - 100.0).abs() < 1e-6);
        assert!(seen([650.0, 700.0, 290.0]).abs() < 8.0, "{}", seen([650.0, 700.0, 290.0]));
        assert!(seen([70.0, 990.0, 110.0]).abs() < 8.0);
    }

    #[test]
    fn without_samples_all_colours_count_alike() {
        let weights = Moments::default().weights(GREY, 3.0);
        assert!(weights.iter().all(|weight| (weight - 1.0 / 3.0).abs() < 1e-9));
    }
}
