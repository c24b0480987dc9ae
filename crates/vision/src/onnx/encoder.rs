//! The encoder in front of a session of ONNX Runtime.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use bianque_core::{Digest, Producer, RgbImage};
use ort::{
    session::Session,
    value::{TensorElementType, TensorRef, ValueType},
};

use super::library;
use crate::{
    encoder::{Encoder, check_sizes},
    error::{Result, VisionError},
    normalise,
    recipe::{Normalise, Onnx, Recipe},
};

/// A model in a session. Tiles are given to it one by one, so that a vector does not depend on its
/// neighbours in the batch; the session has a thread for each of ours.
pub(super) struct OnnxEncoder {
    recipe: Recipe,
    producer: Producer,
    dimension: usize,
    input: String,
    output: String,
    session: Mutex<Working>,
}

struct Working {
    session: Session,
    /// One tile: red, green and blue planes.
    pixels: Vec<f32>,
}

impl OnnxEncoder {
    /// Makes a session of a model, and compares its inputs and outputs with the recipe.
    pub(super) fn new(recipe: Recipe, onnx: &Onnx, file: &Path, model: &[u8]) -> Result<Self> {
        let wrong = |what: String| VisionError::Weights { path: file.to_owned(), what };
        let session = session(model)
            .map_err(|error| wrong(format!("ONNX Runtime does not take it: {error}")))?;
        let size = recipe.input.size as usize;
        let asked = [None, Some(3), Some(size), Some(size)];
        let inputs: Vec<_> = session.inputs().iter().map(|i| (i.name(), i.dtype())).collect();
        let input = find("input", &inputs, onnx.input.as_deref(), &asked).map_err(wrong)?;
        if let [_, _, ..] = inputs[..] {
            return Err(wrong(format!("has {} inputs; an encoder has one", inputs.len())));
        }
        let outputs: Vec<_> = session.outputs().iter().map(|o| (o.name(), o.dtype())).collect();
        let given = [None, Some(onnx.dimension)];
        let output = find("output", &outputs, onnx.output.as_deref(), &given).map_err(wrong)?;
        let producer = recipe.producer(Digest::of(model));
        let pixels = vec![0.0; 3 * size * size];
        let session = Mutex::new(Working { session, pixels });
        Ok(Self { recipe, producer, dimension: onnx.dimension, input, output, session })
    }

    fn encode_one(&self, working: &mut Working, tile: &RgbImage, out: &mut [f32]) -> Result<()> {
        let failed = |what: String| VisionError::Runtime {
            what: format!("the model {} failed in ONNX Runtime: {what}", self.recipe.weights),
        };
        let Working { session, pixels } = working;
        planes(&self.recipe.input.normalise, tile, pixels);
        let size = self.recipe.input.size as usize;
        let input = TensorRef::from_array_view(([1, 3, size, size], pixels.as_slice()))
            .map_err(|error| failed(error.to_string()))?;
        let outputs = session
            .run(ort::inputs![self.input.as_str() => input])
            .map_err(|error| failed(error.to_string()))?;
        let features = outputs.get(&self.output).ok_or_else(|| failed("no output".into()))?;
        let (shape, values) =
            features.try_extract_tensor::<f32>().map_err(|error| failed(error.to_string()))?;
        if values.len() != out.len() {
            return Err(failed(format!("it gave {shape:?} values, not [1, {}]", out.len())));
        }
        out.copy_from_slice(values);
        Ok(())
    }
}

/// Sessions read the model from memory, never from beside its file: weights in other files would
/// escape the digest.
fn session(model: &[u8]) -> std::result::Result<Session, String> {
    let text = |error: ort::Error| error.to_string();
    let environment = library::environment().map_err(|error| error.to_string())?;
    Session::builder(environment)
        .map_err(text)?
        .with_intra_threads(rayon::current_num_threads())
        .map_err(|error| error.to_string())?
        .with_inter_threads(1)
        .map_err(|error| error.to_string())?
        .commit_from_memory(model)
        .map_err(text)
}

/// The named tensor of those that a model has, or its only one, if it is of floats and has the
/// right shape; a size that is `None` may be anything that takes one tile.
fn find(
    what: &str,
    all: &[(&str, &ValueType)],
    named: Option<&str>,
    shape: &[Option<usize>],
) -> std::result::Result<String, String> {
    let names = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = match named {
        Some(named) => all.iter().find(|(name, _)| *name == named),
        None if all.len() == 1 => all.first(),
        None => {
            return Err(format!("has several {what}s: name one of {} in the recipe", names()));
        }
    };
    let Some((name, kind)) = found else {
        return Err(format!("has no {what} '{}': there are {}", named.unwrap_or(""), names()));
    };
    let ValueType::Tensor { ty: TensorElementType::Float32, shape: has, .. } = kind else {
        return Err(format!("has {what} '{name}' of {kind:?}; tensors of 32-bit floats are read"));
    };
    // What is not known ahead is -1.
    let fits = |(has, needs): (&i64, &Option<usize>)| {
        *has < 0 || needs.map_or(*has == 1, |needs| i64::try_from(needs) == Ok(*has))
    };
    if has.len() != shape.len() || !has.iter().zip(shape).all(fits) {
        let needs = shape.iter().map(|size| size.map_or(1, |size| size)).collect::<Vec<_>>();
        return Err(format!("has {what} '{name}' of shape {:?}, not {needs:?}", &has[..]));
    }
    Ok((*name).to_owned())
}

/// A tile as planes of normalised values.
fn planes(normalise: &Normalise, tile: &RgbImage, out: &mut [f32]) {
    let table = normalise::table(normalise, tile);
    let pixels = tile.pixels().as_chunks::<3>().0;
    for (channel, plane) in out.chunks_exact_mut(pixels.len().max(1)).enumerate() {
        for (value, pixel) in plane.iter_mut().zip(pixels) {
            *value = table[channel][pixel[channel] as usize];
        }
    }
}

impl Encoder for OnnxEncoder {
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
        let mut working = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        tiles
            .iter()
            .zip(out.chunks_exact_mut(self.dimension))
            .try_for_each(|(tile, out)| self.encode_one(&mut working, tile, out))
    }
}
