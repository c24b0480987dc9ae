//! A recipe's network, checked and with every size worked out.

use super::depthwise::Form;
use crate::{lanes::padded, recipe::ConvNet};

/// The most channels that any layer may have; EfficientNet-Lite4 has 1,920 at its widest.
const MOST_CHANNELS: usize = 16_384;
/// The most blocks; EfficientNet-Lite4 has 30.
const MOST_BLOCKS: usize = 256;
/// The longest edge of a tile.
const LONGEST_EDGE: u32 = 4096;
/// The most values that one layer's activations may have, 256 MiB of them.
const MOST_VALUES: usize = 1 << 26;

/// What is computed, layer by layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Edge of a tile in pixels.
    pub(super) size: usize,
    /// Channels of the stem.
    pub(super) stem: usize,
    /// The stem's window.
    pub(super) stem_window: Window,
    /// All stages' blocks in turn.
    pub(super) blocks: Vec<Block>,
    /// Channels into the head.
    pub(super) last: usize,
    /// Edge of the activations that the head averages.
    pub(super) last_edge: usize,
    /// Features.
    pub(super) head: usize,
}

/// An inverted residual block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Where its tensors are, such as `stages.0.blocks.1`.
    pub(super) name: String,
    /// Depthwise kernel and stride.
    pub(super) form: Form,
    /// Channels in.
    pub(super) input: usize,
    /// Channels between; as many as `input` where the block does not widen.
    pub(super) middle: usize,
    /// Channels out.
    pub(super) output: usize,
    /// The depthwise convolution's window.
    pub(super) window: Window,
}

impl Block {
    /// Whether a 1x1 convolution widens before the depthwise one.
    pub(super) fn widens(&self) -> bool {
        self.input != self.middle
    }

    /// Whether the input is added to the output.
    pub(super) fn residual(&self) -> bool {
        self.form.stride() == 1 && self.input == self.output
    }
}

/// How a kernel passes over a square of activations, padded as TensorFlow's `SAME`: as many outputs
/// as `edge / stride` rounded up, and where the padding is odd, the extra zero is at the right and
/// at the bottom. <https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2>
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Edge of the input.
    pub(super) edge: usize,
    /// Edge of the output.
    pub(super) out: usize,
    /// Zeros before the first row and column.
    pub(super) before: usize,
    /// Input columns that the kernel touches, zeros included: never fewer than `before + edge`.
    pub(super) columns: usize,
}

impl Window {
    fn same(edge: usize, kernel: usize, stride: usize) -> Self {
        let out = edge.div_ceil(stride);
        let columns = (out - 1) * stride + kernel;
        let before = columns.saturating_sub(edge) / 2;
        Self { edge, out, before, columns: columns.max(before + edge) }
    }
}

impl Plan {
    /// Works out a recipe's network for tiles of `size` x `size` pixels.
    ///
    /// # Errors
    /// What in the recipe the engine cannot do, in words.
    pub(super) fn new(net: &ConvNet, size: u32) -> Result<Self, String> {
        if !(1..=LONGEST_EDGE).contains(&size) {
            return Err(format!("a tile edge of {size} px is outside 1 to {LONGEST_EDGE}"));
        }
        let size = size as usize;
        let stem_window = Window::same(size, 3, 2);
        bounded("the stem", net.stem, stem_window.out)?;
        let mut blocks = Vec::new();
        let mut channels = net.stem;
        let mut edge = stem_window.out;
        for (s, stage) in net.stages.iter().enumerate() {
            if stage.blocks == 0 || blocks.len() + stage.blocks.min(MOST_BLOCKS) > MOST_BLOCKS {
                return Err(format!(
                    "stage {s} has {} blocks; each stage needs one and all together may have \
                     {MOST_BLOCKS}",
                    stage.blocks
                ));
            }
            for b in 0..stage.blocks.min(MOST_BLOCKS) {
                let name = format!("stages.{s}.blocks.{b}");
                let stride = if b == 0 { stage.stride } else { 1 };
                let Some(form) = Form::new(stage.kernel, stride) else {
                    return Err(format!(
                        "{name} has kernel {} and stride {stride}; kernels 3 and 5 and strides 1 \
                         and 2 are known",
                        stage.kernel
                    ));
                };
                let window = Window::same(edge, stage.kernel, stride);
                let middle = channels.saturating_mul(stage.expand);
                bounded(&name, middle, edge)?;
                bounded(&name, stage.channels, window.out)?;
                let output = stage.channels;
                blocks.push(Block { name, form, input: channels, middle, output, window });
                channels = output;
                edge = window.out;
            }
        }
        bounded("the head", net.head, edge)?;
        Ok(Self {
            size,
            stem: net.stem,
            stem_window,
            blocks,
            last: channels,
            last_edge: edge,
            head: net.head,
        })
    }

