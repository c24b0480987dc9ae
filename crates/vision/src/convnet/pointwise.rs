//! 1x1 convolutions: a matrix product over pixels with bias and activation in its last step.
//!
//! Activations already lie as the product wants to read them (a pixel's channels together), so
//! only weights are packed, once, when they are read. A general product packs both sides at every
//! call, which costs as much as the product itself at 16 to 40 channels.

#![allow(unsafe_code)]

use crate::{
    buffer::Buffer,
    lanes::{Instructions, Kernel, Lanes, Panel, padded},
};

/// The most pixels that are worked on at once.
const PIXELS: usize = 8;

/// What happens to a product before it is stored.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// Stored as it is.
    Keep,
    /// ReLU6.
    Clamp,
    /// Added to what stands in the destination.
    Add,
}

/// A 1x1 convolution with its weights packed for an instruction set.
#[derive(Debug)]
pub(super) struct Pointwise {
    instructions: Instructions,
    inputs: usize,
    outputs: usize,
    /// Panel after panel; in a panel, input after input, its columns together.
    weights: Buffer,
    bias: Buffer,
    panels: Vec<Panel>,
}

/// Where rows of pixels lie in a slice.
#[derive(Copy, Clone, Debug)]
pub(super) struct Layout<'a> {
    /// Where each row begins.
    pub(super) rows: &'a [usize],
    /// Pixels in a row.
    pub(super) width: usize,
    /// From one pixel to the next.
    pub(super) pixel: usize,
}

impl Layout<'_> {
    /// Whether `channels` values of every pixel lie within `length`.
    fn fits(&self, length: usize, channels: usize) -> bool {
        let Some(last) = self.width.checked_sub(1) else { return true };
        self.rows.iter().all(|row| {
            last.checked_mul(self.pixel)
                .and_then(|last| last.checked_add(*row))
                .and_then(|last| last.checked_add(channels))
                .is_some_and(|end| end <= length)
        })
    }
}

impl Pointwise {
    /// Packs `weights`, outputs x inputs in C order, and `bias`, one value an output.
    ///
    /// # Panics
    /// When the slices have other lengths.
    pub(super) fn new(
        instructions: Instructions,
        inputs: usize,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let outputs = bias.len();
        assert_eq!(weights.len(), inputs * outputs, "a weight for every input and output");
        let lanes = instructions.lanes();
        let panels = instructions.panels(padded(outputs));
        let mut packed = Buffer::zeroed(inputs * padded(outputs));
        for panel in &panels {
            let width = panel.vectors * lanes;
            let to = &mut packed[inputs * panel.column..][..inputs * width];
            let columns = panel.column..outputs.min(panel.column + width);
            for (place, column) in columns.enumerate() {
                for (input, row) in to.chunks_exact_mut(width).enumerate() {
                    row[place] = weights[column * inputs + input];
                }
            }
        }
        let mut padded_bias = Buffer::zeroed(padded(outputs));
        padded_bias[..outputs].copy_from_slice(bias);
        Self { instructions, inputs, outputs, weights: packed, bias: padded_bias, panels }
    }

    /// Output channels, without padding.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Convolves rows of pixels; padding channels of the destination become zero (with
    /// [`Finish::Add`], keep what they are).
    ///
    /// # Panics
    /// When a row lies outside its slice or the layouts differ in rows or width.
    pub(super) fn run(
        &self,
        source: &[f32],
        from: Layout<'_>,
        destination: &mut [f32],
        to: Layout<'_>,
        finish: Finish,
    ) {
        assert!(from.rows.len() == to.rows.len() && from.width == to.width, "layouts differ");
        assert!(from.fits(source.len(), self.inputs), "source outside its slice");
        assert!(to.fits(destination.len(), padded(self.outputs)), "destination outside its slice");
        let destination = destination.as_mut_ptr();
        let product =
            Product { layer: self, source: source.as_ptr(), from, destination, to, finish };
        // SAFETY: the assertions hold every pixel's inputs and padded outputs within the slices,
        // and the destination is borrowed exclusively.
        unsafe { self.instructions.run(product) }
    }
}

struct Product<'a> {
    layer: &'a Pointwise,
    source: *const f32,
    from: Layout<'a>,
    destination: *mut f32,
    to: Layout<'a>,
    finish: Finish,
}

impl Kernel for Product<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        for panel in &self.layer.panels {
            // SAFETY: the caller's promise; panels cover the padded outputs exactly.
            unsafe {
                match panel.vectors {
                    3 if V::PANEL >= 3 => self.panel::<V, 3>(panel.column),
                    2 => self.panel::<V, 2>(panel.column),
                    _ => self.panel::<V, 1>(panel.column),
                }
            }
        }
    }
}

