//! What the training slides are like, in so few numbers that it can travel with a task: their mean,
//! their main directions and the spread along each. No slide's own features are among them.

use super::{
    novelty::{as_if_new_by, limit, of_enough_patients, sample},
    novelty_model::{NoveltyModel, scaled},
};
use crate::{error::Result, matrix::FeatureMatrix};

/// Directions that are told apart; along the others the spread is taken to be the same.
const DIRECTIONS: usize = 32;
/// Rounds of the search for directions; the spread of the last is then known to a few percent.
const ROUNDS: usize = 40;

/// What training slides are like.
///
/// The distance is Mahalanobis's, as of [`NoveltyModel`], whose covariance is kept as its largest
/// eigenvalues with their directions and the mean of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Familiarity {
    /// Mean of each feature.
    pub mean: Vec<f32>,
    /// One over each feature's deviation; 0 where it never varies.
    pub inverse_deviation: Vec<f32>,
    /// Unit vectors, the direction of the largest spread first.
    pub directions: FeatureMatrix,
    /// The variance along each direction, and along every other.
    pub variances: Vec<f32>,
    /// The variance along every other direction.
    pub rest: f32,
    /// The distance beyond which a slide is unlike them: all but one in twenty of the training
    /// slides, each measured from other patients', lie nearer.
    pub limit: f64,
    /// Training slides.
    pub slides: usize,
}

impl Familiarity {
    /// From one vector a slide and whose each is.
    ///
    /// # Errors
    /// When numbers do not fit or there are slides of fewer than ten patients.
    pub fn learn(vectors: &FeatureMatrix, patient_of: &[usize], seed: u64) -> Result<Self> {
        of_enough_patients(vectors.rows(), patient_of)?;
        let chosen = sample(vectors.rows(), seed);
        let vectors = vectors.select(&chosen);
        let patients: Vec<usize> = chosen.iter().map(|slide| patient_of[*slide]).collect();
        let known = as_if_new_by(&vectors, &patients, seed, |others, own| {
            let model = Self::of(others, seed)?;
            Ok(own.iter().map(|slide| model.distance(vectors.row(*slide))).collect())
        })?;
        Ok(Self { limit: limit(&known), ..Self::of(&vectors, seed)? })
    }

    /// How far a slide's mean features lie from the training slides.
    ///
    /// The vector must have as many values as the mean.
    #[must_use]
    pub fn distance(&self, vector: &[f32]) -> f64 {
        let mean: Vec<f64> = self.mean.iter().map(|x| f64::from(*x)).collect();
        let inverse: Vec<f64> = self.inverse_deviation.iter().map(|x| f64::from(*x)).collect();
        let z: Vec<f64> = scaled(vector, &mean, &inverse).collect();
        let rest = f64::from(self.rest);
        let mut squared = z.iter().map(|z| z * z).sum::<f64>() / rest;
        for (direction, variance) in self.variances.iter().enumerate() {
            let along: f64 =
                self.directions.row(direction).iter().zip(&z).map(|(v, z)| f64::from(*v) * z).sum();
            squared += along * along * (1.0 / f64::from(*variance) - 1.0 / rest);
        }
        squared.max(0.0).sqrt()
    }

    fn of(vectors: &FeatureMatrix, seed: u64) -> Result<Self> {
        let model = NoveltyModel::fit(vectors)?;
        let main = model.main_directions(DIRECTIONS, ROUNDS, seed);
        let narrow = |values: &[f64]| values.iter().map(|x| *x as f32).collect::<Vec<f32>>();
        let directions = main.iter().flat_map(|(_, direction)| narrow(direction)).collect();
        let rest = model.rest_variance(&main);
        Ok(Self {
            mean: narrow(model.mean()),
            inverse_deviation: narrow(model.inverse_deviation()),
            directions: FeatureMatrix::new(vectors.dimension(), directions)?,
            variances: main.iter().map(|(variance, _)| *variance as f32).collect(),
            rest: rest as f32,
            limit: f64::INFINITY,
            slides: vectors.rows(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::mixed;

    /// Slides that vary along three hidden causes and a little everywhere.
    fn slides(count: usize, dimension: usize, shift: f32, seed: u64) -> FeatureMatrix {
        let noise = |n: usize| (mixed(seed * 1_000_003 + n as u64) % 2000) as f32 / 1000.0 - 1.0;
        let value = |slide: usize, column: usize| {
            let causes: f32 = (0..3)
                .map(|cause| noise(slide * 7 + cause) * ((column * (cause + 2)) as f32).sin())
                .sum();
            let moved = if column.is_multiple_of(3) { shift } else { 0.0 };
            3.0 * causes + 0.3 * noise(90_000 + slide * dimension + column) + moved
        };
        let values = (0..count).flat_map(|s| (0..dimension).map(move |c| (s, c)));
        FeatureMatrix::new(dimension, values.map(|(s, c)| value(s, c)).collect()).unwrap()
    }

    #[test]
    fn it_judges_as_the_whole_covariance_does() {
        let training = slides(90, 60, 0.0, 1);
        let patients: Vec<usize> = (0..90).map(|slide| slide / 2).collect();
        let learned = Familiarity::learn(&training, &patients, 1).unwrap();
        let whole = NoveltyModel::fit(&training).unwrap();
        let new = slides(40, 60, 0.0, 2);
        let ratios: Vec<f64> = (0..40)
            .map(|s| learned.distance(new.row(s)) / whole.squared_distance(new.row(s)).sqrt())
            .collect();
        assert!(ratios.iter().all(|ratio| (0.8..1.25).contains(ratio)), "{ratios:?}");
        let beyond = |shift, seed| {
            let new = slides(100, 60, shift, seed);
            (0..100).filter(|s| learned.distance(new.row(*s)) > learned.limit).count()
        };
        // One in twenty is what the limit leaves beyond it.
        assert!(beyond(0.0, 3) < 15, "{}", beyond(0.0, 3));
        assert_eq!(beyond(6.0, 4), 100);
    }

    #[test]
    fn few_slides_and_equal_slides_are_no_trouble() {
        let training = slides(12, 60, 0.0, 1);
        let patients: Vec<usize> = (0..12).collect();
        let learned = Familiarity::learn(&training, &patients, 1).unwrap();
        assert!(learned.variances.len() <= 12 && learned.limit.is_finite());
        let equal = FeatureMatrix::new(4, vec![1.0; 80]).unwrap();
        let patients: Vec<usize> = (0..20).collect();
        let learned = Familiarity::learn(&equal, &patients, 1).unwrap();
        assert!(learned.distance(&[3.0; 4]).is_finite());
        let few = Familiarity::learn(&training.select(&[0, 1, 2]), &[0, 1, 2], 1);
        assert!(few.unwrap_err().to_string().contains("ten at least"));
    }
}
