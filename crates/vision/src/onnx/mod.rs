//! A user's own ONNX model, run by ONNX Runtime, whose library is found when the program runs.

#[cfg(feature = "onnxruntime")]
mod encoder;
#[cfg(feature = "onnxruntime")]
mod library;

use std::path::Path;

#[cfg(feature = "onnxruntime")]
pub use self::library::use_onnx_runtime;
use crate::{
    encoder::Encoder,
    error::{Result, VisionError},
    recipe::{Onnx, Recipe},
};

/// Loads a model that a recipe describes.
///
/// # Errors
/// When the file cannot be read or is not the recipe's, when ONNX Runtime is not there, or when the
/// model's inputs or outputs are not as stated.
#[cfg(feature = "onnxruntime")]
pub(crate) fn encoder(recipe: Recipe, onnx: &Onnx, file: &Path) -> Result<Box<dyn Encoder>> {
    let model = read(file, recipe.digest.as_ref())?;
    Ok(Box::new(encoder::OnnxEncoder::new(recipe, onnx, file, &model)?))
}

/// Says that this program cannot.
///
/// # Errors
/// Always.
#[cfg(not(feature = "onnxruntime"))]
pub(crate) fn encoder(_: Recipe, _: &Onnx, file: &Path) -> Result<Box<dyn Encoder>> {
    Err(VisionError::Runtime {
        what: format!(
            "{} needs ONNX Runtime, for which this program was not built: build it with \
             `--features onnxruntime`",
            file.display()
        ),
    })
}

/// The longest model that is read: the format's own limit is two gigabytes a file.
#[cfg(feature = "onnxruntime")]
const LONGEST: u64 = 1 << 31;

/// How an ONNX file begins to name a file that holds a tensor: the first field of a pair, `location`.
#[cfg(feature = "onnxruntime")]
const ELSEWHERE: &[u8] = b"\x0a\x08location";

/// The file's bytes, if they are those that the recipe asks for.
#[cfg(feature = "onnxruntime")]
fn read(file: &Path, expected: Option<&bianque_core::Digest>) -> Result<Vec<u8>> {
    let io = |cause| VisionError::Io { path: file.to_owned(), cause };
    let wrong = |what| VisionError::Weights { path: file.to_owned(), what };
    let length = std::fs::metadata(file).map_err(io)?.len();
    if length > LONGEST {
        return Err(wrong(format!("is {length} bytes long; an ONNX file has at most 2 GiB")));
    }
    let bytes = std::fs::read(file).map_err(io)?;
    if bytes.windows(ELSEWHERE.len()).any(|window| window == ELSEWHERE) {
        return Err(wrong(
            "keeps weights in other files, whose digest nobody would know: save the model as one \
             file"
                .to_owned(),
        ));
    }
    let digest = bianque_core::Digest::of(&bytes);
    match expected {
        Some(expected) if *expected != digest => Err(wrong(format!(
            "has digest {digest}, the recipe asks for {expected}: this is another file"
        ))),
        _ => Ok(bytes),
    }
}
