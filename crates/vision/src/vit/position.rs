//! Two-dimensional axial rotary positions (DINOv3).

use half::bf16;

use crate::recipe::RotaryPrecision;

/// The periods of `head_width / 4` rotations: `base^(2 i / (head_width / 2))`.
pub(super) fn periods(base: f32, head_width: usize) -> impl Iterator<Item = f32> {
    let count = head_width / 4;
    (0..count).map(move |index| base.powf(index as f32 / count as f32))
}

/// Cosines and sines for every patch, one row of the head's width each.
pub(super) struct Rotation {
    cosine: Vec<f32>,
    sine: Vec<f32>,
    width: usize,
}

impl Rotation {
    /// Centres of patches are mapped to -1..1 along each axis; the angle is `2 pi * coordinate /
    /// period`, all periods for the vertical axis, then for the horizontal one, the whole twice.
    ///
    /// Where the published network makes them in bfloat16, each step is rounded as there: angles
    /// are then off by up to a hundredth, and the features with them.
    pub(super) fn new(
        base: f32,
        grid: usize,
        head_width: usize,
        precision: RotaryPrecision,
    ) -> Self {
        let rounded = |value: f32| match precision {
            RotaryPrecision::F32 => value,
            RotaryPrecision::Bf16 => bf16::from_f32(value).to_f32(),
        };
        let periods: Vec<f32> = periods(base, head_width).map(rounded).collect();
        let coordinate = |index: usize| {
            let share = rounded(rounded(index as f32 + 0.5) / grid as f32);
            rounded(rounded(2.0 * share) - 1.0)
        };
        let mut angles = Vec::with_capacity(grid * grid * head_width);
        for y in 0..grid {
            for x in 0..grid {
                for axis in [y, x, y, x] {
                    let turn = rounded(std::f32::consts::TAU * coordinate(axis));
                    angles.extend(periods.iter().map(|period| rounded(turn / period)));
                }
            }
        }
        Self {
            cosine: angles.iter().map(|angle| rounded(angle.cos())).collect(),
            sine: angles.iter().map(|angle| rounded(angle.sin())).collect(),
            width: head_width,
        }
    }

    /// Cosines and sines: a row of the head's width a patch.
    #[cfg(feature = "cuda")]
    pub(super) fn into_tables(self) -> (Vec<f32>, Vec<f32>) {
        (self.cosine, self.sine)
    }

    /// Rotates the heads in `row`, a multiple of the head's width, of the patch token `patch`.
    pub(super) fn turn(&self, patch: usize, row: &mut [f32]) {
        let at = patch * self.width..(patch + 1) * self.width;
        let (cosine, sine) = (&self.cosine[at.clone()], &self.sine[at]);
        for head in row.chunks_exact_mut(self.width) {
            crate::rows::rotate(head, cosine, sine);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_of_ruipath() {
        let periods: Vec<f32> = periods(100.0, 64).collect();
        assert_eq!(periods.len(), 16);
        assert_eq!(periods[0], 1.0);
        assert!((periods[8] - 10.0).abs() < 1e-5, "100^(16/32)");
    }

    #[test]
    fn one_patch_stands_in_the_middle_and_does_not_turn() {
        let mut row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        Rotation::new(100.0, 1, 4, RotaryPrecision::F32).turn(0, &mut row);
        assert_eq!(row, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn vertical_angles_come_first() {
        // Two by two patches: coordinates -0.5 and 0.5, angles of -pi and pi times 1/period.
        let mut row = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        Rotation::new(4.0, 2, 8, RotaryPrecision::F32).turn(1, &mut row);
        let (vertical, second) = (-std::f32::consts::PI, -std::f32::consts::FRAC_PI_2);
        let expected = [vertical.cos(), second.cos(), 0.0, 0.0, vertical.sin(), second.sin()];
        for (value, expected) in row.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{row:?}");
        }
    }
}
