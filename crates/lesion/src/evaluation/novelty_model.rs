//! Mahalanobis's distance between a slide's mean features and the training slides'.
//!
//! Each feature is first divided by its deviation, the covariance shrunk towards a multiple of the unit
//! matrix by as much as Ledoit and Wolf (2004) found best. There are more features than slides, so all
//! is computed on the slides' inner products: no matrix of features by features.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    error::{LesionError, Result},
    matrix::FeatureMatrix,
};

/// What distances are measured from.
#[derive(Clone, Debug)]
pub struct NoveltyModel {
    mean: Vec<f64>,
    inverse_deviation: Vec<f64>,
    /// Centred and scaled slides, one after the other.
    slides: Vec<f64>,
    /// Share of the unit matrix in the covariance, 0 to 1.
    shrinkage: f64,
    /// The covariance is `diagonal I + weight X'X`.
    diagonal: f64,
    weight: f64,
    /// Lower triangle of `diagonal I + weight X X'`.
    root: Vec<f64>,
}

impl NoveltyModel {
    /// From one vector a slide.
    ///
    /// # Errors
    /// When there are fewer than three.
    pub fn fit(vectors: &FeatureMatrix) -> Result<Self> {
        let count = vectors.rows();
        if count < 3 {
            let what = format!("{count} slides: three at least are needed to measure distances");
            return Err(LesionError::Data(what));
        }
        let dimension = vectors.dimension();
        let (mean, deviation) = moments(vectors);
        let inverse_deviation: Vec<f64> =
            deviation.iter().map(|d| if *d > 0.0 { 1.0 / d } else { 0.0 }).collect();
        let scaled = |row: usize| scaled(vectors.row(row), &mean, &inverse_deviation);
        let slides: Vec<f64> = (0..count).flat_map(scaled).collect();
        let products = inner_products(&slides, dimension);
        let (shrinkage, spread) = ledoit_wolf(&products, count, dimension);
        let (diagonal, weight) = (shrinkage * spread, (1.0 - shrinkage) / count as f64);
        // Of slides that are all equal nothing is known; any positive spread will do.
        let diagonal = diagonal.max(1e-9);
        let mut root: Vec<f64> = products.iter().map(|p| weight * p).collect();
        (0..count).for_each(|i| root[i * count + i] += diagonal);
        cholesky(&mut root, count);
        Ok(Self { mean, inverse_deviation, slides, shrinkage, diagonal, weight, root })
    }

    /// How much the covariance was shrunk, 0 to 1.
    #[must_use]
    pub fn shrinkage(&self) -> f64 {
        self.shrinkage
    }

    /// Mean of each feature.
    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// One over each feature's deviation; 0 where it never varies.
    pub(super) fn inverse_deviation(&self) -> &[f64] {
        &self.inverse_deviation
    }

    /// The directions of the largest spread with the variance along each, the largest first: the
    /// eigenvectors of the covariance, by subspace iteration on the slides' inner products.
    pub(super) fn main_directions(
        &self,
        most: usize,
        rounds: usize,
        seed: u64,
    ) -> Vec<(f64, Vec<f64>)> {
        let dimension = self.mean.len().max(1);
        let count = self.slides.len() / dimension;
        let products = inner_products(&self.slides, dimension);
        let mut basis = starts(count, most.min(count.saturating_sub(1)).min(dimension), seed);
        for _ in 0..rounds {
            let next: Vec<Vec<f64>> = basis
                .par_iter()
                .map(|v| products.chunks(count).map(|row| dot(row, v)).collect())
                .collect();
            basis = orthonormal(next);
        }
        let direction = |weights: &Vec<f64>| {
            let mut sum = vec![0.0; dimension];
            for (slide, weight) in self.slides.chunks(dimension).zip(weights) {
                sum.iter_mut().zip(slide).for_each(|(sum, x)| *sum += weight * x);
            }
            let length = dot(&sum, &sum).sqrt();
            (length > 1e-9).then(|| {
                sum.iter_mut().for_each(|x| *x /= length);
                (self.diagonal + self.weight * length * length, sum)
            })
        };
        let mut found: Vec<(f64, Vec<f64>)> = basis.iter().filter_map(direction).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found
    }

    /// The mean variance along all directions but the main ones.
    pub(super) fn rest_variance(&self, main: &[(f64, Vec<f64>)]) -> f64 {
        let all: f64 = self.weight * self.slides.iter().map(|x| x * x).sum::<f64>();
        let told: f64 = main.iter().map(|(variance, _)| variance - self.diagonal).sum();
        let others = self.mean.len().saturating_sub(main.len()).max(1);
        self.diagonal + ((all - told) / others as f64).max(0.0)
    }

