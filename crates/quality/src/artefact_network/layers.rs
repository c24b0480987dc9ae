//! The layers: pixels row by row, channels innermost, sums always in the same order.

use rayon::prelude::*;

/// An image of any number of channels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Features {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    /// Row by row, channels innermost.
    pub(super) data: Vec<f32>,
}

impl Features {
    pub(super) fn empty(width: usize, height: usize, channels: usize) -> Self {
        Self { width, height, channels, data: vec![0.0; width * height * channels] }
    }

    fn row(&self, y: usize) -> &[f32] {
        let length = self.width * self.channels;
        &self.data[y * length..][..length]
    }

    /// Fills rows in parallel.
    fn fill(&mut self, row: impl Fn(usize, &mut [f32]) + Sync) {
        let length = (self.width * self.channels).max(1);
        self.data.par_chunks_exact_mut(length).enumerate().for_each(|(y, out)| row(y, out));
    }
}

/// A convolution of 3 x 3 or 1 x 1 with a bias, zero outside the image.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    pub(super) side: usize,
    pub(super) stride: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Rows, columns, inputs, outputs.
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) relu: bool,
}

impl Convolution {
    pub(super) fn run(&self, input: &Features) -> Features {
        // Sums stay in registers only where their number is known.
        match self.outputs {
            7 => self.run_sized::<7>(input),
            12 => self.run_sized::<12>(input),
            24 => self.run_sized::<24>(input),
            48 => self.run_sized::<48>(input),
            _ => self.run_sized::<64>(input),
        }
    }

    fn run_sized<const OUT: usize>(&self, input: &Features) -> Features {
        let (width, height) =
            (input.width.div_ceil(self.stride), input.height.div_ceil(self.stride));
        let mut out = Features::empty(width, height, OUT);
        let bias: [f32; OUT] = std::array::from_fn(|o| self.bias[o]);
        let (weights, _) = self.weight.as_chunks::<OUT>();
        out.fill(|y, row| {
            let (pixels, _) = row.as_chunks_mut::<OUT>();
            for (x, pixel) in pixels.iter_mut().enumerate() {
                let mut sums = bias;
                self.add_window(input, x, y, weights, &mut sums);
                *pixel = if self.relu { sums.map(|sum| sum.max(0.0)) } else { sums };
            }
        });
        out
    }

    fn add_window<const OUT: usize>(
        &self,
        input: &Features,
        x: usize,
        y: usize,
        weights: &[[f32; OUT]],
        sums: &mut [f32; OUT],
    ) {
        let reach = self.side / 2;
        for ky in 0..self.side {
            let Some(from_y) = (y * self.stride + ky).checked_sub(reach) else { continue };
            if from_y >= input.height {
                continue;
            }
            let row = input.row(from_y);
            for kx in 0..self.side {
                let Some(from_x) = (x * self.stride + kx).checked_sub(reach) else { continue };
                if from_x >= input.width {
                    continue;
                }
                let values = &row[from_x * self.inputs..][..self.inputs];
                let taps = &weights[(ky * self.side + kx) * self.inputs..][..self.inputs];
                for (value, tap) in values.iter().zip(taps) {
                    for (sum, weight) in sums.iter_mut().zip(tap) {
                        *sum += value * weight;
                    }
                }
            }
        }
    }
}

/// `x + relu(pointwise(depthwise(x)))`.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) dilation: usize,
    /// Rows, columns, channels.
    pub(super) depthwise: Vec<f32>,
    pub(super) pointwise: Convolution,
}

impl Block {
    pub(super) fn run(&self, input: Features) -> Features {
        let filtered = self.filter(&input);
        let mut out = self.pointwise.run(&filtered);
        out.data.iter_mut().zip(&input.data).for_each(|(out, input)| *out += input);
        out
    }

    fn filter(&self, input: &Features) -> Features {
        let channels = input.channels;
        let mut out = Features::empty(input.width, input.height, channels);
        out.fill(|y, row| {
            for ky in 0..3 {
                let Some(from_y) = (y + ky * self.dilation).checked_sub(self.dilation) else {
                    continue;
                };
                if from_y >= input.height {
                    continue;
                }
                for kx in 0..3 {
                    let weights = &self.depthwise[(ky * 3 + kx) * channels..][..channels];
                    self.add_shifted(input.row(from_y), kx, weights, row);
                }
            }
        });
        out
    }

