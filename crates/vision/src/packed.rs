//! Layers whose weights are packed once, when they are read, for the processor's vectors.
//!
//! A general product packs both sides at every call. An image has some two hundred rows, few enough
//! that packing a layer's weights shows beside multiplying by them; here only the rows are packed.

#![allow(unsafe_code)]

use std::ops::Range;

use crate::{
    buffer::Buffer,
    lanes::{Instructions, Kernel, Lanes, Panel, padded},
};

/// The most inputs that are worked on at once. Longer stretches read and write the result less often,
/// shorter ones keep more of the operands in the first cache.
const DEPTH: usize = 1024;
/// The most rows that are packed at once, under a megabyte with the longest stretch; a multiple of every
/// height of a tile.
const ROWS: usize = 240;
/// The longest vector.
const LONGEST: usize = 16;

/// A linear layer in 32-bit floats, `outputs x inputs`, with a bias.
#[derive(Debug)]
pub(crate) struct PackedLayer {
    instructions: Instructions,
    inputs: usize,
    outputs: usize,
    /// Stretch of inputs after stretch; in it panel after panel; in that, input after input, its columns
    /// together.
    weights: Buffer,
    bias: Buffer,
    panels: Vec<Panel>,
}

/// What is multiplied: rows of inputs, `stride` values apart.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) count: usize,
}

impl PackedLayer {
    /// Packs weights, outputs x inputs in C order, and a bias, one value an output.
    ///
    /// # Panics
    /// When the slices have other lengths.
    pub(crate) fn new(weights: &[f32], inputs: usize, bias: &[f32]) -> Self {
        Self::for_instructions(Instructions::best(), weights, inputs, bias)
    }

    fn for_instructions(
        instructions: Instructions,
        weights: &[f32],
        inputs: usize,
        bias: &[f32],
    ) -> Self {
        let outputs = bias.len();
        assert!(inputs > 0, "a layer without inputs");
        assert_eq!(weights.len(), inputs * outputs, "a weight for every input and output");
        let (lanes, wide) = (instructions.lanes(), padded(outputs));
        let panels = instructions.panels(wide);
        let mut packed = Buffer::zeroed(inputs * wide);
        for stretch in stretches(inputs) {
            for panel in &panels {
                let width = panel.vectors * lanes;
                let first = stretch.start * wide + stretch.len() * panel.column;
                let to = &mut packed[first..][..stretch.len() * width];
                let columns = panel.column..outputs.min(panel.column + width);
                for (place, column) in columns.enumerate() {
                    let from = &weights[column * inputs..][stretch.clone()];
                    for (row, weight) in to.chunks_exact_mut(width).zip(from) {
                        row[place] = *weight;
                    }
                }
            }
        }
        let mut padded_bias = Buffer::zeroed(wide);
        padded_bias[..outputs].copy_from_slice(bias);
        Self { instructions, inputs, outputs, weights: packed, bias: padded_bias, panels }
    }

    /// Values of a row of the result.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Values of a row that is multiplied.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// `out = [out +] rows * weights^T + bias` into rows of [`PackedLayer::outputs`] values, of which
    /// at least those of `part` are written. `packed` is scratch.
    ///
    /// # Panics
    /// When rows lie outside their slices, as indexing does.
    pub(crate) fn multiply(
        &self,
        part: Range<usize>,
        from: Rows<'_>,
        packed: &mut Vec<f32>,
        out: &mut [f32],
        add: bool,
    ) {
        let last = from.count.saturating_sub(1).checked_mul(from.stride);
        let end = last.and_then(|last| last.checked_add(self.inputs));
        assert!(
            from.count == 0 || end.is_some_and(|end| end <= from.values.len()),
            "rows outside their slice"
        );
        let end = from.count.checked_mul(self.outputs);
        assert!(end.is_some_and(|end| end <= out.len()), "result outside its slice");
        packed.resize(ROWS * DEPTH, 0.0);
        let product = Product { layer: self, part, from, out: out.as_mut_ptr(), add };
        // SAFETY: the assertions hold every row within the slices; `out` is borrowed exclusively.
        unsafe { self.instructions.run(WithRows { product, packed }) }
    }
}

/// Splits inputs into stretches of at most [`DEPTH`], as even as can be.
fn stretches(inputs: usize) -> impl Iterator<Item = Range<usize>> {
    let step = inputs.div_ceil(inputs.div_ceil(DEPTH).max(1)).max(1);
    (0..inputs).step_by(step).map(move |first| first..inputs.min(first + step))
}

/// Packs a stretch of some rows: `height` rows at a time, their values of one input together.
fn pack(from: Rows<'_>, rows: Range<usize>, stretch: &Range<usize>, height: usize, to: &mut [f32]) {
    let groups = to.chunks_exact_mut(height * stretch.len());
    for (group, first) in groups.zip(rows.clone().step_by(height)) {
        for (place, row) in (first..rows.end.min(first + height)).enumerate() {
            let values = &from.values[row * from.stride..][stretch.clone()];
            for (input, value) in group.chunks_exact_mut(height).zip(values) {
                input[place] = *value;
            }
        }
    }
}

