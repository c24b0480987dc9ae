//! Vision transformers by the recipe's switches.

mod attention;
mod dialect;
mod forward;
mod network;
mod pooler;
mod position;
mod resample;
mod tensors;
mod tokens;

use std::sync::{Mutex, PoisonError};

use bianque_core::{Producer, RgbImage};
use rayon::prelude::*;

pub(crate) use self::dialect::Spelling;
use self::{forward::Scratch, network::Network};
use crate::{
    encoder::{Encoder, TokenGrid, check_length, check_sizes},
    error::{Result, VisionError},
    recipe::{Recipe, Vit},
    weights::Weights,
};

/// A vision transformer with its weights. Images are encoded one by one, as many at a time as
/// there are threads, so that a vector does not depend on its neighbours in the batch.
pub(crate) struct VitEncoder {
    recipe: Recipe,
    producer: Producer,
    /// Values a tile.
    dimension: usize,
    network: Network,
    /// Buffers of finished images, for the next ones.
    idle: Mutex<Vec<Scratch>>,
}

impl VitEncoder {
    /// Takes the network's tensors from a weight file.
    ///
    /// # Errors
    /// When tensors are missing, misshapen or left over.
    pub(crate) fn new(recipe: Recipe, vit: &Vit, mut weights: Weights) -> Result<Self> {
        let network = Network::take(vit, &recipe, &mut weights)?;
        let producer = recipe.producer(weights.digest());
        weights.finish()?;
        let dimension = vit.output();
        Ok(Self { recipe, producer, dimension, network, idle: Mutex::default() })
    }

    /// Looks at all tensors of a weight file, and says by which names they go.
    ///
    /// # Errors
    /// When there is no encoder in the file, or it cannot be read.
    pub(crate) fn survey(recipe: &Recipe, vit: &Vit, weights: &mut Weights) -> Result<Spelling> {
        Network::survey(vit, recipe, weights)
    }

    fn encode_one(&self, tile: &RgbImage, out: &mut [f32]) {
        self.encode_and(tile, out, false, |_| ());
    }

    /// Encodes a tile and looks at what the pass has left.
    fn encode_and(
        &self,
        tile: &RgbImage,
        out: &mut [f32],
        every_token: bool,
        look: impl FnOnce(&Scratch),
    ) {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = idle().pop();
        let mut scratch = scratch.unwrap_or_else(|| Scratch::for_network(&self.network));
        scratch.every_token = every_token;
        self.network.forward(&self.recipe.input.normalise, tile, &mut scratch, out);
        look(&scratch);
        idle().push(scratch);
    }
}

impl Encoder for VitEncoder {
    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn encode(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<()> {
        check_sizes(self, tiles, out)?;
        tiles
            .par_iter()
            .zip(out.par_chunks_exact_mut(self.dimension()))
            .for_each(|(tile, out)| self.encode_one(tile, out));
        Ok(())
    }

    fn tokens(&self) -> Option<TokenGrid> {
        self.network.token_grid()
    }

    fn encode_with_tokens(
        &self,
        tiles: &[RgbImage],
        out: &mut [f32],
        tokens: &mut [f32],
    ) -> Result<()> {
        check_sizes(self, tiles, out)?;
        let no_tokens = || VisionError::NoTokens { encoder: self.recipe.name.clone() };
        let grid = self.tokens().ok_or_else(no_tokens)?;
        let each = grid.edge * grid.edge * grid.dimension;
        check_length(tokens, tiles.len() * each)?;
        let outputs =
            out.par_chunks_exact_mut(self.dimension()).zip(tokens.par_chunks_exact_mut(each));
        tiles.par_iter().zip(outputs).for_each(|(tile, (out, tokens))| {
            self.encode_and(tile, out, true, |scratch| self.network.copy_tokens(scratch, tokens));
        });
        Ok(())
    }

    fn attention_edge(&self) -> Option<usize> {
        self.network.has_class_token().then_some(self.network.grid)
    }

    fn attention(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<()> {
        let none = || VisionError::NoAttention { encoder: self.recipe.name.clone() };
        let edge = self.attention_edge().ok_or_else(none)?;
        check_length(out, tiles.len() * edge * edge)?;
        let mut vectors = vec![0.0; tiles.len() * self.dimension()];
        check_sizes(self, tiles, &vectors)?;
        let outputs = vectors
            .par_chunks_exact_mut(self.dimension())
            .zip(out.par_chunks_exact_mut(edge * edge));
        tiles.par_iter().zip(outputs).for_each(|(tile, (vector, out))| {
            self.encode_and(tile, vector, false, |scratch| {
                self.network.copy_attention(scratch, out);
            });
        });
        Ok(())
    }
}
