//! From a recipe file to an encoder that runs.

use std::path::{Path, PathBuf};

use crate::{
    convnet::{ConvNetEncoder, ConvNetPlan},
    encoder::Encoder,
    error::{Result, VisionError},
    onnx,
    recipe::{Architecture, Recipe},
    vit,
    weights::Weights,
};

/// Loads the encoder that a recipe file describes, with the weight file that it names beside it.
///
/// # Errors
/// When the recipe or the weights cannot be read, are malformed, are not those that the recipe
/// states by digest, or do not fit each other (missing and left-over tensors are named).
pub fn load(recipe: &Path) -> Result<Box<dyn Encoder>> {
    let parsed = Recipe::read(recipe)?;
    let weights = beside(&parsed, recipe)?;
    build(parsed, recipe, &weights)
}

/// The weight file that a recipe names, beside the recipe.
pub(crate) fn beside(recipe: &Recipe, path: &Path) -> Result<PathBuf> {
    let relative = Path::new(&recipe.weights);
    if relative.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return Err(VisionError::Recipe {
            path: path.to_owned(),
            what: format!("weights '{}' must be a file beside the recipe", recipe.weights),
        });
    }
    Ok(path.parent().unwrap_or(Path::new("")).join(relative))
}

/// Loads the encoder that a recipe file describes with a weight file from anywhere: a model that
/// the user obtained. A digest in the recipe is verified all the same.
///
/// # Errors
/// As [`load`].
pub fn load_with_weights(recipe: &Path, weights: &Path) -> Result<Box<dyn Encoder>> {
    build(Recipe::read(recipe)?, recipe, weights)
}

pub(crate) fn build(recipe: Recipe, path: &Path, weights: &Path) -> Result<Box<dyn Encoder>> {
    let open = || Weights::open(weights, recipe.digest.as_ref());
    match recipe.architecture.clone() {
        Architecture::Vit(switches) => {
            let weights = open()?;
            vit::encoder(recipe, &switches, weights)
        }
        Architecture::ConvNet(network) => {
            let plan = ConvNetPlan::new(&network, recipe.input.size)
                .map_err(|what| VisionError::Recipe { path: path.to_owned(), what })?;
            let weights = open()?;
            Ok(Box::new(ConvNetEncoder::read(recipe, plan, weights)?))
        }
        Architecture::Onnx(model) => onnx::encoder(recipe, &model, weights),
    }
}
