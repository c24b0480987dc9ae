//! Vision transformers by the recipe's switches.

mod attention;
mod dialect;
mod forward;
mod layer;
mod network;
#[cfg(feature = "cuda")]
mod parts;
mod pooler;
mod position;
mod resample;
mod tensors;
mod tokens;

use std::sync::{Mutex, PoisonError};

use bianque_core::{Producer, RgbImage};
use rayon::prelude::*;

pub(crate) use self::dialect::Spelling;
#[cfg(feature = "cuda")]
pub(crate) use self::parts::{LayerParts, NormParts, Parts};
use self::{
    forward::Scratch,
    layer::{Layer, Linear8},
    network::Network,
};
use crate::{
    encoder::{Encoder, TokenGrid, check_length, check_sizes},
    error::{Result, VisionError},
    packed::PackedLayer,
    recipe::{Arithmetic, Recipe, Vit},
    weights::Weights,
};

/// Takes a network's tensors from a weight file, into the arithmetic that the recipe asks for.
///
/// # Errors
/// When tensors are missing, misshapen or left over.
pub(crate) fn encoder(recipe: Recipe, vit: &Vit, weights: Weights) -> Result<Box<dyn Encoder>> {
    Ok(match vit.arithmetic {
        Arithmetic::F32 => Box::new(VitEncoder::<PackedLayer>::new(recipe, vit, weights)?),
        Arithmetic::Int8 => Box::new(VitEncoder::<Linear8>::new(recipe, vit, weights)?),
    })
}

/// Looks at all tensors of a weight file, and says by which names they go.
///
/// # Errors
/// When there is no encoder in the file, or it cannot be read.
pub(crate) fn survey(recipe: &Recipe, vit: &Vit, weights: &mut Weights) -> Result<Spelling> {
    Network::survey(vit, recipe, weights)
}

/// A vision transformer with its weights. Images are encoded one by one, as many at a time as
/// there are threads, so that a vector does not depend on its neighbours in the batch.
struct VitEncoder<L: Layer> {
    recipe: Recipe,
    producer: Producer,
    /// Values a tile.
    dimension: usize,
    network: Network<L>,
    /// Buffers of finished images, for the next ones.
    idle: Mutex<Vec<Scratch<L>>>,
}

impl<L: Layer> VitEncoder<L> {
    fn new(recipe: Recipe, vit: &Vit, mut weights: Weights) -> Result<Self> {
        let network = Network::take(vit, &recipe, &mut weights)?;
        let mut producer = recipe.producer(vit.arithmetic.digest(weights.digest()));
        producer.version = vit.arithmetic.version(&recipe.version);
        weights.finish()?;
        let dimension = vit.output();
        Ok(Self { recipe, producer, dimension, network, idle: Mutex::default() })
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
        look: impl FnOnce(&Scratch<L>),
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

impl<L: Layer> Encoder for VitEncoder<L> {
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
