//! A network's tensors for another engine: plain rows, scales folded, queries, keys and values in
//! one layer, whatever the file had.

use super::{
    network::{Block, Linear, Network, Norm},
    pooler::PoolerLayers,
};
use crate::{
    error::Result,
    recipe::{Recipe, Vit},
    weights::Weights,
};

/// A linear layer: weights `outputs x inputs` without gaps.
pub(crate) struct LayerParts {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) inputs: usize,
}

/// A layer norm.
pub(crate) struct NormParts {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// A block.
pub(crate) struct BlockParts {
    pub(crate) norm1: NormParts,
    pub(crate) qkv: LayerParts,
    pub(crate) project: LayerParts,
    pub(crate) norm2: NormParts,
    /// Norms before `project` and before `down`, where the network has them.
    pub(crate) between: Option<[NormParts; 2]>,
    /// Gates, then values, where the network is gated.
    pub(crate) up: LayerParts,
    pub(crate) down: LayerParts,
}

/// Attentional pooling; the query is brought as far as it goes without an image.
pub(crate) struct PoolerParts {
    pub(crate) query: Vec<f32>,
    pub(crate) norm_tokens: NormParts,
    pub(crate) keys_values: LayerParts,
    pub(crate) project: LayerParts,
    pub(crate) norm_last: NormParts,
}

/// All tensors of a network.
pub(crate) struct Parts {
    /// Its bias stands in `seed`.
    pub(crate) embed: LayerParts,
    /// What stands in each token before the patches are added.
    pub(crate) seed: Vec<f32>,
    /// Cosines and sines of rotary positions: rows of a head's width, one a patch.
    pub(crate) rotation: Option<(Vec<f32>, Vec<f32>)>,
    pub(crate) blocks: Vec<BlockParts>,
    pub(crate) norm: NormParts,
    pub(crate) pooler: Option<PoolerParts>,
}

impl Parts {
    /// Takes the network's tensors from a weight file.
    ///
    /// # Errors
    /// When tensors are missing, misshapen or left over.
    pub(crate) fn read(vit: &Vit, recipe: &Recipe, mut weights: Weights) -> Result<Self> {
        let network = Network::<Linear>::take(vit, recipe, &mut weights)?;
        weights.finish()?;
        Ok(Self {
            embed: network.embed.into(),
            seed: network.seed,
            rotation: network.rotation.map(super::position::Rotation::into_tables),
            blocks: network.blocks.into_iter().map(BlockParts::from).collect(),
            norm: network.norm.into(),
            pooler: network.pooler.map(PoolerParts::from),
        })
    }
}

impl From<Linear> for LayerParts {
    fn from(layer: Linear) -> Self {
        Self { weight: layer.weight, bias: layer.bias, inputs: layer.inputs }
    }
}

impl From<Norm> for NormParts {
    fn from(norm: Norm) -> Self {
        Self { weight: norm.weight, bias: norm.bias }
    }
}

impl From<Block> for BlockParts {
    fn from(block: Block) -> Self {
        Self {
            norm1: block.norm1.into(),
            qkv: block.qkv.into(),
            project: block.project.into(),
            norm2: block.norm2.into(),
            between: block.between.map(|norms| norms.map(NormParts::from)),
            up: block.up.into(),
            down: block.down.into(),
        }
    }
}

impl From<PoolerLayers> for PoolerParts {
    fn from(layers: PoolerLayers) -> Self {
        Self {
            query: layers.query,
            norm_tokens: layers.norm_tokens.into(),
            keys_values: layers.keys_values.into(),
            project: layers.project.into(),
            norm_last: layers.norm_last.into(),
        }
    }
}
