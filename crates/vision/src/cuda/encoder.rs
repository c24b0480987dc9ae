//! The GPU engine as an [`Encoder`].

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, sync_channel},
};

use bianque_core::{Producer, RgbImage};

use super::{
    device::table_bytes,
    engine::Engine,
    shape::Shape,
    worker::{Request, SLOTS, Worker, ended},
};
use crate::{
    encoder::{Encoder, check_sizes},
    error::{Result, VisionError},
    recipe::{Architecture, Normalise, Precision, Recipe},
    vit::Parts,
    weights::Weights,
};

/// A vision transformer on a GPU.
pub(crate) struct CudaEncoder {
    recipe: Recipe,
    producer: Producer,
    dimension: usize,
    worker: Worker,
}

impl CudaEncoder {
    /// Brings a network to the first GPU; says what GPU it is.
    ///
    /// # Errors
    /// When the recipe's network does not run on a GPU, a library or a GPU is missing, or the
    /// weights do not fit.
    pub(crate) fn new(
        recipe: Recipe,
        precision: Precision,
        weights: impl FnOnce() -> Result<Weights>,
    ) -> Result<(Self, String)> {
        let refused = |what| VisionError::Runtime {
            what: format!("the GPU cannot run '{}': {what}", recipe.name),
        };
        let shape = Shape::new(&recipe, precision).map_err(refused)?;
        // Before gigabytes of weights are read.
        super::libraries::open()?;
        let Architecture::Vit(vit) = &recipe.architecture else {
            return Err(refused("it is no transformer".to_owned()));
        };
        let weights = weights()?;
        let mut producer = recipe.producer(weights.digest());
        producer.version = format!("{}{}", producer.version, suffix(precision));
        let parts = Parts::read(vit, &recipe, weights)?;
        let dimension = shape.output;
        let normalise = recipe.input.normalise.clone();
        let make = move || Engine::new(shape, precision, &normalise, parts);
        let (worker, name) = Worker::start(dimension, make)?;
        Ok((Self { recipe, producer, dimension, worker }, name))
    }

    fn ask(&self, tiles: &[RgbImage]) -> Result<Receiver<Result<Vec<f32>>>> {
        let normalise = &self.recipe.input.normalise;
        let pixels = tiles.iter().flat_map(|tile| tile.pixels()).copied().collect();
        let tables = match normalise {
            Normalise::Fixed { .. } => Vec::new(),
            Normalise::PerTile { .. } => {
                tiles.iter().flat_map(|tile| table_bytes(normalise, tile)).collect()
            }
        };
        let (answer, answers) = sync_channel(1);
        self.worker.ask(Request { pixels, tables, tiles: tiles.len(), answer })?;
        Ok(answers)
    }
}

/// What the version says of features that were not computed on a CPU: they differ in their last
/// digits, and are not to be mixed unnoticed with others.
fn suffix(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "+cuda.f32",
        Precision::F16 => "+cuda.f16",
        Precision::Bf16 => "+cuda.bf16",
    }
}

impl Encoder for CudaEncoder {
    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn on_gpu(&self) -> bool {
        true
    }

    fn encode_with_tokens(&self, _: &[RgbImage], _: &mut [f32], _: &mut [f32]) -> Result<()> {
        let what = "vectors of a tile's parts";
        Err(VisionError::OnlyOnCpu { encoder: self.recipe.name.clone(), what })
    }

    fn attention(&self, _: &[RgbImage], _: &mut [f32]) -> Result<()> {
        Err(VisionError::OnlyOnCpu { encoder: self.recipe.name.clone(), what: "attention" })
    }

    /// Features are those of the CPU within the tolerance of the precision (`docs/performance.md`);
    /// they may differ in their last digits with the size of the batch.
    fn encode(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<()> {
        check_sizes(self, tiles, out)?;
        let mut asked = VecDeque::new();
        let mut out = out.chunks_mut(self.worker.most * self.dimension);
        let mut take = |answers: Receiver<Result<Vec<f32>>>| -> Result<()> {
            let features = answers.recv().map_err(|_| ended("it ended"))??;
            if let Some(out) = out.next() {
                out.copy_from_slice(&features);
            }
            Ok(())
        };
        for tiles in tiles.chunks(self.worker.most) {
            asked.push_back(self.ask(tiles)?);
            // One more than are in flight waits, so that the device never does.
            if asked.len() > SLOTS
                && let Some(answers) = asked.pop_front()
            {
                take(answers)?;
            }
        }
        asked.into_iter().try_for_each(take)
    }
}
