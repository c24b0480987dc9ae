//! The network on one tile.
//!
//! A block's widened activations, its largest by far, never exist as a whole: rows of them pass
//! through a ring that stays in the second-level cache, from which the depthwise convolution writes
//! the rows that the narrowing product reads at once.

use bianque_core::RgbImage;

use super::{
    depthwise::{Depthwise, LONGEST},
    plan::{Block, Plan, Window},
    pointwise::{Finish, Layout, Pointwise},
};
use crate::{
    buffer::Buffer,
    error::Result,
    lanes::{Instructions, padded},
    normalise,
    recipe::Normalise,
    weights::Weights,
};

/// Floats that a block's ring and strip may take together, 256 KiB of them: what common second-level
/// caches hold. (Measured on one of 1 MiB: any size from 192 to 896 KiB is as fast.)
const STRIP: usize = 64 << 10;
/// Taps of the stem: 3 x 3 pixels of 3 channels.
const STEM_TAPS: usize = 27;

/// The layers with their weights.
#[derive(Debug)]
pub(super) struct Network {
    plan: Plan,
    stem: Pointwise,
    blocks: Vec<Layers>,
    head: Pointwise,
}

#[derive(Debug)]
struct Layers {
    block: Block,
    strip: Strip,
    expand: Option<Pointwise>,
    depthwise: Depthwise,
    project: Pointwise,
}

/// How a block is cut into strips of rows.
#[derive(Copy, Clone, Debug)]
struct Strip {
    /// Output rows that are computed at once.
    rows: usize,
    /// Input rows that the ring holds.
    ring: usize,
    /// Values of one row of the ring, zero columns included.
    row: usize,
}

impl Strip {
    fn new(block: &Block, values: usize) -> Self {
        let channels = padded(block.middle);
        let Window { edge, out, columns, .. } = block.window;
        let (kernel, stride) = (block.form.kernel(), block.form.stride());
        let row = columns * channels;
        let fixed = row * kernel.saturating_sub(stride);
        let each = row * stride + out * channels;
        let rows = (values.saturating_sub(fixed) / each).clamp(1, out);
        let rows = out.div_ceil(out.div_ceil(rows));
        Self { rows, ring: ((rows - 1) * stride + kernel).min(edge + kernel), row }
    }
}

/// What one thread needs to run the network, kept from tile to tile.
#[derive(Debug)]
pub(super) struct Scratch {
    /// The tile, normalised, with the stem's zero columns.
    input: Buffer,
    /// One row of the stem's windows, unfolded.
    unfolded: Buffer,
    /// Activations into and out of a block.
    here: Buffer,
    there: Buffer,
    /// Rows of widened activations; the last row stays zero.
    ring: Buffer,
    /// Output rows of the depthwise convolution; the head's features of every pixel.
    strip: Buffer,
}

