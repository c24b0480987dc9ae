//! The engine of compact convolutional encoders: inverted residual blocks as in EfficientNet-Lite.
//!
//! A 3x3 stem of stride 2; blocks of a widening 1x1 convolution, a depthwise convolution and a
//! narrowing 1x1 convolution, with the input added where shapes allow; a 1x1 head whose average
//! over the tile is the feature vector. ReLU6 after all but the narrowing convolutions. Padding is
//! TensorFlow's `SAME`, so that timm's `tf_efficientnet_lite*` give the same values. (EfficientNet:
//! Tan and Le 2019, table 1; blocks: Sandler et al. 2018, MobileNetV2, section 3.)
//!
//! # Weight file
//! safetensors, F32, F16 or BF16, batch norms folded into the convolution before them. Each name
//! below has a `.weight`, in PyTorch's order of axes, and a `.bias` of its output channels:
//!
//! | name | shape of the weight |
//! |---|---|
//! | `stem` | `[stem, 3, 3, 3]` |
//! | `stages.S.blocks.B.expand` (absent where `expand` is 1) | `[in * expand, in, 1, 1]` |
//! | `stages.S.blocks.B.depthwise` | `[in * expand, 1, kernel, kernel]` |
//! | `stages.S.blocks.B.project` | `[channels, in * expand, 1, 1]` |
//! | `head` | `[head, channels of the last stage, 1, 1]` |
//!
//! `fold_to_safetensors` in `tests/convnet_equality.py` writes such a file from a model of timm.

mod depthwise;
mod network;
mod plan;
mod pointwise;

use std::sync::{Mutex, PoisonError};

use bianque_core::{Producer, RgbImage};
use rayon::prelude::*;

use self::{
    network::{Network, Scratch},
    plan::Plan,
};
use crate::{
    encoder::{Encoder, TokenGrid, check_length, check_sizes},
    error::{Result, VisionError},
    lanes::Instructions,
    recipe::{ConvNet, Recipe},
    weights::Weights,
};

/// A network that was checked against what the engine can do, without its weights.
#[derive(Debug)]
pub(crate) struct ConvNetPlan(Plan);

impl ConvNetPlan {
    /// Checks a network for tiles of `size` x `size` pixels.
    ///
    /// # Errors
    /// What the engine cannot do, in words for [`VisionError::Recipe`].
    pub(crate) fn new(net: &ConvNet, size: u32) -> std::result::Result<Self, String> {
        Plan::new(net, size).map(Self)
    }
}

/// A compact convolutional encoder.
#[derive(Debug)]
pub(crate) struct ConvNetEncoder {
    recipe: Recipe,
    producer: Producer,
    network: Network,
    /// Buffers that no thread is using.
    scratch: Mutex<Vec<Scratch>>,
}

impl ConvNetEncoder {
    /// Takes a planned network's tensors from a weight file.
    ///
    /// # Errors
    /// When a tensor is missing, has another shape, or is left over.
    pub(crate) fn read(recipe: Recipe, plan: ConvNetPlan, weights: Weights) -> Result<Self> {
        Self::read_for(recipe, plan, weights, Instructions::best())
    }

    fn read_for(
        recipe: Recipe,
        plan: ConvNetPlan,
        mut weights: Weights,
        instructions: Instructions,
    ) -> Result<Self> {
        let producer = recipe.producer(weights.digest());
        let network = Network::read(plan.0, &mut weights, instructions)?;
        weights.finish()?;
        Ok(Self { recipe, producer, network, scratch: Mutex::new(Vec::new()) })
    }

    /// Looks at every tensor that a planned network would take.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn survey(plan: ConvNetPlan, weights: &mut Weights) -> Result<()> {
        Network::read(plan.0, weights, Instructions::best()).map(drop)
    }

    fn borrow_scratch(&self) -> Borrowed<'_> {
        let kept = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let scratch = kept.unwrap_or_else(|| self.network.scratch());
        Borrowed { scratch: Some(scratch), pool: &self.scratch }
    }
}

impl Encoder for ConvNetEncoder {
    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    fn dimension(&self) -> usize {
        self.network.dimension()
    }

    fn encode(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<()> {
        let size = self.recipe.input.size;
        for tile in tiles {
            if (tile.width(), tile.height()) != (size, size) {
                let (width, height) = (tile.width(), tile.height());
                return Err(VisionError::TileSize { expected: size, width, height });
            }
        }
        let dimension = self.dimension();
        if out.len() != tiles.len() * dimension {
            let expected = tiles.len() * dimension;
            return Err(VisionError::OutputSize { expected, actual: out.len() });
        }
        let normalise = &self.recipe.input.normalise;
        tiles.par_iter().zip(out.par_chunks_exact_mut(dimension)).for_each_init(
            || self.borrow_scratch(),
            |borrowed, (tile, features)| {
                if let Some(scratch) = &mut borrowed.scratch {
                    self.network.run(normalise, tile, scratch, features);
                }
            },
        );
        Ok(())
    }

    fn tokens(&self) -> Option<TokenGrid> {
        let (edge, dimension) = (self.network.last_edge(), self.dimension());
        Some(TokenGrid { edge, dimension, averages: true })
    }

    fn encode_with_tokens(
        &self,
        tiles: &[RgbImage],
        out: &mut [f32],
        tokens: &mut [f32],
    ) -> Result<()> {
        check_sizes(self, tiles, out)?;
        let dimension = self.dimension();
        let each = self.network.last_edge().pow(2) * dimension;
        check_length(tokens, tiles.len() * each)?;
        let outputs = out.par_chunks_exact_mut(dimension).zip(tokens.par_chunks_exact_mut(each));
        tiles.par_iter().zip(outputs).for_each_init(
            || self.borrow_scratch(),
            |borrowed, (tile, (features, tokens))| {
                if let Some(scratch) = &mut borrowed.scratch {
                    self.network.run(&self.recipe.input.normalise, tile, scratch, features);
                    self.network.copy_places(scratch, tokens);
                }
            },
        );
        Ok(())
    }
}

/// Buffers that go back to the pool when a thread has done its share.
struct Borrowed<'a> {
    scratch: Option<Scratch>,
    pool: &'a Mutex<Vec<Scratch>>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.extend(self.scratch.take());
    }
}

#[cfg(test)]
mod tests;
