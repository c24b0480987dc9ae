//! Heads that compare a tile with examples: nearest neighbours, and prototypes.
//!
//! Both look at directions, not lengths: standardised features are scaled to length 1, and
//! likeness is the cosine.

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Examples, Head, Layer, Network, Standardisation, dot};
use crate::error::{LesionError, Result};

/// Likeness is divided by this before it becomes a weight, as is customary for neighbours
/// weighted by their likeness (Wu et al. 2018).
const NEIGHBOUR_TEMPERATURE: f32 = 0.07;
/// What every class has of votes before any neighbour is asked, so that no logarithm is of zero.
const PRIOR: f32 = 1e-3;
/// Most steps of the clustering.
const STEPS: usize = 50;

/// How neighbours are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeighbourSettings {
    /// Neighbours that vote.
    pub neighbours: usize,
    /// Most examples of a class that are kept; of more a sample.
    pub kept: usize,
    /// Seed of the sample.
    pub seed: u64,
}

impl Default for NeighbourSettings {
    fn default() -> Self {
        Self { neighbours: 20, kept: 5_000, seed: 1 }
    }
}

/// How prototypes are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrototypeSettings {
    /// Prototypes of each class: 1 is the class's mean direction.
    pub per_class: usize,
    /// Seed of the clustering.
    pub seed: u64,
}

impl Default for PrototypeSettings {
    fn default() -> Self {
        Self { per_class: 4, seed: 1 }
    }
}

/// Examples of length 1, each with its class.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplars {
    /// Rows: the examples. Its biases are zero.
    pub rows: Layer,
    /// The class of each.
    pub labels: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
}

impl Exemplars {
    /// Every example's likeness to a standardised tile, from -1 to 1.
    fn likeness(&self, standard: &[f32]) -> Vec<f32> {
        let mut tile = standard.to_vec();
        to_length_one(&mut tile);
        (0..self.labels.len()).map(|row| dot(&tile, self.rows.row(row))).collect()
    }

    /// Logarithms of the votes of the `count` likest examples.
    pub(super) fn votes(&self, standard: &[f32], count: usize, out: &mut [f32]) {
        let likeness = self.likeness(standard);
        let mut order: Vec<usize> = (0..likeness.len()).collect();
        let count = count.min(order.len());
        // Of equals the earlier counts, so that the result is one.
        let likest = |a: &usize, b: &usize| likeness[*b].total_cmp(&likeness[*a]).then(a.cmp(b));
        if count < order.len() {
            order.select_nth_unstable_by(count, likest);
        }
        order.truncate(count);
        order.sort_unstable();
        out.fill(PRIOR);
        for row in order {
            // Relative to the greatest possible likeness, so that nothing overflows.
            out[self.labels[row]] += ((likeness[row] - 1.0) / NEIGHBOUR_TEMPERATURE).exp();
        }
        out.iter_mut().for_each(|votes| *votes = votes.ln());
    }

    /// Each class's likest example.
    pub(super) fn nearest(&self, standard: &[f32], out: &mut [f32]) {
        out.fill(-1.0);
        for (likeness, label) in self.likeness(standard).into_iter().zip(&self.labels) {
            out[*label] = out[*label].max(likeness);
        }
        out.iter_mut().for_each(|likeness| *likeness /= NEIGHBOUR_TEMPERATURE);
    }
}

/// Keeps examples: a tile is judged by the votes of its nearest neighbours.
///
/// # Errors
/// When a setting is 0.
pub fn keep_neighbours(examples: &Examples, settings: &NeighbourSettings) -> Result<Head> {
    if settings.neighbours == 0 || settings.kept == 0 {
        return Err(LesionError::Setting("neighbours and kept examples: at least 1".into()));
    }
    let unit = Unit::of(examples);
    let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
    let mut chosen = Vec::new();
    for class in 0..examples.classes {
        let members = unit.members(class);
        let count = settings.kept.min(members.len());
        let mut own = index::sample(&mut random, members.len(), count).into_vec();
        own.sort_unstable();
        chosen.extend(own.into_iter().map(|place| (members[place], class)));
    }
    let rows = chosen.iter().flat_map(|(row, _)| unit.row(*row)).copied().collect();
    let labels = chosen.iter().map(|(_, class)| *class).collect();
    let exemplars = unit.exemplars(rows, labels, examples.classes);
    let neighbours = settings.neighbours;
    let network = Network::Neighbours { exemplars, neighbours };
    Ok(Head { standardisation: unit.standardisation, network })
}

/// Finds prototypes by clustering each class's directions (spherical k-means: Dhillon and Modha
/// 2001): a tile is judged by its likeness to each class's nearest.
///
/// # Errors
/// When there are to be none.
pub fn find_prototypes(examples: &Examples, settings: &PrototypeSettings) -> Result<Head> {
    if !(1..=1000).contains(&settings.per_class) {
        return Err(LesionError::Setting("prototypes of a class: 1 to 1000".into()));
    }
    let unit = Unit::of(examples);
    let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for class in 0..examples.classes {
        let members = unit.members(class);
        let count = settings.per_class.min(members.len());
        let first = index::sample(&mut random, members.len(), count).into_vec();
        let centres = first.into_iter().map(|place| unit.row(members[place]).to_vec()).collect();
        for centre in unit.cluster(&members, centres) {
            rows.extend(centre);
            labels.push(class);
        }
    }
    let exemplars = unit.exemplars(rows, labels, examples.classes);
    Ok(Head { standardisation: unit.standardisation, network: Network::Prototypes { exemplars } })
}