impl Network {
    /// Reads the layers of a plan.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub(super) fn read(
        plan: Plan,
        weights: &mut Weights,
        instructions: Instructions,
    ) -> Result<Self> {
        let stem = read_stem(&plan, weights, instructions)?;
        let mut blocks = Vec::with_capacity(plan.blocks.len());
        for block in &plan.blocks {
            let name = &block.name;
            let mut pointwise = |layer: &str, inputs, outputs| {
                read_pointwise(weights, instructions, &format!("{name}.{layer}"), inputs, outputs)
            };
            let expand = match block.widens() {
                true => Some(pointwise("expand", block.input, block.middle)?),
                false => None,
            };
            let project = pointwise("project", block.middle, block.output)?;
            let kernel = block.form.kernel();
            let values = weights
                .take(&format!("{name}.depthwise.weight"), &[block.middle, 1, kernel, kernel])?;
            let bias = weights.take(&format!("{name}.depthwise.bias"), &[block.middle])?;
            let depthwise = Depthwise::new(instructions, block.form, &values, &bias);
            let strip = Strip::new(block, STRIP);
            blocks.push(Layers { block: block.clone(), strip, expand, depthwise, project });
        }
        let head = read_pointwise(weights, instructions, "head", plan.last, plan.head)?;
        Ok(Self { plan, stem, blocks, head })
    }

    /// Cuts all blocks into strips of another size.
    #[cfg(test)]
    pub(super) fn cut(&mut self, values: usize) {
        for layers in &mut self.blocks {
            layers.strip = Strip::new(&layers.block, values);
        }
    }

    /// Features of a tile.
    pub(super) fn dimension(&self) -> usize {
        self.head.outputs()
    }

    /// Buffers of the sizes that this network needs.
    pub(super) fn scratch(&self) -> Scratch {
        let window = self.plan.stem_window;
        let image = self.plan.largest_image();
        let head = self.plan.last_edge.pow(2) * padded(self.plan.head);
        let (mut ring, mut strip) = (0, head);
        for layers in &self.blocks {
            let Strip { rows, ring: held, row } = layers.strip;
            ring = ring.max((held + 1) * row);
            strip = strip.max(rows * layers.block.window.out * padded(layers.block.middle));
        }
        Scratch {
            input: Buffer::zeroed(window.columns * window.columns * 3),
            unfolded: Buffer::zeroed(window.out * STEM_TAPS),
            here: Buffer::zeroed(image),
            there: Buffer::zeroed(image),
            ring: Buffer::zeroed(ring),
            strip: Buffer::zeroed(strip),
        }
    }

    /// Places along the edge of the last feature map.
    pub(super) fn last_edge(&self) -> usize {
        self.plan.last_edge
    }

    /// The features of each place of the last feature map, after a run: their mean is the tile's.
    pub(super) fn copy_places(&self, scratch: &Scratch, out: &mut [f32]) {
        let wide = padded(self.plan.head);
        let places = scratch.strip.chunks_exact(wide);
        for (to, from) in out.chunks_exact_mut(self.dimension()).zip(places) {
            to.copy_from_slice(&from[..to.len()]);
        }
    }

    /// Computes the features of one tile of the plan's size.
    pub(super) fn run(
        &self,
        normalise: &Normalise,
        tile: &RgbImage,
        scratch: &mut Scratch,
        features: &mut [f32],
    ) {
        let window = self.plan.stem_window;
        normalise_padded(normalise, tile, window, &mut scratch.input);
        self.run_stem(scratch);
        for layers in &self.blocks {
            layers.run(scratch);
        }
        self.run_head(scratch, features);
    }

    /// 3x3 convolution of stride 2 as a product over unfolded windows, row by row.
    fn run_stem(&self, scratch: &mut Scratch) {
        let Window { out, columns, .. } = self.plan.stem_window;
        let pixel = padded(self.plan.stem);
        for y in 0..out {
            for (x, taps) in scratch.unfolded.chunks_exact_mut(STEM_TAPS).enumerate() {
                for (ky, nine) in taps.chunks_exact_mut(9).enumerate() {
                    let from = ((2 * y + ky) * columns + 2 * x) * 3;
                    nine.copy_from_slice(&scratch.input[from..from + 9]);
                }
            }
            let from = Layout { rows: &[0], width: out, pixel: STEM_TAPS };
            let to = Layout { rows: &[y * out * pixel], width: out, pixel };
            self.stem.run(&scratch.unfolded, from, &mut scratch.here, to, Finish::Clamp);
        }
    }

    /// The last 1x1 convolution, averaged over all pixels.
    fn run_head(&self, scratch: &mut Scratch, features: &mut [f32]) {
        let pixels = self.plan.last_edge.pow(2);
        let wide = padded(self.plan.head);
        let from = Layout { rows: &[0], width: pixels, pixel: padded(self.plan.last) };
        let to = Layout { rows: &[0], width: pixels, pixel: wide };
        self.head.run(&scratch.here, from, &mut scratch.strip, to, Finish::Clamp);
        features.fill(0.0);
        for pixel in scratch.strip[..pixels * wide].chunks_exact(wide) {
            for (feature, value) in features.iter_mut().zip(pixel) {
                *feature += value;
            }
        }
        let share = 1.0 / pixels as f32;
        for feature in features {
            *feature *= share;
        }
    }
}