    /// The most values that the activations between blocks have.
    pub(super) fn largest_image(&self) -> usize {
        let stem = self.stem_window.out.pow(2) * padded(self.stem);
        let blocks = self.blocks.iter().map(|block| block.window.out.pow(2) * padded(block.output));
        blocks.fold(stem, usize::max)
    }
}

fn bounded(what: &str, channels: usize, edge: usize) -> Result<(), String> {
    if !(1..=MOST_CHANNELS).contains(&channels) {
        return Err(format!("{what} has {channels} channels, outside 1 to {MOST_CHANNELS}"));
    }
    if edge * edge * padded(channels) > MOST_VALUES {
        return Err(format!("{what} has {channels} channels of {edge} x {edge} values: too many"));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::recipe::ConvStage;

    /// EfficientNet-Lite0.
    pub(in super::super) fn lite0() -> ConvNet {
        let stages = [
            (3, 1, 1, 16, 1),
            (3, 2, 6, 24, 2),
            (5, 2, 6, 40, 2),
            (3, 2, 6, 80, 3),
            (5, 1, 6, 112, 3),
            (5, 2, 6, 192, 4),
            (3, 1, 6, 320, 1),
        ]
        .map(|(kernel, stride, expand, channels, blocks)| ConvStage {
            kernel,
            stride,
            expand,
            channels,
            blocks,
        });
        ConvNet { stem: 32, stages: stages.to_vec(), head: 1280 }
    }

    fn refused(change: impl FnOnce(&mut ConvNet)) -> String {
        let mut net = lite0();
        change(&mut net);
        Plan::new(&net, 224).unwrap_err()
    }

    #[test]
    fn what_the_engine_cannot_do_is_said() {
        assert!(refused(|net| net.stem = 0).contains("the stem"));
        assert!(refused(|net| net.head = usize::MAX).contains("the head"));
        assert!(refused(|net| net.stages[2].kernel = 7).contains("stages.2.blocks.0"));
        assert!(refused(|net| net.stages[2].stride = 3).contains("stride 3"));
        assert!(refused(|net| net.stages[2].stride = 0).contains("stride 0"));
        assert!(refused(|net| net.stages[3].blocks = 0).contains("stage 3"));
        assert!(refused(|net| net.stages[3].blocks = usize::MAX).contains("stage 3"));
        assert!(refused(|net| net.stages[3].expand = usize::MAX).contains("stages.3.blocks.0"));
        assert!(refused(|net| net.stages[3].expand = 0).contains("0 channels"));
        assert!(refused(|net| net.stages[0].expand = 500).contains("too many"));
        assert!(Plan::new(&lite0(), 0).is_err());
        assert!(Plan::new(&lite0(), u32::MAX).is_err());
    }

    #[test]
    fn lite0_has_its_published_sizes() {
        let plan = Plan::new(&lite0(), 224).unwrap();
        assert_eq!(plan.blocks.len(), 16);
        assert_eq!((plan.last, plan.last_edge, plan.head), (320, 7, 1280));
        let residuals = plan.blocks.iter().filter(|block| block.residual()).count();
        assert_eq!(residuals, 9);
        assert_eq!(plan.largest_image(), 112 * 112 * 32);
    }

    #[test]
    fn padding_is_tensorflows() {
        let window = |edge, kernel, stride| {
            let window = Window::same(edge, kernel, stride);
            (window.out, window.before, window.columns - window.before - edge)
        };
        assert_eq!(window(224, 3, 2), (112, 0, 1));
        assert_eq!(window(225, 3, 2), (113, 1, 1));
        assert_eq!(window(56, 5, 2), (28, 1, 2));
        assert_eq!(window(57, 5, 2), (29, 2, 2));
        assert_eq!(window(14, 5, 1), (14, 2, 2));
        assert_eq!(window(1, 5, 2), (1, 2, 2));
    }
}
