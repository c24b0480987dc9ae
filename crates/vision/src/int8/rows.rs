//! Activations in 8 bits, a scale for each row.

use super::{DEPTH, ROWS, ZERO};
use crate::rows::level::vectorised;

/// Rows whose greatest value is smaller count as zeros; the inverse of their scale would overflow.
const SMALLEST: f32 = 1e-30;
const GREATEST: f32 = 127.0;

/// Rows of activations, rounded and laid out as a product reads them. Made once, filled often.
#[derive(Debug, Default)]
pub(crate) struct Rows8 {
    /// [`ROWS`] rows after [`ROWS`] rows; in them, [`DEPTH`] values after [`DEPTH`] values, and
    /// those of one row together. Values carry [`ZERO`] on top.
    pub(super) packed: Vec<u8>,
    /// Per row: what a value of 1 stands for.
    pub(super) scales: Vec<f32>,
    /// One row before it is laid out.
    row: Vec<u8>,
}

impl Rows8 {
    /// Rounds `count` rows of `width` values, `stride` apart.
    ///
    /// # Panics
    /// When the slice does not hold them.
    pub(crate) fn fill(&mut self, values: &[f32], count: usize, width: usize, stride: usize) {
        let depth = width.next_multiple_of(DEPTH);
        self.packed.resize(count.next_multiple_of(ROWS) * depth, 0);
        self.scales.resize(count, 0.0);
        self.row.clear();
        self.row.resize(depth, ZERO as u8);
        for index in 0..count {
            let row = &values[index * stride..][..width];
            let greatest = greatest(row);
            let inverse = if greatest < SMALLEST { 0.0 } else { GREATEST / greatest };
            self.scales[index] = greatest / GREATEST;
            round(row, inverse, &mut self.row);
            let block = &mut self.packed[index / ROWS * ROWS * depth..][..ROWS * depth];
            let places = block.as_chunks_mut::<{ ROWS * DEPTH }>().0;
            let (pieces, at) = (self.row.as_chunks::<DEPTH>().0, index % ROWS * DEPTH);
            for (to, from) in places.iter_mut().zip(pieces) {
                to[at..at + DEPTH].copy_from_slice(from);
            }
        }
    }
}

/// The greatest size of a value; NaN where one is NaN. Sizes of floats are ordered as their bits
/// are, and the bits of NaN are above all.
fn greatest(row: &[f32]) -> f32 {
    let mut bits = [0];
    greatest_bits(row, &mut bits);
    f32::from_bits(bits[0])
}

vectorised! {
    fn greatest_bits<FUSED>(row: &[f32], out: &mut [u32; 1]) {
        const LANES: usize = 16;
        let mut lanes = [0_u32; LANES];
        let (blocks, rest) = row.as_chunks::<LANES>();
        for block in blocks {
            for (lane, value) in lanes.iter_mut().zip(block) {
                *lane = (*lane).max(value.abs().to_bits());
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            *lane = (*lane).max(value.abs().to_bits());
        }
        out[0] = lanes.into_iter().fold(0, u32::max);
    }
}

vectorised! {
    /// `value * inverse` to the nearest integer, with [`ZERO`] on top. Never fused, so that every
    /// processor rounds alike.
    fn round<FUSED>(row: &[f32], inverse: f32, out: &mut [u8]) {
        // Adding this leaves the nearest integer, and ZERO, in the low bits of the mantissa.
        const SHIFT: f32 = 12_582_912.0 + ZERO as f32;
        for (out, value) in out.iter_mut().zip(row) {
            *out = (value * inverse + SHIFT).to_bits() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::level::tests::{at_each_level, numbers};

    fn filled(values: &[f32], count: usize, width: usize, stride: usize) -> Rows8 {
        let mut rows = Rows8::default();
        rows.fill(values, count, width, stride);
        rows
    }

    #[test]
    fn values_are_within_half_a_step() {
        let (count, width, stride) = (ROWS + 1, 33, 40);
        let values = numbers(count * stride, 3);
        let rows = filled(&values, count, width, stride);
        let depth = width.next_multiple_of(DEPTH);
        for (row, x) in (0..count).flat_map(|row| (0..width).map(move |x| (row, x))) {
            let block = row / ROWS * ROWS * depth;
            let at = block + x / DEPTH * ROWS * DEPTH + row % ROWS * DEPTH + x % DEPTH;
            let scale = rows.scales[row];
            let value = (f32::from(rows.packed[at]) - ZERO as f32) * scale;
            assert!((value - values[row * stride + x]).abs() <= 0.5001 * scale);
        }
    }

    #[test]
    fn every_level_gives_the_same_bytes() {
        let values: Vec<f32> = numbers(5 * 77, 9).iter().map(|v| v * v * v * 40.0).collect();
        let all = at_each_level(|| {
            let rows = filled(&values, 5, 77, 77);
            (rows.packed, rows.scales.iter().map(|s| s.to_bits()).collect::<Vec<_>>())
        });
        assert!(all.iter().all(|one| *one == all[0]));
    }

    #[test]
    fn zeros_small_values_and_no_numbers() {
        let rows = filled(&[0.0, 0.0, 1e-38, -1e-39, 1.0, f32::NAN, 1.0, f32::INFINITY], 4, 2, 2);
        assert_eq!(rows.packed[..2], [ZERO as u8; 2]);
        assert_eq!(rows.packed[DEPTH..DEPTH + 2], [ZERO as u8; 2]);
        assert_eq!(rows.scales[0], 0.0);
        assert!(rows.scales[2].is_nan() && rows.scales[3].is_infinite());
    }
}