    /// Adds a row, weighted and shifted by `(kx - 1) * dilation` pixels.
    fn add_shifted(&self, from: &[f32], kx: usize, weights: &[f32], to: &mut [f32]) {
        let channels = weights.len();
        let shift = (self.dilation * channels).min(to.len());
        let length = if kx == 1 { to.len() } else { to.len() - shift };
        let (from, to) = match kx {
            0 => (&from[..length], &mut to[shift..]),
            1 => (from, to),
            _ => (&from[shift..], &mut to[..length]),
        };
        for (to, from) in to.chunks_exact_mut(channels).zip(from.chunks_exact(channels)) {
            for ((to, from), weight) in to.iter_mut().zip(from).zip(weights) {
                *to += from * weight;
            }
        }
    }
}

/// Each pixel of `small` four times, `kept` added, negative sums set to zero.
pub(super) fn doubled_onto(small: &Features, mut kept: Features) -> Features {
    let channels = kept.channels;
    kept.fill(|y, row| {
        let from = small.row(y / 2);
        for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
            let source = &from[x / 2 * channels..][..channels];
            for (value, add) in pixel.iter_mut().zip(source) {
                *value = (*value + add).max(0.0);
            }
        }
    });
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize, channels: usize) -> Features {
        let data = (0..width * height * channels).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0);
        Features { width, height, channels, data: data.collect() }
    }

    /// One input pixel's channel, zero outside.
    fn at(input: &Features, x: i64, y: i64, channel: usize) -> f32 {
        let inside = (0..input.width as i64).contains(&x) && (0..input.height as i64).contains(&y);
        if !inside {
            return 0.0;
        }
        input.data[(y as usize * input.width + x as usize) * input.channels + channel]
    }

    #[test]
    fn a_convolution_is_the_sum_over_its_window() {
        for (side, stride) in [(3, 1), (3, 2), (1, 1)] {
            let (inputs, outputs) = (5, 12);
            let weight = ramp(side * side, inputs, outputs).data;
            let bias = ramp(outputs, 1, 1).data;
            let layer =
                Convolution { side, stride, inputs, outputs, weight, bias, relu: side == 1 };
            let input = ramp(9, 6, inputs);
            let out = layer.run(&input);
            assert_eq!(
                (out.width, out.height),
                (9_usize.div_ceil(stride), 6_usize.div_ceil(stride))
            );
            for (index, value) in out.data.iter().enumerate() {
                let (pixel, o) = (index / outputs, index % outputs);
                let (x, y) =
                    ((pixel % out.width * stride) as i64, (pixel / out.width * stride) as i64);
                let mut sum = layer.bias[o];
                for tap in 0..side * side * inputs {
                    let (place, i) = (tap / inputs, tap % inputs);
                    let reach = side as i64 / 2;
                    let (dx, dy) = ((place % side) as i64 - reach, (place / side) as i64 - reach);
                    sum += at(&input, x + dx, y + dy, i) * layer.weight[tap * outputs + o];
                }
                let sum = if layer.relu { sum.max(0.0) } else { sum };
                assert!((sum - value).abs() < 1e-4, "{side} {stride}: {sum} {value}");
            }
        }
    }

    #[test]
    fn a_block_filters_each_channel_and_adds_itself() {
        for (width, dilation) in [(9, 1), (9, 2), (3, 4)] {
            let channels = 12;
            let depthwise = ramp(9, 1, channels).data;
            let mut identity = vec![0.0; channels * channels];
            (0..channels).for_each(|c| identity[c * channels + c] = 1.0);
            let pointwise = Convolution {
                side: 1,
                stride: 1,
                inputs: channels,
                outputs: channels,
                weight: identity,
                bias: vec![0.0; channels],
                relu: true,
            };
            let block = Block { dilation, depthwise, pointwise };
            let input = ramp(width, 7, channels);
            let out = block.run(input.clone());
            for (index, value) in out.data.iter().enumerate() {
                let (pixel, c) = (index / channels, index % channels);
                let (x, y) = ((pixel % width) as i64, (pixel / width) as i64);
                let far = dilation as i64;
                let sum: f32 = (0..9)
                    .map(|k| {
                        let (dx, dy) = ((k as i64 % 3 - 1) * far, (k as i64 / 3 - 1) * far);
                        at(&input, x + dx, y + dy, c) * block.depthwise[k * channels + c]
                    })
                    .sum();
                let expected = at(&input, x, y, c) + sum.max(0.0);
                assert!((expected - value).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn doubling_repeats_and_adds() {
        let small = Features { width: 2, height: 1, channels: 1, data: vec![1.0, -5.0] };
        let kept = Features { width: 4, height: 2, channels: 1, data: vec![2.0; 8] };
        let out = doubled_onto(&small, kept);
        assert_eq!(out.data, [3.0, 3.0, 0.0, 0.0, 3.0, 3.0, 0.0, 0.0]);
    }
}
