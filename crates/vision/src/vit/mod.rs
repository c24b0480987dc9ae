//! Vision transformers by the recipe's switches.

mod attention;
mod dialect;
mod forward;
mod network;
#[cfg(feature = "cuda")]
mod parts;
mod pooler;
mod position;
mod resample;
mod tensors;

use std::sync::{Mutex, PoisonError};

use bianque_core::{Producer, RgbImage};
use rayon::prelude::*;

pub(crate) use self::dialect::Spelling;
#[cfg(feature = "cuda")]
pub(crate) use self::parts::{LayerParts, NormParts, Parts};
use self::{forward::Scratch, network::Network};
use crate::{
    encoder::{Encoder, check_sizes},
    error::Result,
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
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = idle().pop();
        let mut scratch = scratch.unwrap_or_else(|| Scratch::for_network(&self.network));
        self.network.forward(&self.recipe.input.normalise, tile, &mut scratch, out);
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
}
