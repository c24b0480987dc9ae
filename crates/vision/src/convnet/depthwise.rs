//! Depthwise convolutions with bias and ReLU6, row by row, vectorised over channels.

#![allow(unsafe_code)]

use crate::{
    buffer::Buffer,
    lanes::{Instructions, Kernel, Lanes, padded},
};

/// The longest edge of a kernel.
pub(super) const LONGEST: usize = 5;

/// Kernel edge and stride, of which the engine has these four.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// 3x3, every pixel.
    K3S1,
    /// 3x3, every second pixel.
    K3S2,
    /// 5x5, every pixel.
    K5S1,
    /// 5x5, every second pixel.
    K5S2,
}

impl Form {
    /// The form with this kernel edge and stride.
    pub(super) fn new(kernel: usize, stride: usize) -> Option<Self> {
        match (kernel, stride) {
            (3, 1) => Some(Self::K3S1),
            (3, 2) => Some(Self::K3S2),
            (5, 1) => Some(Self::K5S1),
            (5, 2) => Some(Self::K5S2),
            _ => None,
        }
    }

    /// Edge of the kernel.
    pub(super) fn kernel(self) -> usize {
        match self {
            Self::K3S1 | Self::K3S2 => 3,
            Self::K5S1 | Self::K5S2 => 5,
        }
    }

    /// From one output to the next.
    pub(super) fn stride(self) -> usize {
        match self {
            Self::K3S1 | Self::K5S1 => 1,
            Self::K3S2 | Self::K5S2 => 2,
        }
    }
}

/// A depthwise convolution.
#[derive(Debug)]
pub(super) struct Depthwise {
    instructions: Instructions,
    form: Form,
    channels: usize,
    /// Tap after tap, row by row; in a tap, the padded channels.
    weights: Buffer,
    bias: Buffer,
}

impl Depthwise {
    /// Packs `weights`, channels x kernel x kernel in C order, and `bias`, one value a channel.
    ///
    /// # Panics
    /// When the slices have other lengths.
    pub(super) fn new(
        instructions: Instructions,
        form: Form,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let taps = form.kernel() * form.kernel();
        assert_eq!(weights.len(), bias.len() * taps, "a weight for every channel and tap");
        let channels = padded(bias.len());
        let mut packed = Buffer::zeroed(channels * taps);
        for (channel, kernel) in weights.chunks_exact(taps).enumerate() {
            for (tap, weight) in kernel.iter().enumerate() {
                packed[tap * channels + channel] = *weight;
            }
        }
        let mut padded_bias = Buffer::zeroed(channels);
        padded_bias[..bias.len()].copy_from_slice(bias);
        Self { instructions, form, channels, weights: packed, bias: padded_bias }
    }

    /// Computes one row of `width` outputs from as many rows as the kernel has, which begin at
    /// `rows` in `source`. Input columns must be padded: there are `(width - 1) * stride + kernel`.
    ///
    /// # Panics
    /// When a row lies outside its slice.
    pub(super) fn run(&self, source: &[f32], rows: &[usize], width: usize, out: &mut [f32]) {
        if width == 0 {
            return;
        }
        let kernel = self.form.kernel();
        let row = ((width - 1) * self.form.stride() + kernel) * self.channels;
        assert_eq!(rows.len(), kernel, "a row of inputs for every row of the kernel");
        assert!(
            rows.iter().all(|start| start.checked_add(row).is_some_and(|end| end <= source.len())),
            "source outside its slice"
        );
        assert!(out.len() == width * self.channels, "a place for every output");
        let mut starts = [source.as_ptr(); LONGEST];
        for (start, row) in starts.iter_mut().zip(rows) {
            *start = source[*row..].as_ptr();
        }
        let row = Row { layer: self, starts, width, out: out.as_mut_ptr() };
        // SAFETY: the assertions hold all columns of every row and all outputs within the slices.
        unsafe { self.instructions.run(row) }
    }
}

struct Row<'a> {
    layer: &'a Depthwise,
    starts: [*const f32; LONGEST],
    width: usize,
    out: *mut f32,
}

