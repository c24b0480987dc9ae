//! Tiles whose haematoxylin and eosin are made stronger or weaker by a known amount, through the
//! encoder: to see how much of a model's answer hangs on the stain.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bianque_core::{Digest, RgbImage};
use bianque_vision::Encoder;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    extract::{BrokenTile, MAX_FILE, Progress},
    folder::{TileFile, TileFolder},
    image::{read_image, resized},
    stain_jitter::recoloured,
};
use crate::{
    error::{LesionError, Result},
    matrix::FeatureMatrix,
};

/// Tiles decoded and encoded together by one thread.
const BATCH: usize = 8;
/// Standard deviations within which 95 % of a normal distribution lie.
const MIDDLE: f64 = 1.96;

/// How far stains are varied, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StainStrengths {
    /// Steps. At each, the optical density of haematoxylin and that of eosin are multiplied, each
    /// by its own factor: the exponential of a normal number of this deviation, or 1 where it falls
    /// outside the middle 95 % (as RuiPath's training perturbs; 0.15 there). The stains' colours
    /// are Ruifrok and Johnston's (2001), not estimated tile by tile; what neither stain explains
    /// stays as it is.
    pub sigmas: Vec<f64>,
    /// Seed.
    pub seed: u64,
}

impl Default for StainStrengths {
    fn default() -> Self {
        Self { sigmas: vec![0.05, 0.1, 0.15, 0.2, 0.3], seed: 1 }
    }
}

/// Features of tiles as they are and at every step; a row a tile, the same tiles in all.
#[derive(Clone, Debug)]
pub struct StainedFeatures {
    /// Steps.
    pub sigmas: Vec<f64>,
    /// Tiles as they are.
    pub plain: FeatureMatrix,
    /// A matrix a step.
    pub varied: Vec<FeatureMatrix>,
    /// Each tile's class.
    pub labels: Vec<usize>,
    /// Tiles that could not be read.
    pub broken: Vec<BrokenTile>,
}

/// Places of at most `most` tiles, as many of each class as there are, chosen by the seed.
#[must_use]
pub fn tiles_of_each_class(
    folder: &TileFolder,
    most: usize,
    seed: u64,
    used: impl Fn(&TileFile) -> bool,
) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = Vec::new();
    let classes = folder.classes.len();
    for class in 0..classes {
        let of_class = |file: &TileFile| file.class == class && used(file);
        let mut own: Vec<usize> =
            (0..folder.files.len()).filter(|place| of_class(&folder.files[*place])).collect();
        own.shuffle(&mut random);
        // What does not divide falls to the first classes.
        let share = most / classes + usize::from(class < most % classes);
        own.truncate(share);
        chosen.extend(own);
    }
    chosen
}

/// Encodes the chosen tiles of a folder at every step.
///
/// # Errors
/// When a step is out of range, no tile can be read, the encoder fails, or `cancel` was set.
pub fn stained_features(
    folder: &TileFolder,
    chosen: &[usize],
    encoder: &dyn Encoder,
    strengths: &StainStrengths,
    progress: &(dyn Fn(Progress) + Sync),
    cancel: &AtomicBool,
) -> Result<StainedFeatures> {
    if strengths.sigmas.is_empty() || strengths.sigmas.iter().any(|s| !(0.0..=1.0).contains(s)) {
        let what = "stain strengths must be between 0 and 1";
        return Err(LesionError::Setting(what.into()));
    }
    let (done, total) = (AtomicUsize::new(0), chosen.len());
    let batches = chosen.par_chunks(BATCH).map(|batch| {
        if cancel.load(Ordering::Relaxed) {
            return Err(LesionError::Cancelled);
        }
        let encoded = encode(folder, batch, encoder, strengths)?;
        let done = done.fetch_add(batch.len(), Ordering::Relaxed) + batch.len();
        progress(Progress { done, total });
        Ok(encoded)
    });
    let batches: Vec<Encoded> = batches.collect::<Result<_>>()?;
    let dimension = encoder.dimension();
    let step = |step: usize| {
        let values = batches.iter().flat_map(|batch| &batch.values[step]).copied().collect();
        FeatureMatrix::new(dimension, values)
    };
    let mut steps = (0..=strengths.sigmas.len()).map(step).collect::<Result<Vec<_>>>()?;
    let (mut labels, mut broken) = (Vec::new(), Vec::new());
    for batch in batches {
        labels.extend(batch.labels);
        broken.extend(batch.broken);
    }
    if labels.is_empty() {
        return Err(LesionError::Data("none of the tiles can be read".into()));
    }
    let plain = steps.remove(0);
    Ok(StainedFeatures { sigmas: strengths.sigmas.clone(), plain, varied: steps, labels, broken })
}