struct Product<'a> {
    layer: &'a PackedLayer,
    part: Range<usize>,
    from: Rows<'a>,
    out: *mut f32,
    add: bool,
}

/// A product with the place for its packed rows.
struct WithRows<'a> {
    product: Product<'a>,
    packed: &'a mut [f32],
}

/// A tile of the result, and what is multiplied for it.
struct Tile {
    row: usize,
    column: usize,
    /// Inputs in the stretch.
    depth: usize,
    /// Rows that are packed together.
    height: usize,
    rows: *const f32,
    weights: *const f32,
    /// Whether this is the first stretch, to which the bias belongs.
    begins: bool,
}

impl Kernel for WithRows<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Self { product, packed } = self;
        let (layer, from, part) = (product.layer, product.from, &product.part);
        let height = V::ACCUMULATORS / V::PANEL;
        let wide = padded(layer.outputs);
        let wanted = |panel: &&Panel| {
            let end = panel.column + panel.vectors * V::COUNT;
            panel.column < part.end && end > part.start
        };
        for first in (0..from.count).step_by(ROWS) {
            let rows = first..from.count.min(first + ROWS);
            for stretch in stretches(layer.inputs) {
                let depth = stretch.len();
                pack(from, rows.clone(), &stretch, height, packed);
                for panel in layer.panels.iter().filter(wanted) {
                    let weights = &layer.weights[stretch.start * wide + depth * panel.column..];
                    for (group, row) in rows.clone().step_by(height).enumerate() {
                        let tile = Tile {
                            row,
                            column: panel.column,
                            depth,
                            height,
                            rows: packed[group * height * depth..].as_ptr(),
                            weights: weights.as_ptr(),
                            begins: stretch.start == 0,
                        };
                        // SAFETY: the caller's promise; `pack` has filled `rows.end - row` of the
                        // tile's rows, and the weights of a panel are `depth * vectors` vectors.
                        unsafe {
                            match panel.vectors {
                                3 if V::PANEL >= 3 => product.rows::<V, 3>(&tile, rows.end - row),
                                2 => product.rows::<V, 2>(&tile, rows.end - row),
                                _ => product.rows::<V, 1>(&tile, rows.end - row),
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Product<'_> {
    /// As many rows as there are, at most a tile's height.
    #[inline(always)]
    unsafe fn rows<V: Lanes, const N: usize>(&self, tile: &Tile, left: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match left.min(tile.height) {
                8 => self.tile::<V, N, 8>(tile),
                7 => self.tile::<V, N, 7>(tile),
                6 => self.tile::<V, N, 6>(tile),
                5 => self.tile::<V, N, 5>(tile),
                4 => self.tile::<V, N, 4>(tile),
                3 => self.tile::<V, N, 3>(tile),
                2 => self.tile::<V, N, 2>(tile),
                _ => self.tile::<V, N, 1>(tile),
            }
        }
    }

    /// `M` rows times `N` vectors of outputs, all in registers.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "indices are the mathematics here")]
    unsafe fn tile<V: Lanes, const N: usize, const M: usize>(&self, tile: &Tile) {
        let (mut rows, mut weights) = (tile.rows, tile.weights);
        // SAFETY: see `run`: `depth` times `height` packed values of rows, of which the first `M` are
        // of this tile, and `depth * N` vectors of weights; the places of the result are checked.
        unsafe {
            // The bias once, with the first stretch.
            let mut sums = [[V::splat(0.0); N]; M];
            if tile.begins {
                for n in 0..N {
                    let bias = self.layer.bias.as_ptr().add(tile.column + n * V::COUNT);
                    for m in 0..M {
                        sums[m][n] = V::load(bias);
                    }
                }
            }
            let whole = tile.column + N * V::COUNT <= self.layer.outputs;
            let place = |m: usize| self.out.add((tile.row + m) * self.layer.outputs + tile.column);
            for m in 0..M {
                for first in (0..N * V::COUNT).step_by(LONGEST) {
                    V::prefetch(place(m).wrapping_add(first));
                }
            }
            for _ in 0..tile.depth {
                let mut row = [V::splat(0.0); N];
                for n in 0..N {
                    row[n] = V::load(weights.add(n * V::COUNT));
                }
                for m in 0..M {
                    let value = V::splat(*rows.add(m));
                    for n in 0..N {
                        sums[m][n] = sums[m][n].plus_product(value, row[n]);
                    }
                }
                weights = weights.add(N * V::COUNT);
                rows = rows.add(tile.height);
            }
            let replace = tile.begins && !self.add;
            if !whole {
                let there = self.layer.outputs.saturating_sub(tile.column);
                for m in 0..M {
                    store_some(&sums[m], place(m), there, replace);
                }
            } else if replace {
                for m in 0..M {
                    for n in 0..N {
                        sums[m][n].store(place(m).add(n * V::COUNT));
                    }
                }
            } else {
                for m in 0..M {
                    for n in 0..N {
                        let at = place(m).add(n * V::COUNT);
                        V::load(at).add(sums[m][n]).store(at);
                    }
                }
            }
        }
    }
}

/// Stores or adds the first `there` values of a row of sums: the others are padding.
///
/// # Safety
/// `there` values from `at` on must be good, and the processor have the vector's instructions.
#[inline(always)]
unsafe fn store_some<V: Lanes, const N: usize>(
    sums: &[V; N],
    at: *mut f32,
    there: usize,
    replace: bool,
) {
    for (n, sum) in sums.iter().enumerate() {
        let mut values = [0.0; LONGEST];
        // SAFETY: the array holds the longest vector; of the result only values that are there are
        // touched.
        unsafe {
            sum.store(values.as_mut_ptr());
            for (lane, value) in values[..V::COUNT].iter().enumerate() {
                let column = n * V::COUNT + lane;
                if column < there {
                    let at = at.add(column);
                    *at = if replace { *value } else { *at + *value };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 500.0 - 1.0).collect()
    }

    /// A layer's answer and what the definition gives.
    fn both(
        set: Instructions,
        (inputs, outputs, count): (usize, usize, usize),
        part: &Range<usize>,
        add: bool,
    ) -> (Vec<f32>, Vec<f32>) {
        let (weights, bias) = (numbers(inputs * outputs, 1), numbers(outputs, 2));
        let stride = inputs + 3;
        let values = numbers(count * stride, 3);
        let mut out = numbers(count * outputs, 4);
        let mut wanted = out.clone();
        for (row, out) in wanted.chunks_exact_mut(outputs).enumerate() {
            for column in part.clone() {
                let (row, weights) = (&values[row * stride..], &weights[column * inputs..]);
                let products = row.iter().zip(&weights[..inputs]);
                let sum: f64 = products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let stands = if add { f64::from(out[column]) } else { 0.0 };
                out[column] = (stands + sum + f64::from(bias[column])) as f32;
            }
        }
        let layer = PackedLayer::for_instructions(set, &weights, inputs, &bias);
        let from = Rows { values: &values, stride, count };
        layer.multiply(part.clone(), from, &mut Vec::new(), &mut out, add);
        (out, wanted)
    }

    #[test]
    fn equals_the_definition_with_every_instruction_set() {
        for shape in [(1, 1, 1), (33, 19, 7), (DEPTH + 5, 48, 13), (900, 72, ROWS + 3), (8, 100, 5)]
        {
            for add in [false, true] {
                let part = 0..shape.1;
                let (best, _) = both(Instructions::best(), shape, &part, add);
                for set in Instructions::available() {
                    let (got, wanted) = both(set, shape, &part, add);
                    for (a, b) in got.iter().zip(&wanted) {
                        assert!((a - b).abs() < 1e-3, "{set:?} {shape:?} {add}: {a} {b}");
                    }
                    assert!(got == best || !set.fused(), "{set:?} rounds differently");
                }
            }
        }
    }

    #[test]
    fn a_part_of_the_outputs_is_written_and_rows_beyond_are_left_alone() {
        let (shape, part) = ((20, 96, 4), 40..80);
        let (got, wanted) = both(Instructions::best(), shape, &part, false);
        for (got, wanted) in got.chunks_exact(96).zip(wanted.chunks_exact(96)) {
            for column in part.clone() {
                assert!((got[column] - wanted[column]).abs() < 1e-4);
            }
            assert_eq!(got[0], wanted[0], "a column far from the part");
        }
        let layer = PackedLayer::new(&[1.0; 6], 2, &[0.0; 3]);
        let (mut out, values) = ([7.0; 6], [1.0, 2.0, 3.0, 4.0]);
        let from = Rows { values: &values, stride: 2, count: 1 };
        layer.multiply(0..3, from, &mut Vec::new(), &mut out, false);
        assert_eq!(out, [3.0, 3.0, 3.0, 7.0, 7.0, 7.0]);
    }

    #[test]
    fn no_row_gives_nothing() {
        let layer = PackedLayer::new(&[1.0; 4], 2, &[0.5, 0.25]);
        let mut out = [1.0; 2];
        let none = Rows { values: &[], stride: 2, count: 0 };
        layer.multiply(0..2, none, &mut Vec::new(), &mut out, false);
        assert_eq!(out, [1.0; 2]);
    }

    #[test]
    #[should_panic(expected = "rows outside their slice")]
    fn rows_outside_their_slice_are_refused() {
        let layer = PackedLayer::new(&[0.0; 8], 4, &[0.0; 2]);
        let from = Rows { values: &[0.0; 7], stride: 4, count: 2 };
        layer.multiply(0..2, from, &mut Vec::new(), &mut [0.0; 4], false);
    }

    #[test]
    #[should_panic(expected = "result outside its slice")]
    fn a_result_outside_its_slice_is_refused() {
        let layer = PackedLayer::new(&[0.0; 8], 4, &[0.0; 2]);
        let from = Rows { values: &[0.0; 8], stride: 4, count: 2 };
        layer.multiply(0..2, from, &mut Vec::new(), &mut [0.0; 3], false);
    }
}