impl Product<'_> {
    /// All pixels times one panel of `N` vectors: the weights stay in the nearest cache.
    #[inline(always)]
    unsafe fn panel<V: Lanes, const N: usize>(&self, column: usize) {
        let most = (V::ACCUMULATORS / N).min(PIXELS);
        let groups = self.from.width.div_ceil(most);
        for (from, to) in self.from.rows.iter().zip(self.to.rows) {
            let mut x = 0;
            for left in (1..=groups).rev() {
                let pixels = (self.from.width - x).div_ceil(left);
                let source = from + x * self.from.pixel;
                let destination = to + x * self.to.pixel + column;
                // SAFETY: `x + pixels <= width`, so pixels lie in rows that `run` has checked.
                unsafe {
                    match pixels {
                        8 => self.group::<V, N, 8>(column, source, destination),
                        7 => self.group::<V, N, 7>(column, source, destination),
                        6 => self.group::<V, N, 6>(column, source, destination),
                        5 => self.group::<V, N, 5>(column, source, destination),
                        4 => self.group::<V, N, 4>(column, source, destination),
                        3 => self.group::<V, N, 3>(column, source, destination),
                        2 => self.group::<V, N, 2>(column, source, destination),
                        _ => self.group::<V, N, 1>(column, source, destination),
                    }
                }
                x += pixels;
            }
        }
    }

    /// `M` pixels times `N` vectors of outputs, all in registers.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "indices are the mathematics here")]
    unsafe fn group<V: Lanes, const N: usize, const M: usize>(
        &self,
        column: usize,
        source: usize,
        destination: usize,
    ) {
        let inputs = self.layer.inputs;
        let step = self.from.pixel;
        // SAFETY: the caller holds the pixels within the slices; the packed weights hold
        // `inputs * N` vectors from this panel's column on, and the bias `N`.
        unsafe {
            let bias = self.layer.bias.as_ptr().add(column);
            let mut weights = self.layer.weights.as_ptr().add(inputs * column);
            let mut source = self.source.add(source);
            let mut sums = [[V::splat(0.0); N]; M];
            for n in 0..N {
                let bias = V::load(bias.add(n * V::COUNT));
                for pixel in &mut sums {
                    pixel[n] = bias;
                }
            }
            for _ in 0..inputs {
                let mut row = [V::splat(0.0); N];
                for n in 0..N {
                    row[n] = V::load(weights.add(n * V::COUNT));
                }
                for m in 0..M {
                    let value = V::splat(*source.add(m * step));
                    for n in 0..N {
                        sums[m][n] = sums[m][n].plus_product(value, row[n]);
                    }
                }
                weights = weights.add(N * V::COUNT);
                source = source.add(1);
            }
            for m in 0..M {
                for n in 0..N {
                    let place =
                        self.destination.add(destination + m * self.to.pixel + n * V::COUNT);
                    let sum = sums[m][n];
                    match self.finish {
                        Finish::Keep => sum.store(place),
                        Finish::Clamp => sum.clamp_0_6().store(place),
                        Finish::Add => V::load(place).add(sum).store(place),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 250.0 - 2.0).collect()
    }

    fn run(
        set: Instructions,
        inputs: usize,
        outputs: usize,
        width: usize,
        how: Finish,
    ) -> Vec<f32> {
        let layer =
            Pointwise::new(set, inputs, &numbers(inputs * outputs, 1), &numbers(outputs, 2));
        let (pixel, wide) = (inputs + 3, padded(outputs));
        let source = numbers(2 * width * pixel, 3);
        let from = Layout { rows: &[width * pixel, 0], width, pixel };
        let mut destination = numbers((2 * width + 1) * wide, 4);
        let to = Layout { rows: &[wide, (width + 1) * wide], width, pixel: wide };
        layer.run(&source, from, &mut destination, to, how);
        destination
    }

    fn expected(inputs: usize, outputs: usize, width: usize, how: Finish) -> Vec<f32> {
        let (weights, bias) = (numbers(inputs * outputs, 1), numbers(outputs, 2));
        let (pixel, wide) = (inputs + 3, padded(outputs));
        let source = numbers(2 * width * pixel, 3);
        let mut destination = numbers((2 * width + 1) * wide, 4);
        for p in 0..2 * width {
            let from = (p + width) % (2 * width) * pixel;
            for column in 0..wide {
                let mut sum = 0.0;
                if column < outputs {
                    sum = f64::from(bias[column]);
                    for input in 0..inputs {
                        sum += f64::from(weights[column * inputs + input])
                            * f64::from(source[from + input]);
                    }
                }
                let place = &mut destination[(p + 1) * wide + column];
                *place = match how {
                    Finish::Keep => sum as f32,
                    Finish::Clamp => sum.clamp(0.0, 6.0) as f32,
                    Finish::Add => *place + sum as f32,
                };
            }
        }
        destination
    }

    #[test]
    fn equals_the_definition_with_every_instruction_set() {
        for (inputs, outputs, width) in
            [(1, 1, 1), (27, 32, 7), (16, 96, 9), (24, 40, 17), (5, 112, 3), (33, 80, 12)]
        {
            for how in [Finish::Keep, Finish::Clamp, Finish::Add] {
                let wanted = expected(inputs, outputs, width, how);
                let best = run(Instructions::best(), inputs, outputs, width, how);
                for set in Instructions::available() {
                    let got = run(set, inputs, outputs, width, how);
                    for (a, b) in got.iter().zip(&wanted) {
                        assert!((a - b).abs() < 1e-3, "{set:?} {inputs} {outputs} {width} {how:?}");
                    }
                    assert!(got == best || !set.fused(), "{set:?} rounds differently");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "source outside its slice")]
    fn a_row_outside_its_slice_is_refused() {
        let layer = Pointwise::new(Instructions::best(), 4, &[0.0; 64], &[0.0; 16]);
        let layout = Layout { rows: &[0], width: 2, pixel: 16 };
        layer.run(&[0.0; 19], layout, &mut [0.0; 32], layout, Finish::Keep);
    }
}
