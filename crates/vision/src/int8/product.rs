//! The product itself: panels of columns, blocks of rows.

#![allow(unsafe_code)]

use super::{
    DEPTH, ROWS, Rows8, Weights8,
    dot::{Dot, Kernel},
};

/// The most columns of a panel.
const COLUMNS: usize = 64;

/// Where a product goes: rows of as many values as the weights have outputs.
#[derive(Debug)]
pub(crate) struct Result8<'a> {
    /// The rows, one after the other.
    pub(crate) values: &'a mut [f32],
    /// Whether the product is added to them.
    pub(crate) add: bool,
}

impl Weights8 {
    /// `to = [to +] rows * weights^T + bias` for the first `count` rows, computed at least for the
    /// outputs of `part`; outputs beside it may be computed too.
    ///
    /// # Panics
    /// When rows, bias or destination do not fit the weights.
    pub(crate) fn multiply(
        &self,
        rows: &Rows8,
        count: usize,
        part: std::ops::Range<usize>,
        bias: &[f32],
        to: Result8<'_>,
    ) {
        let columns = self.instructions.columns();
        assert!(bias.len() == self.outputs, "a bias for every output");
        assert!(count <= rows.scales.len(), "rows that were not filled");
        let blocks = count.div_ceil(ROWS);
        assert!(blocks * ROWS * self.depth() <= rows.packed.len(), "rows of another width");
        assert!(count * self.outputs <= to.values.len(), "destination outside its slice");
        assert!(part.end <= self.outputs, "outputs that the weights have not");
        let panels = part.start / columns..part.end.div_ceil(columns);
        let product = Product { weights: self, rows, count, panels, bias, to };
        // SAFETY: the assertions hold the blocks within the packed rows, and panels within the
        // packed weights, which are padded to whole panels.
        unsafe { self.instructions.run(product) }
    }
}

struct Product<'a> {
    weights: &'a Weights8,
    rows: &'a Rows8,
    count: usize,
    panels: std::ops::Range<usize>,
    bias: &'a [f32],
    to: Result8<'a>,
}

impl Kernel for Product<'_> {
    #[inline(always)]
    unsafe fn run<D: Dot>(mut self) {
        let columns = D::SUMS * D::VECTORS;
        let depth = self.weights.depth();
        let mut sums = [[0; COLUMNS]; ROWS];
        // A panel stays in the nearest cache while all rows pass by.
        for panel in self.panels.clone() {
            let weights = &self.weights.packed[panel * columns * depth..][..columns * depth];
            for block in 0..self.count.div_ceil(ROWS) {
                let rows = &self.rows.packed[block * ROWS * depth..][..ROWS * depth];
                // SAFETY: both slices hold `depth / DEPTH` groups of all rows and columns.
                unsafe {
                    match D::VECTORS {
                        4 => tile::<D, 4>(rows.as_ptr(), weights.as_ptr(), depth, &mut sums),
                        2 => tile::<D, 2>(rows.as_ptr(), weights.as_ptr(), depth, &mut sums),
                        _ => tile::<D, 1>(rows.as_ptr(), weights.as_ptr(), depth, &mut sums),
                    }
                }
                self.finish(block * ROWS, panel * columns, columns, &sums);
            }
        }
    }
}

/// Sums of [`ROWS`] rows and `VECTORS` vectors of columns.
///
/// # Safety
/// As [`Dot`] says; the pointers must be good for `depth` bytes of every row and column.
#[inline(always)]
unsafe fn tile<D: Dot, const VECTORS: usize>(
    rows: *const u8,
    weights: *const i8,
    depth: usize,
    out: &mut [[i32; COLUMNS]; ROWS],
) {
    let mut rows = rows;
    let mut weights = weights;
    // SAFETY: each turn reads one group of each pointer, and there are `depth / DEPTH`; the sums of
    // a row are at most COLUMNS.
    unsafe {
        let mut sums = [[D::zero(); VECTORS]; ROWS];
        for _ in 0..depth / DEPTH {
            let columns: [_; VECTORS] =
                std::array::from_fn(|vector| D::weights(weights.add(vector * D::SUMS * DEPTH)));
            for (row, sums) in sums.iter_mut().enumerate() {
                let activations = D::activations(rows.add(row * DEPTH));
                for (sum, weights) in sums.iter_mut().zip(columns) {
                    *sum = sum.plus_products(activations, weights);
                }
            }
            rows = rows.add(ROWS * DEPTH);
            weights = weights.add(VECTORS * D::SUMS * DEPTH);
        }
        for (sums, out) in sums.into_iter().zip(out) {
            for (vector, sum) in sums.into_iter().enumerate() {
                sum.store(out[vector * D::SUMS..].as_mut_ptr());
            }
        }
    }
}