/// Standardised examples of length 1.
struct Unit<'a> {
    standardisation: Standardisation,
    dimension: usize,
    values: Vec<f32>,
    labels: &'a [usize],
}

impl<'a> Unit<'a> {
    fn of(examples: &'a Examples) -> Self {
        let standardisation = Standardisation::measure(&examples.features);
        let dimension = examples.features.dimension();
        let mut values = standardisation.applied(&examples.features);
        values.par_chunks_exact_mut(dimension).for_each(to_length_one);
        Self { standardisation, dimension, values, labels: &examples.labels }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dimension..][..self.dimension]
    }

    fn members(&self, class: usize) -> Vec<usize> {
        (0..self.labels.len()).filter(|row| self.labels[*row] == class).collect()
    }

    fn exemplars(&self, weight: Vec<f32>, labels: Vec<usize>, classes: usize) -> Exemplars {
        let rows = Layer { inputs: self.dimension, weight, bias: vec![0.0; labels.len()] };
        Exemplars { rows, labels, classes }
    }

    /// Centres of length 1, moved until no member changes sides.
    fn cluster(&self, members: &[usize], mut centres: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        let mut assigned = Vec::new();
        for _ in 0..STEPS {
            let nearest = |row: &usize| {
                let likeness = |centre: usize| dot(self.row(*row), &centres[centre]);
                (1..centres.len())
                    .fold(0, |best, next| if likeness(next) > likeness(best) { next } else { best })
            };
            let next: Vec<usize> = members.par_iter().map(nearest).collect();
            if next == assigned {
                break;
            }
            assigned = next;
            let mut sums = vec![vec![0.0_f32; self.dimension]; centres.len()];
            for (row, centre) in members.iter().zip(&assigned) {
                sums[*centre].iter_mut().zip(self.row(*row)).for_each(|(sum, x)| *sum += x);
            }
            for (centre, mut sum) in centres.iter_mut().zip(sums) {
                to_length_one(&mut sum);
                // A centre that lost all its members stays where it was.
                if sum.iter().any(|x| *x != 0.0) {
                    *centre = sum;
                }
            }
        }
        centres
    }
}

/// Scales a vector to length 1; zero stays zero.
fn to_length_one(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        head::{head_from_bytes, head_to_bytes},
        matrix::FeatureMatrix,
        tape::mixed,
    };

    /// Class 0 lies in two opposite directions, class 1 across: no plane separates them.
    fn crossed(count: usize, seed: u64) -> Examples {
        let noise = |n: usize| (mixed(seed << 32 | n as u64) % 2000) as f32 / 2500.0 - 0.4;
        let row = |index: usize| {
            let side = if index % 4 < 2 { 1.0 } else { -1.0 };
            let along = if index.is_multiple_of(2) { [side, 0.0] } else { [0.0, side] };
            [along[0] + noise(2 * index), along[1] + noise(2 * index + 1)]
        };
        let values = (0..count).flat_map(row).collect();
        let labels = (0..count).map(|index| index % 2).collect();
        Examples::new(FeatureMatrix::new(2, values).unwrap(), labels, 2).unwrap()
    }

    fn heads(examples: &Examples) -> [Head; 2] {
        let two = PrototypeSettings { per_class: 4, seed: 1 };
        [
            keep_neighbours(examples, &NeighbourSettings::default()).unwrap(),
            find_prototypes(examples, &two).unwrap(),
        ]
    }

    #[test]
    fn what_no_plane_separates_is_told_apart() {
        let (train, test) = (crossed(400, 1), crossed(200, 2));
        for head in heads(&train) {
            let said = head.probabilities(&test.features, 1.0).unwrap();
            let right = (0..200).filter(|row| said.prediction(*row) == test.labels[*row]).count();
            assert!(right > 185, "{right} of 200");
        }
        assert_eq!(heads(&train), heads(&train));
    }

    #[test]
    fn they_are_written_and_read_back() {
        for head in heads(&crossed(40, 1)) {
            let bytes = head_to_bytes(&head).unwrap();
            assert_eq!(head_from_bytes(&bytes).unwrap(), head);
            for length in (0..bytes.len()).step_by(7) {
                assert!(head_from_bytes(&bytes[..length]).is_err());
            }
        }
    }

    #[test]
    fn senseless_settings_are_refused() {
        let examples = crossed(8, 1);
        let none = NeighbourSettings { neighbours: 0, ..NeighbourSettings::default() };
        assert!(keep_neighbours(&examples, &none).is_err());
        assert!(find_prototypes(&examples, &PrototypeSettings { per_class: 0, seed: 1 }).is_err());
    }
}
