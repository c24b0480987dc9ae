//! The layers in their order. `training/artefacts/network.py` is the same in PyTorch.

use super::{
    Artefact,
    layers::{Block, Convolution, Features, doubled_onto},
    weights::Weights,
};
use crate::Result;

/// Channels from full to an eighth of the resolution.
const WIDTHS: [usize; 4] = [12, 24, 48, 64];
/// Dilation of the residual blocks at each resolution.
const DILATIONS: [&[usize]; 4] = [&[], &[1], &[1, 2], &[1, 2, 4, 1]];
/// Sides of what goes in are a multiple of this.
pub(super) const MULTIPLE: usize = 8;
/// So far an answer looks around itself, in pixels, rounded up to [`MULTIPLE`].
pub(super) const REACH: usize = 104;

#[derive(Clone, Debug)]
pub(super) struct Network {
    /// For each resolution the layer that leads there and its blocks.
    down: Vec<(Convolution, Vec<Block>)>,
    /// From coarse to fine: the layer that is doubled, and the block after the sum.
    up: Vec<(Convolution, Block)>,
    head: Convolution,
}

impl Network {
    pub(super) fn new(weights: &mut Weights<'_>) -> Result<Self> {
        let mut down = Vec::new();
        for (level, (width, dilations)) in WIDTHS.into_iter().zip(DILATIONS).enumerate() {
            let inputs = if level == 0 { 3 } else { WIDTHS[level - 1] };
            let stride = if level == 0 { 1 } else { 2 };
            let layer = convolution(weights, &format!("down.{level}"), (3, stride), inputs, width)?;
            let mut blocks = Vec::new();
            for (number, dilation) in dilations.iter().enumerate() {
                let name = format!("blocks.{level}.{number}");
                blocks.push(block(weights, &name, width, *dilation)?);
            }
            down.push((layer, blocks));
        }
        let mut up = Vec::new();
        for level in (0..WIDTHS.len() - 1).rev() {
            let (name, width) = (format!("up.{level}"), WIDTHS[level]);
            let mut layer = convolution(weights, &name, (1, 1), WIDTHS[level + 1], width)?;
            layer.relu = false;
            up.push((layer, block(weights, &format!("merge.{level}"), width, 1)?));
        }
        let mut head = convolution(weights, "head", (1, 1), WIDTHS[0], Artefact::ALL.len())?;
        head.relu = false;
        Ok(Self { down, up, head })
    }

    /// Scores of every artefact for every pixel of an image of optical densities, whose sides are
    /// multiples of [`MULTIPLE`].
    pub(super) fn run(&self, input: Features) -> Features {
        let mut kept = Vec::new();
        let mut features = input;
        for (layer, blocks) in &self.down {
            features = layer.run(&features);
            for block in blocks {
                features = block.run(features);
            }
            kept.push(features.clone());
        }
        kept.pop();
        for (layer, merge) in &self.up {
            let Some(finer) = kept.pop() else { break };
            features = merge.run(doubled_onto(&layer.run(&features), finer));
        }
        self.head.run(&features)
    }
}

fn convolution(
    weights: &mut Weights<'_>,
    name: &str,
    (side, stride): (usize, usize),
    inputs: usize,
    outputs: usize,
) -> Result<Convolution> {
    let weight = weights.take(&format!("{name}.weight"), &[side, side, inputs, outputs])?;
    let bias = weights.take(&format!("{name}.bias"), &[outputs])?;
    Ok(Convolution { side, stride, inputs, outputs, weight, bias, relu: true })
}

fn block(weights: &mut Weights<'_>, name: &str, width: usize, dilation: usize) -> Result<Block> {
    Ok(Block {
        dilation,
        depthwise: weights.take(&format!("{name}.depthwise.weight"), &[3, 3, width])?,
        pointwise: convolution(weights, &format!("{name}.pointwise"), (1, 1), width, width)?,
    })
}
