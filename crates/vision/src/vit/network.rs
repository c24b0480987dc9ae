//! The network: its tensors and its linear layers.

use super::{
    dialect::Spelling, layer::Form, pooler::PoolerLayers, position::Rotation, tensors::Tensors,
};
use crate::{
    error::{Result, VisionError},
    matrix::{Destination, View, ViewMut, multiply},
    recipe::{Ffn, Pooling, Recipe, Vit},
    weights::Weights,
};

/// A linear layer, its weights `outputs x inputs` in the order of the file.
pub(super) struct Linear {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// A layer norm's weights.
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// One block; scales of its branches are folded into `project` and `down`.
pub(super) struct Block<L = Linear> {
    pub(super) norm1: Norm,
    pub(super) qkv: L,
    pub(super) project: L,
    pub(super) norm2: Norm,
    /// Norms before `project` and before `down`, where the network has them.
    pub(super) between: Option<[Norm; 2]>,
    /// Packed (gate, value) where the network is gated.
    pub(super) up: L,
    pub(super) down: L,
}

/// A whole network.
pub(super) struct Network<L = Linear> {
    pub(super) patch: usize,
    /// Patches along an edge.
    pub(super) grid: usize,
    pub(super) dim: usize,
    pub(super) heads: usize,
    pub(super) prefix: usize,
    pub(super) gated: bool,
    pub(super) epsilon: f32,
    pub(super) pooling: Pooling,
    /// Layers of attentional pooling.
    pub(super) pooler: Option<PoolerLayers>,
    /// How often it runs over a tile: once, or once a channel.
    pub(super) passes: usize,
    /// Patches to tokens, without bias.
    pub(super) embed: Linear,
    /// What stands in each token before the patches are added: class token, registers, the
    /// embedding's bias, and learned positions.
    pub(super) seed: Vec<f32>,
    pub(super) rotation: Option<Rotation>,
    pub(super) blocks: Vec<Block<L>>,
    pub(super) norm: Norm,
}

impl<L: Form> Network<L> {
    /// Takes every tensor that the recipe's switches ask for, and drops what only training needs.
    ///
    /// # Errors
    /// When tensors are missing or misshapen.
    pub(super) fn take(vit: &Vit, recipe: &Recipe, weights: &mut Weights) -> Result<Self> {
        let grid = (recipe.input.size / vit.patch) as usize;
        let mut tensors = Tensors::new(weights, recipe.published.as_ref())?;
        let embed = tensors.embedding(vit)?;
        let seed = tensors.seed(vit, grid, &embed.bias)?;
        let rotation = tensors.rotation(vit, grid)?;
        let blocks =
            (0..vit.depth).map(|index| tensors.block(vit, index)).collect::<Result<_>>()?;
        let norm = tensors.last_norm(vit.dim)?;
        let pooler = match &vit.pooling {
            Pooling::Attentional(pooler) => Some(tensors.pooler(pooler, vit.dim)?),
            _ => None,
        };
        tensors.drop_training_only();
        Ok(Self {
            patch: vit.patch as usize,
            grid,
            dim: vit.dim,
            heads: vit.heads,
            prefix: vit.prefix(),
            gated: matches!(vit.ffn, Ffn::SwiGlu { .. }),
            epsilon: vit.norm_eps,
            pooling: vit.pooling.clone(),
            pooler,
            passes: vit.passes(),
            embed,
            seed,
            rotation,
            blocks,
            norm,
        })
    }

    /// Tokens of one image.
    pub(super) fn tokens(&self) -> usize {
        self.prefix + self.grid * self.grid
    }
}

impl Network {
    /// Looks at every tensor that [`Network::take`] would take, and keeps none: memory for one
    /// block is enough.
    ///
    /// # Errors
    /// When no encoder is found in the file, or the file cannot be read.
    pub(super) fn survey(vit: &Vit, recipe: &Recipe, weights: &mut Weights) -> Result<Spelling> {
        let grid = (recipe.input.size / vit.patch) as usize;
        let mut tensors = Tensors::new(weights, recipe.published.as_ref())?;
        let embed = tensors.embedding(vit)?;
        let mut whole = Ok(());
        // A table or periods that cannot be are one finding; the other tensors are looked at all
        // the same.
        whole = whole.and(tensors.seed(vit, grid, &embed.bias).map(drop));
        whole = whole.and(tensors.rotation(vit, grid).map(drop));
        for index in 0..vit.depth {
            whole = whole.and(tensors.block::<Linear>(vit, index).map(drop));
        }
        whole = whole.and(tensors.last_norm(vit.dim).map(drop));
        if let Pooling::Attentional(pooler) = &vit.pooling {
            whole = whole.and(tensors.pooler(pooler, vit.dim).map(drop));
        }
        tensors.drop_training_only();
        let spelling = tensors.into_spelling();
        match whole {
            Err(VisionError::Weights { what, .. }) => weights.note(what),
            other => other?,
        }
        Ok(spelling)
    }
}

impl Linear {
    /// A layer from weights row by row without gaps.
    pub(super) fn new(weight: Vec<f32>, bias: Vec<f32>, inputs: usize) -> Self {
        let outputs = bias.len();
        Self { weight, bias, inputs, outputs }
    }

    /// `out = input * weight^T + bias` for rows of `outputs` values.
    pub(super) fn write(&self, input: &[f32], rows: usize, out: &mut [f32]) {
        for row in out.chunks_exact_mut(self.outputs).take(rows) {
            row.copy_from_slice(&self.bias);
        }
        self.add_product(input, self.inputs, rows, out);
    }

    /// `out += input * weight^T`.
    pub(super) fn add_product(&self, input: &[f32], stride: usize, rows: usize, out: &mut [f32]) {
        multiply(
            ViewMut::new(out, rows, self.outputs, self.outputs),
            Destination::Add,
            View::new(input, rows, self.inputs, stride),
            View::new(&self.weight, self.outputs, self.inputs, self.inputs).transposed(),
        );
    }

    /// Multiplies each output by its scale.
    pub(super) fn scaled(mut self, scales: &[f32]) -> Self {
        let rows = self.weight.chunks_exact_mut(self.inputs);
        for ((row, bias), scale) in rows.zip(&mut self.bias).zip(scales) {
            row.iter_mut().for_each(|value| *value *= scale);
            *bias *= scale;
        }
        self
    }
}