impl Product<'_> {
    /// From sums to values: without what the activations carried on top, times both scales.
    #[inline(always)]
    fn finish(
        &mut self,
        first_row: usize,
        first: usize,
        columns: usize,
        sums: &[[i32; COLUMNS]; ROWS],
    ) {
        let outputs = self.weights.outputs;
        let range = first..outputs.min(first + columns);
        let excess = &self.weights.excess[range.clone()];
        let scales = &self.weights.scales[range.clone()];
        let bias = &self.bias[range.clone()];
        let add = self.to.add;
        for (row, sums) in (first_row..self.count.min(first_row + ROWS)).zip(sums) {
            let to = &mut self.to.values[row * outputs..][range.clone()];
            let row_scale = self.rows.scales[row];
            for ((((to, sum), excess), scale), bias) in
                to.iter_mut().zip(sums).zip(excess).zip(scales).zip(bias)
            {
                let value = (sum - excess) as f32 * (row_scale * scale) + bias;
                *to = if add { *to + value } else { value };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::dot::Instructions, *};
    use crate::rows::level::tests::numbers;

    const SHAPES: [(usize, usize, usize); 6] =
        [(1, 4, 16), (7, 33, 19), (13, 130, 70), (6, 64, 64), (2, 3, 1), (197, 384, 100)];

    fn product(
        instructions: Instructions,
        (rows, inputs, outputs): (usize, usize, usize),
        add: bool,
    ) -> Vec<f32> {
        let weights = numbers(outputs * inputs, 2);
        let weights = Weights8::for_instructions(instructions, &weights, inputs, outputs);
        let mut activations = Rows8::default();
        activations.fill(&numbers(rows * inputs, 1), rows, inputs, inputs);
        let mut values = numbers(rows * outputs, 7);
        let to = Result8 { values: &mut values, add };
        weights.multiply(&activations, rows, 0..outputs, &numbers(outputs, 5), to);
        values
    }

    #[test]
    fn all_instruction_sets_give_the_same_bytes() {
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let sets = Instructions::available();
        for (shape, add) in SHAPES.into_iter().flat_map(|shape| [(shape, false), (shape, true)]) {
            let plain = bits(product(sets[sets.len() - 1], shape, add));
            for set in &sets {
                assert_eq!(bits(product(*set, shape, add)), plain, "{set:?}, {shape:?}");
            }
        }
    }

    #[test]
    fn close_to_the_product_of_floats() {
        for (rows, inputs, outputs) in SHAPES {
            let (left, weights) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
            let (before, bias) = (numbers(rows * outputs, 7), numbers(outputs, 5));
            let actual = product(Instructions::best(), (rows, inputs, outputs), true);
            for (at, actual) in actual.iter().enumerate() {
                let (row, output) = (at / outputs, at % outputs);
                let exact: f32 = (0..inputs)
                    .map(|i| left[row * inputs + i] * weights[output * inputs + i])
                    .sum();
                let error = (actual - before[at] - bias[output] - exact).abs();
                // Both sides are within half a step of about 1/64, errors add up like noise.
                assert!(error < 0.02 * (inputs as f32).sqrt().max(2.0), "{error} of {exact}");
            }
        }
    }

    #[test]
    fn the_greatest_sums_do_not_overflow() {
        // Every activation 1 and every weight 1: 255 * 64 in pairs, and so on.
        for set in Instructions::available() {
            let weights = Weights8::for_instructions(set, &[1.0; 8000], 4000, 2);
            let mut rows = Rows8::default();
            rows.fill(&[1.0; 4000], 1, 4000, 4000);
            let mut out = [0.0; 2];
            let to = Result8 { values: &mut out, add: false };
            weights.multiply(&rows, 1, 0..2, &[0.0; 2], to);
            assert!(out.iter().all(|value| (value - 4000.0).abs() < 40.0), "{set:?}: {out:?}");
        }
    }

    #[test]
    fn a_part_leaves_other_panels_alone() {
        let (inputs, outputs) = (8, 200);
        let weights = Weights8::new(&vec![1.0; inputs * outputs], inputs, outputs);
        let mut rows = Rows8::default();
        rows.fill(&[1.0; 8], 1, inputs, inputs);
        let mut out = vec![-1.0; outputs];
        let to = Result8 { values: &mut out, add: false };
        weights.multiply(&rows, 1, 100..outputs, &vec![0.0; outputs], to);
        assert!(out[..COLUMNS].iter().all(|value| *value == -1.0));
        assert!(out[100..].iter().all(|value| (value - 8.0).abs() < 0.2));
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let weights = Weights8::new(&[1.0, f32::NAN, 1.0, 1.0], 2, 2);
        let mut rows = Rows8::default();
        rows.fill(&[1.0, 2.0, f32::NAN, 1.0], 2, 2, 2);
        let mut out = [0.0; 4];
        let to = Result8 { values: &mut out, add: false };
        weights.multiply(&rows, 2, 0..2, &[0.0; 2], to);
        assert!(out[0].is_nan() && (out[1] - 3.0).abs() < 0.1 && out[2].is_nan());
    }
}
