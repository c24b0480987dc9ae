//! Whether a weight file is a recipe's, tensor by tensor, and what comes out of it.

use std::path::Path;

use bianque_core::Digest;
use serde::Serialize;

use crate::{
    convnet::{ConvNetEncoder, ConvNetPlan},
    encoder::Encoder,
    error::{Result, VisionError},
    load::build,
    recipe::{Architecture, Dialect, Recipe},
    test_tiles::{TEST_TILES, test_tiles},
    vit::VitEncoder,
    weights::{Container, Survey, Weights},
};

/// What was found out about a weight file.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// Digest of the whole file.
    pub digest: Digest,
    /// How the file keeps tensors.
    pub container: Container,
    /// The names by which they go, if an encoder was found.
    pub keys: Option<Dialect>,
    /// What stands before the encoder's names.
    pub prefix: Option<String>,
    /// What fits and what does not.
    pub survey: Survey,
    /// Whether the file is the published one by its MD5 sum, where the recipe states one. A file
    /// that was converted is another and may fit all the same.
    pub published_file: Option<bool>,
    /// The features of the test tiles; only of a file that fits.
    pub features: Option<TestFeatures>,
}

/// Features of the built-in test tiles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestFeatures {
    /// Number of tiles.
    pub tiles: usize,
    /// Values a tile.
    pub dimension: usize,
    /// Digest of all values as little-endian 32-bit floats, tile after tile. Processors with other
    /// vector instructions round otherwise: compare digests of one kind of machine.
    pub digest: Digest,
    /// Whether it is the one that the recipe states, where it states one.
    pub as_stated: Option<bool>,
    /// The values themselves.
    #[serde(skip)]
    pub values: Vec<f32>,
}

impl Verification {
    /// Whether the file may be used with the recipe.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.survey.fits() && self.features.is_some()
    }
}

/// Compares a weight file with a recipe. What does not fit is a finding, all of it at once.
///
/// # Errors
/// When the recipe cannot be used, or the file cannot be read or is no weight file.
pub fn verify(recipe: &Path, weights: &Path) -> Result<Verification> {
    let parsed = Recipe::read(recipe)?;
    let mut file = Weights::open(weights, None)?.surveyed();
    let (digest, container) = (file.digest(), file.container());
    if let Some(stated) = parsed.digest
        && stated != digest
    {
        file.note(format!("the file's digest is {digest}, the recipe asks for {stated}"));
    }
    let stated = parsed.published.as_ref().and_then(|published| published.md5.clone());
    let published_file = match stated {
        Some(stated) => Some(file.md5()? == stated),
        None => None,
    };
    let spelling = survey(&parsed, recipe, &mut file)?;
    let mut survey = file.into_survey();
    let mut features = None;
    if survey.fits() {
        let encoder = build(parsed, recipe, weights)?;
        match test_features(encoder.as_ref())? {
            Some(found) => features = Some(found),
            None => survey.problems.push("features of the test tiles are not numbers".to_owned()),
        }
    }
    let (keys, prefix) = spelling.map_or((None, None), |(keys, prefix)| (Some(keys), Some(prefix)));
    Ok(Verification { digest, container, keys, prefix, survey, published_file, features })
}

/// Looks at every tensor; says by which names they go.
fn survey(recipe: &Recipe, path: &Path, file: &mut Weights) -> Result<Option<(Dialect, String)>> {
    match &recipe.architecture {
        Architecture::Vit(vit) => match VitEncoder::survey(recipe, vit, file) {
            Ok(spelling) => Ok(Some((spelling.dialect, spelling.prefix))),
            Err(VisionError::Weights { what, .. }) => {
                file.note(what);
                Ok(None)
            }
            Err(error) => Err(error),
        },
        Architecture::ConvNet(network) => {
            let plan = ConvNetPlan::new(network, recipe.input.size)
                .map_err(|what| VisionError::Recipe { path: path.to_owned(), what })?;
            ConvNetEncoder::survey(plan, file)?;
            Ok(None)
        }
    }
}

/// Features of the test tiles, or none where they hold a value that is no number.
fn test_features(encoder: &dyn Encoder) -> Result<Option<TestFeatures>> {
    let recipe = encoder.recipe();
    let dimension = encoder.dimension();
    let mut values = vec![0.0; TEST_TILES * dimension];
    encoder.encode(&test_tiles(recipe.input.size), &mut values)?;
    if values.iter().any(|value| !value.is_finite()) {
        return Ok(None);
    }
    let mut digest = Digest::builder();
    for value in &values {
        digest.update(&value.to_le_bytes());
    }
    let digest = digest.finish();
    let stated = recipe.published.as_ref().and_then(|published| published.features);
    Ok(Some(TestFeatures {
        tiles: TEST_TILES,
        dimension,
        digest,
        as_stated: stated.map(|stated| stated == digest),
        values,
    }))
}