impl Kernel for Row<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.layer.form {
                Form::K3S1 => self.row::<V, 3, 1>(),
                Form::K3S2 => self.row::<V, 3, 2>(),
                Form::K5S1 => self.row::<V, 5, 1>(),
                Form::K5S2 => self.row::<V, 5, 2>(),
            }
        }
    }
}

impl Row<'_> {
    /// Seven outputs at once: with 224-pixel tiles every row is a multiple of seven.
    #[inline(always)]
    unsafe fn row<V: Lanes, const K: usize, const S: usize>(&self) {
        let mut x = 0;
        while x < self.width {
            // SAFETY: no group goes beyond `width`.
            unsafe {
                match self.width - x {
                    0 | 1 => x += self.group::<V, K, S, 1>(x),
                    2 | 3 => x += self.group::<V, K, S, 2>(x),
                    4..=6 => x += self.group::<V, K, S, 4>(x),
                    _ => x += self.group::<V, K, S, 7>(x),
                }
            }
        }
    }

    /// `T` neighbouring outputs, so that a weight that was loaded serves all of them.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "indices are the mathematics here")]
    unsafe fn group<V: Lanes, const K: usize, const S: usize, const T: usize>(
        &self,
        x: usize,
    ) -> usize {
        let channels = self.layer.channels;
        let mut channel = 0;
        while channel < channels {
            // SAFETY: channels are a multiple of the vector's length; column
            // `(x + t) * S + kx` is at most `(width - 1) * S + K - 1`.
            unsafe {
                let bias = V::load(self.layer.bias.as_ptr().add(channel));
                let mut sums = [bias; T];
                for ky in 0..K {
                    let weights = self.layer.weights.as_ptr().add(ky * K * channels + channel);
                    let source = self.starts[ky].add(x * S * channels + channel);
                    let mut row = [bias; K];
                    for kx in 0..K {
                        row[kx] = V::load(weights.add(kx * channels));
                    }
                    for t in 0..T {
                        for kx in 0..K {
                            let value = V::load(source.add((t * S + kx) * channels));
                            sums[t] = sums[t].plus_product(value, row[kx]);
                        }
                    }
                }
                for t in 0..T {
                    sums[t].clamp_0_6().store(self.out.add((x + t) * channels + channel));
                }
            }
            channel += V::COUNT;
        }
        T
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 250.0 - 2.0).collect()
    }

    #[test]
    fn equals_the_definition_with_every_instruction_set() {
        for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
            for (channels, width) in [(1, 1), (16, 7), (24, 12), (40, 15), (96, 3)] {
                let form = Form::new(kernel, stride).unwrap();
                let (wide, taps) = (padded(channels), kernel * kernel);
                let columns = (width - 1) * stride + kernel;
                let weights = numbers(channels * taps, 1);
                let bias = numbers(channels, 2);
                let source = numbers(kernel * columns * wide, 3);
                let rows: Vec<_> = (0..kernel).rev().map(|row| row * columns * wide).collect();
                let mut first = Vec::new();
                for set in Instructions::available() {
                    let layer = Depthwise::new(set, form, &weights, &bias);
                    let mut out = vec![9.0; width * wide];
                    layer.run(&source, &rows, width, &mut out);
                    for (place, got) in out.iter().enumerate() {
                        let (x, channel) = (place / wide, place % wide);
                        let mut sum = 0.0;
                        if channel < channels {
                            sum = bias[channel];
                            for tap in 0..taps {
                                let column = x * stride + tap % kernel;
                                sum += weights[channel * taps + tap]
                                    * source[rows[tap / kernel] + column * wide + channel];
                            }
                        }
                        assert!((got - sum.clamp(0.0, 6.0)).abs() < 1e-4, "{form:?} {set:?}");
                    }
                    if first.is_empty() {
                        first.clone_from(&out);
                    }
                    assert!(out == first || !set.fused(), "{set:?} rounds differently");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "source outside its slice")]
    fn a_row_outside_its_slice_is_refused() {
        let form = Form::new(3, 1).unwrap();
        let layer = Depthwise::new(Instructions::best(), form, &[0.0; 9], &[0.0]);
        layer.run(&[0.0; 80], &[0, 16, 48], 1, &mut [0.0; 16]);
    }
}