    /// The square of a vector's distance.
    #[must_use]
    pub fn squared_distance(&self, vector: &[f32]) -> f64 {
        let z: Vec<f64> = scaled(vector, &self.mean, &self.inverse_deviation).collect();
        let mut y: Vec<f64> = self.slides.chunks(z.len().max(1)).map(|x| dot(x, &z)).collect();
        // By Woodbury: (|z|^2 - weight |root^-1 X z|^2) / diagonal.
        let count = y.len();
        for row in 0..count {
            let before = dot(&self.root[row * count..][..row], &y[..row]);
            y[row] = (y[row] - before) / self.root[row * count + row];
        }
        ((dot(&z, &z) - self.weight * dot(&y, &y)) / self.diagonal).max(0.0)
    }
}

/// Independent vectors to begin an iteration with, the same for the same seed.
fn starts(length: usize, count: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut vector = || (0..length).map(|_| random.random_range(-1.0..1.0)).collect();
    orthonormal((0..count).map(|_| vector()).collect())
}

/// Makes vectors orthogonal and of unit length, one after the other; drops those that depend on the
/// ones before (modified Gram and Schmidt).
fn orthonormal(vectors: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut kept: Vec<Vec<f64>> = Vec::new();
    for mut vector in vectors {
        let before = dot(&vector, &vector).sqrt();
        for other in &kept {
            let along = dot(&vector, other);
            vector.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
        }
        let length = dot(&vector, &vector).sqrt();
        if length > 1e-10 * before && length > 0.0 {
            vector.iter_mut().for_each(|x| *x /= length);
            kept.push(vector);
        }
    }
    kept
}

fn moments(vectors: &FeatureMatrix) -> (Vec<f64>, Vec<f64>) {
    let count = vectors.rows() as f64;
    let mut mean = vec![0.0; vectors.dimension()];
    for row in 0..vectors.rows() {
        mean.iter_mut().zip(vectors.row(row)).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    mean.iter_mut().for_each(|sum| *sum /= count);
    let mut squares = vec![0.0; vectors.dimension()];
    for row in 0..vectors.rows() {
        let values = mean.iter().zip(vectors.row(row));
        squares
            .iter_mut()
            .zip(values)
            .for_each(|(sum, (m, x))| *sum += (f64::from(*x) - m).powi(2));
    }
    let deviation = squares.iter().map(|sum| (sum / count).sqrt()).collect();
    (mean, deviation)
}

pub(super) fn scaled<'a>(
    vector: &'a [f32],
    mean: &'a [f64],
    inverse_deviation: &'a [f64],
) -> impl Iterator<Item = f64> + 'a {
    let values = vector.iter().zip(mean.iter().zip(inverse_deviation));
    values.map(|(x, (mean, inverse))| (f64::from(*x) - mean) * inverse)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn inner_products(slides: &[f64], dimension: usize) -> Vec<f64> {
    let rows: Vec<&[f64]> = slides.chunks(dimension).collect();
    rows.par_iter().flat_map_iter(|a| rows.iter().map(|b| dot(a, b))).collect()
}

/// The share of the unit matrix, and the mean variance that it is multiplied by.
fn ledoit_wolf(products: &[f64], count: usize, dimension: usize) -> (f64, f64) {
    let (n, d) = (count as f64, dimension as f64);
    let lengths: Vec<f64> = (0..count).map(|i| products[i * count + i]).collect();
    let trace = lengths.iter().sum::<f64>() / n;
    let spread = trace / d;
    let fourth = lengths.iter().map(|length| length * length).sum::<f64>() / n;
    let squared = products.iter().map(|p| p * p).sum::<f64>() / (n * n);
    let away = (squared - 2.0 * spread * trace + d * spread * spread) / d;
    let error = ((fourth - squared) / (d * n)).min(away);
    (if away > 0.0 { error / away } else { 1.0 }, spread)
}

/// The lower triangle `L` of `L L' = a`, in its place.
fn cholesky(a: &mut [f64], count: usize) {
    for column in 0..count {
        let (above, below) = a.split_at_mut((column + 1) * count);
        let own = &mut above[column * count..];
        let rest = dot(&own[..column], &own[..column]);
        own[column] = (own[column] - rest).max(f64::MIN_POSITIVE).sqrt();
        let (own, pivot) = (&own[..column], own[column]);
        below.par_chunks_mut(count).for_each(|row| {
            row[column] = (row[column] - dot(&row[..column], own)) / pivot;
        });
    }
}