/// Some tiles: by step their vectors, one after the other.
struct Encoded {
    values: Vec<Vec<f32>>,
    labels: Vec<usize>,
    broken: Vec<BrokenTile>,
}

fn encode(
    folder: &TileFolder,
    batch: &[usize],
    encoder: &dyn Encoder,
    strengths: &StainStrengths,
) -> Result<Encoded> {
    let (mut tiles, mut labels, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for place in batch {
        let file = &folder.files[*place];
        match read(&file.path, encoder) {
            Ok(tile) => {
                tiles.push(tile);
                labels.push(file.class);
            }
            Err(why) => broken.push(BrokenTile { name: file.name.clone(), why }),
        }
    }
    let mut values = Vec::with_capacity(strengths.sigmas.len() + 1);
    for sigma in std::iter::once(&0.0).chain(&strengths.sigmas) {
        let varied = |(image, digest): &(RgbImage, Digest)| {
            let seed = Digest::of(format!("{digest} {sigma} {}", strengths.seed).as_bytes());
            varied(image, *sigma, seed)
        };
        let images: Vec<RgbImage> = tiles.iter().map(varied).collect();
        let mut own = vec![0.0; images.len() * encoder.dimension()];
        if !images.is_empty() {
            encoder.encode(&images, &mut own)?;
        }
        values.push(own);
    }
    Ok(Encoded { values, labels, broken })
}

fn read(
    path: &std::path::Path,
    encoder: &dyn Encoder,
) -> std::result::Result<(RgbImage, Digest), String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_FILE {
        return Err(format!("{length} bytes are too many for a tile"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let input = &encoder.recipe().input;
    let image = read_image(&bytes).map_err(|fault| fault.to_string())?;
    let image = resized(image, input.size, input.filter).map_err(|fault| fault.to_string())?;
    Ok((image, Digest::of(&bytes)))
}

fn varied(image: &RgbImage, sigma: f64, seed: Digest) -> RgbImage {
    if sigma == 0.0 {
        return image.clone();
    }
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(seed.short().bytes()).for_each(|(to, digit)| *to = digit);
    let mut random = ChaCha8Rng::seed_from_u64(u64::from_le_bytes(bytes));
    let (haematoxylin, eosin) = factors(sigma, &mut random);
    recoloured(image, [(haematoxylin, 0.0), (eosin, 0.0), (1.0, 0.0)])
}

/// Two factors, by the method of Box and Muller (1958).
fn factors(sigma: f64, random: &mut ChaCha8Rng) -> (f32, f32) {
    let length = (-2.0 * random.random_range(f64::MIN_POSITIVE..1.0).ln()).sqrt();
    let (sine, cosine) = random.random_range(0.0..std::f64::consts::TAU).sin_cos();
    let factor = |normal: f64| {
        if normal.abs() > MIDDLE { 1.0 } else { (sigma * normal).exp() as f32 }
    };
    (factor(length * cosine), factor(length * sine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_as_wide_as_the_step_says_and_none_is_extreme() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<(f32, f32)> = (0..20_000).map(|_| factors(0.15, &mut random)).collect();
        let logarithms = drawn.iter().flat_map(|(a, b)| [a.ln(), b.ln()]).map(f64::from);
        let squares = logarithms.clone().map(|x| x * x).sum::<f64>() / 40_000.0;
        // The variance of the middle 95 % of a normal distribution: 0.722 of the whole's.
        assert!((squares / (0.15 * 0.15) - 0.722).abs() < 0.03, "{squares}");
        assert!(logarithms.map(f64::abs).fold(0.0, f64::max) <= 0.15 * MIDDLE + 1e-6);
    }

    #[test]
    fn the_same_tile_and_step_give_the_same_pixels() {
        let image = RgbImage::filled(4, 4, [150, 90, 160]);
        let seed = Digest::of(b"tile");
        assert_eq!(varied(&image, 0.3, seed), varied(&image, 0.3, seed));
        assert_ne!(varied(&image, 0.3, seed), image);
        assert_eq!(varied(&image, 0.0, seed), image);
    }
}
