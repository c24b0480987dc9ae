//! Weights in 8 bits, packed for an instruction set.

use super::{DEPTH, ZERO, dot::Instructions};

/// The most that the sizes of two neighbouring weights may add up to: AVX2 adds two products of a
/// byte up to 255 and a weight in 16 bits, and 255 * 128 still fits.
const PAIR: f32 = 128.0;
/// The greatest weight.
const GREATEST: f32 = 127.0;

/// A matrix of `outputs x inputs` weights.
#[derive(Debug)]
pub(crate) struct Weights8 {
    pub(super) instructions: Instructions,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Panel after panel; in a panel, [`DEPTH`] inputs after [`DEPTH`] inputs, and those of one
    /// output together. Outputs and inputs are padded with zeros.
    pub(super) packed: Vec<i8>,
    /// Per output: what a weight of 1 stands for.
    pub(super) scales: Vec<f32>,
    /// Per output: [`ZERO`] times the sum of its weights, which a product has too much.
    pub(super) excess: Vec<i32>,
}

impl Weights8 {
    /// Rounds `weights`, outputs after outputs.
    ///
    /// # Panics
    /// When the slice does not hold them.
    pub(crate) fn new(weights: &[f32], inputs: usize, outputs: usize) -> Self {
        Self::for_instructions(Instructions::best(), weights, inputs, outputs)
    }

    pub(super) fn for_instructions(
        instructions: Instructions,
        weights: &[f32],
        inputs: usize,
        outputs: usize,
    ) -> Self {
        let (columns, depth) = (instructions.columns(), inputs.next_multiple_of(DEPTH));
        let padded = outputs.next_multiple_of(columns);
        let mut new = Self {
            instructions,
            inputs,
            outputs,
            packed: vec![0; padded * depth],
            scales: vec![0.0; padded],
            excess: vec![0; padded],
        };
        let mut row = vec![0; depth];
        for output in 0..outputs {
            let values = &weights[output * inputs..][..inputs];
            new.scales[output] = round(values, &mut row);
            new.excess[output] = ZERO * row.iter().map(|weight| i32::from(*weight)).sum::<i32>();
            let (panel, column) = (output / columns, output % columns);
            let panel = &mut new.packed[panel * columns * depth..][..columns * depth];
            let places = panel.chunks_exact_mut(columns * DEPTH);
            for (to, from) in places.zip(row.chunks_exact(DEPTH)) {
                to[column * DEPTH..][..DEPTH].copy_from_slice(from);
            }
        }
        new
    }

    /// Bytes of a row of activations.
    pub(super) fn depth(&self) -> usize {
        self.inputs.next_multiple_of(DEPTH)
    }
}

/// Rounds one output's weights and gives their scale: the finest with which no weight exceeds
/// [`GREATEST`] and no two neighbours together exceed [`PAIR`]. Where a weight is no finite number,
/// the scale is not either, and so is the output.
fn round(values: &[f32], out: &mut [i8]) -> f32 {
    if values.iter().any(|value| !value.is_finite()) {
        return f32::NAN;
    }
    let size = |pair: &[f32]| pair.iter().map(|value| value.abs()).sum::<f32>();
    let greatest = values.iter().fold(0.0, |greatest: f32, value| greatest.max(value.abs()));
    let pair = values.chunks(2).map(size).fold(0.0, f32::max);
    // Each of two may be rounded up by a half.
    let scale = (greatest / GREATEST).max(pair / (PAIR - 1.0));
    if scale < f32::MIN_POSITIVE {
        return 0.0;
    }
    for (out, value) in out.iter_mut().zip(values) {
        *out = (value / scale).round_ties_even() as i8;
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_fit_sixteen_bits_together() {
        let cases: [&[f32]; 5] = [
            &[1.0, 1.0, -1.0, 0.99],
            &[0.5, -0.5, 3.0, 1e-9],
            &[-7.0, 0.0, 0.1, 0.2],
            &[1e-20, -1e-20, 0.0, 0.0],
            &[3e37, -3e37, 1.0, 2.0],
        ];
        for values in cases {
            let mut rounded = [0; 4];
            let scale = round(values, &mut rounded);
            for (pair, weights) in values.chunks(2).zip(rounded.chunks(2)) {
                let sum: i32 = weights.iter().map(|weight| i32::from(*weight).abs()).sum();
                assert!(sum <= PAIR as i32, "{values:?}: {rounded:?}");
                for (value, weight) in pair.iter().zip(weights) {
                    let error = (value - f32::from(*weight) * scale).abs();
                    assert!(error <= 0.5001 * scale, "{values:?}: {rounded:?} times {scale}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_not_hidden() {
        for bad in [f32::NAN, f32::INFINITY] {
            assert!(round(&[1.0, bad], &mut [0; 2]).is_nan());
        }
        assert_eq!(round(&[0.0, 0.0], &mut [0; 2]), 0.0);
    }
}
