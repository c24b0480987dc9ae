//! Whether a weight file is a recipe's, tensor by tensor, and what comes out of it.

use std::path::Path;

use bianque_core::Digest;
use serde::Serialize;

use crate::{
    convnet::{ConvNetEncoder, ConvNetPlan},
    encoder::Encoder,
    error::{Result, VisionError},
    load::build,
    recipe::{Architecture, Arithmetic, Dialect, Recipe},
    test_tiles::{TEST_TILES, test_tiles},
    vit,
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
    /// Where the recipe rounds to 8 bits: the lowest cosine between a test tile's features and those
    /// in 32-bit floats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowest_cosine: Option<f64>,
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

impl TestFeatures {
    /// One vector a tile.
    fn vectors(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimension.max(1))
    }
}

impl Verification {
    /// Whether the file may be used with the recipe.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.survey.fits() && self.features.is_some()
    }
}

/// Compares a weight file with a recipe, which was read from `path`. What does not fit is a finding,
/// all of it at once.
///
/// # Errors
/// When the recipe cannot be used, or the file cannot be read or is no weight file.
pub fn verify(recipe: &Recipe, path: &Path, weights: &Path) -> Result<Verification> {
    if let Architecture::Onnx(_) = recipe.architecture {
        return verify_onnx(recipe.clone(), path, weights);
    }
    let mut file = Weights::open(weights, None)?.surveyed();
    let (digest, container) = (file.digest(), file.container());
    if let Some(stated) = recipe.digest
        && stated != digest
    {
        file.note(format!("the file's digest is {digest}, the recipe asks for {stated}"));
    }
    let stated = recipe.published.as_ref().and_then(|published| published.md5.clone());
    let published_file = match stated {
        Some(stated) => Some(file.md5()? == stated),
        None => None,
    };
    let spelling = survey(recipe, path, &mut file)?;
    let mut survey = file.into_survey();
    let mut features = None;
    let mut lowest_cosine = None;
    if survey.fits() {
        features = test_features(build(recipe.clone(), path, weights)?.as_ref())?;
        match &features {
            Some(features) => lowest_cosine = agreement(recipe, path, weights, features)?,
            None => survey.problems.push(NOT_NUMBERS.to_owned()),
        }
    }
    let (keys, prefix) = spelling.map_or((None, None), |(keys, prefix)| (Some(keys), Some(prefix)));
    Ok(Verification {
        digest,
        container,
        keys,
        prefix,
        survey,
        published_file,
        features,
        lowest_cosine,
    })
}

const NOT_NUMBERS: &str = "features of the test tiles are not numbers";

/// An ONNX model: what can be compared is its input and its output.
fn verify_onnx(mut recipe: Recipe, path: &Path, weights: &Path) -> Result<Verification> {
    let stated = recipe.digest.take();
    let encoder = build(recipe, path, weights)?;
    let digest = encoder.producer().digest.unwrap_or_else(|| Digest::of(&[]));
    let mut survey = Survey { fitting: 2, ..Survey::default() };
    if let Some(stated) = stated
        && stated != digest
    {
        survey.problems.push(format!("the file's digest is {digest}, not {stated}"));
    }
    let features = test_features(encoder.as_ref())?;
    if features.is_none() {
        survey.problems.push(NOT_NUMBERS.to_owned());
    }
    Ok(Verification {
        digest,
        container: Container::Onnx,
        keys: None,
        prefix: None,
        survey,
        published_file: None,
        features,
        lowest_cosine: None,
    })
}

/// Where a recipe rounds: how far features are from those of the same weights in 32-bit floats.
fn agreement(
    recipe: &Recipe,
    path: &Path,
    weights: &Path,
    features: &TestFeatures,
) -> Result<Option<f64>> {
    let exact = match &recipe.architecture {
        Architecture::Vit(vit) if vit.arithmetic != Arithmetic::F32 => {
            recipe.clone().with_arithmetic(Arithmetic::F32)
        }
        _ => return Ok(None),
    };
    let wrong = |what| VisionError::Recipe { path: path.to_owned(), what };
    let exact = test_features(build(exact.map_err(wrong)?, path, weights)?.as_ref())?;
    Ok(exact.map(|exact| {
        let tiles = |features| TestFeatures::vectors(features);
        tiles(features).zip(tiles(&exact)).map(|(a, b)| cosine(a, b)).fold(1.0, f64::min)
    }))
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
}

/// Looks at every tensor; says by which names they go.
fn survey(recipe: &Recipe, path: &Path, file: &mut Weights) -> Result<Option<(Dialect, String)>> {
    match &recipe.architecture {
        Architecture::Vit(switches) => match vit::survey(recipe, switches, file) {
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
        Architecture::Onnx(_) => Ok(None),
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