impl Layers {
    /// Runs the block on `here`, which then holds its output.
    fn run(&self, scratch: &mut Scratch) {
        let Scratch { here, there, ring, strip, .. } = scratch;
        let Window { edge, out, .. } = self.block.window;
        let (kernel, stride) = (self.block.form.kernel(), self.block.form.stride());
        let before = self.block.window.before;
        self.clear_margins(ring);
        let wide = padded(self.block.middle);
        let pixel = padded(self.block.output);
        let mut widened = 0;
        for top in (0..out).step_by(self.strip.rows) {
            let bottom = out.min(top + self.strip.rows);
            let needed = edge.min(((bottom - 1) * stride + kernel).saturating_sub(before));
            self.widen(here, widened..needed, ring);
            widened = widened.max(needed);
            for y in top..bottom {
                let mut rows = [self.strip.ring * self.strip.row; LONGEST];
                for (ky, row) in rows[..kernel].iter_mut().enumerate() {
                    if let Some(y) = (y * stride + ky).checked_sub(before).filter(|y| *y < edge) {
                        *row = y % self.strip.ring * self.strip.row;
                    }
                }
                let to = &mut strip[(y - top) * out * wide..][..out * wide];
                self.depthwise.run(ring, &rows[..kernel], out, to);
            }
            let width = (bottom - top) * out;
            let from = Layout { rows: &[0], width, pixel: wide };
            let to = Layout { rows: &[top * out * pixel], width, pixel };
            if self.block.residual() {
                // Rows above `widened` are not read again, so the sum may take their place.
                self.project.run(strip, from, here, to, Finish::Add);
            } else {
                self.project.run(strip, from, there, to, Finish::Keep);
            }
        }
        if !self.block.residual() {
            std::mem::swap(here, there);
        }
    }

    /// Zeroes the columns beside the image and the row that stands for those above and below it.
    fn clear_margins(&self, ring: &mut [f32]) {
        let Window { edge, before, .. } = self.block.window;
        let wide = padded(self.block.middle);
        let (zeros, rows) = (self.strip.ring * self.strip.row, self.strip.row);
        for row in ring[..zeros].chunks_exact_mut(rows) {
            row[..before * wide].fill(0.0);
            row[(before + edge) * wide..].fill(0.0);
        }
        ring[zeros..zeros + rows].fill(0.0);
    }

    /// Puts rows of the image into the ring, widened where the block widens.
    fn widen(&self, here: &[f32], rows: std::ops::Range<usize>, ring: &mut [f32]) {
        let Window { edge, before, .. } = self.block.window;
        let (pixel, wide) = (padded(self.block.input), padded(self.block.middle));
        let place = |y: usize| y % self.strip.ring * self.strip.row + before * wide;
        match &self.expand {
            Some(expand) => {
                let from: Vec<_> = rows.clone().map(|y| y * edge * pixel).collect();
                let to: Vec<_> = rows.map(place).collect();
                let from = Layout { rows: &from, width: edge, pixel };
                let to = Layout { rows: &to, width: edge, pixel: wide };
                expand.run(here, from, ring, to, Finish::Clamp);
            }
            None => {
                for y in rows {
                    let row = &here[y * edge * pixel..][..edge * pixel];
                    ring[place(y)..][..edge * pixel].copy_from_slice(row);
                }
            }
        }
    }
}

/// Writes a tile as rows of interleaved values with the stem's zero rows and columns around them.
fn normalise_padded(normalise: &Normalise, tile: &RgbImage, window: Window, out: &mut [f32]) {
    let Window { edge, before, columns, .. } = window;
    let table = normalise::table(normalise, tile);
    out.fill(0.0);
    for (y, row) in tile.pixels().chunks_exact(edge * 3).enumerate() {
        let to = &mut out[((y + before) * columns + before) * 3..][..edge * 3];
        for (place, pixel) in to.as_chunks_mut::<3>().0.iter_mut().zip(row.as_chunks::<3>().0) {
            for channel in 0..3 {
                place[channel] = table[channel][usize::from(pixel[channel])];
            }
        }
    }
}

fn read_pointwise(
    weights: &mut Weights,
    instructions: Instructions,
    name: &str,
    inputs: usize,
    outputs: usize,
) -> Result<Pointwise> {
    let values = weights.take(&format!("{name}.weight"), &[outputs, inputs, 1, 1])?;
    let bias = weights.take(&format!("{name}.bias"), &[outputs])?;
    Ok(Pointwise::new(instructions, inputs, &values, &bias))
}

/// The stem as a product over unfolded windows: row, column, channel instead of PyTorch's order.
fn read_stem(plan: &Plan, weights: &mut Weights, instructions: Instructions) -> Result<Pointwise> {
    let values = weights.take("stem.weight", &[plan.stem, 3, 3, 3])?;
    let bias = weights.take("stem.bias", &[plan.stem])?;
    let mut unfolded = vec![0.0; values.len()];
    for (to, from) in unfolded.chunks_exact_mut(STEM_TAPS).zip(values.chunks_exact(STEM_TAPS)) {
        for (place, value) in to.iter_mut().enumerate() {
            let (tap, channel) = (place / 3, place % 3);
            *value = from[channel * 9 + tap];
        }
    }
    Ok(Pointwise::new(instructions, STEM_TAPS, &unfolded, &bias))
}
