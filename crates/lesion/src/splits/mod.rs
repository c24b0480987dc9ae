//! Parts of the data: to train on, to choose and calibrate by, to measure on.

pub(crate) mod colour;
mod kmeans;
mod list;
mod patients;

pub use colour::{ColourStatistics, colour_cluster_folds};
pub use list::list_parts;
pub(crate) use patients::check_patients;
pub use patients::patient_folds;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::{LesionError, Result};

/// How examples are divided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SplitMethod {
    /// Every class divided at random. Tiles of one slide fall on both sides: flatters the result.
    Random {
        /// Number of folds.
        folds: usize,
        /// Seed.
        seed: u64,
    },
    /// Whole clusters of colour are held out, within each class: nearer to another hospital.
    ColourClusters {
        /// Number of folds.
        folds: usize,
        /// Seed.
        seed: u64,
    },
    /// As a file says, line by line.
    List {
        /// The file.
        path: std::path::PathBuf,
    },
}

/// Indices of examples by what they are for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Parts {
    /// To train on.
    pub train: Vec<usize>,
    /// To choose settings, stop and calibrate by.
    pub validation: Vec<usize>,
    /// To measure on, and nothing else; may be empty.
    pub test: Vec<usize>,
}

impl Parts {
    /// Fold `test` to measure on, the fold after it to choose by, the others to train on. With two
    /// folds there is no test part: fold 1 is the validation part.
    ///
    /// # Errors
    /// When there are fewer than two folds, `test` is none of them, or a part stays empty.
    pub fn from_folds(folds: &[usize], count: usize, test: usize) -> Result<Self> {
        if count < 2 || test >= count {
            let what = format!("fold {test} of {count}: at least two folds are needed");
            return Err(LesionError::Setting(what));
        }
        let (test, validation) =
            if count == 2 { (None, 1 - test) } else { (Some(test), (test + 1) % count) };
        let mut parts = Self::default();
        for (index, fold) in folds.iter().enumerate() {
            if Some(*fold) == test {
                parts.test.push(index);
            } else if *fold == validation {
                parts.validation.push(index);
            } else {
                parts.train.push(index);
            }
        }
        parts.check()
    }

    /// Refuses parts that cannot be trained on.
    pub(crate) fn check(self) -> Result<Self> {
        if self.train.is_empty() || self.validation.is_empty() {
            let (train, validation) = (self.train.len(), self.validation.len());
            return Err(LesionError::Data(format!(
                "{train} examples to train on and {validation} to choose by: both are needed"
            )));
        }
        Ok(self)
    }
}

/// Folds 0 to `folds - 1`, each with the same share of every class.
///
/// # Errors
/// When there are fewer than two folds.
pub fn random_folds(labels: &[usize], folds: usize, seed: u64) -> Result<Vec<usize>> {
    check_folds(folds)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut assigned = vec![0; labels.len()];
    for class in 0..labels.iter().max().map_or(0, |most| most + 1) {
        let mut members: Vec<usize> = (0..labels.len()).filter(|i| labels[*i] == class).collect();
        members.shuffle(&mut random);
        for (place, member) in members.into_iter().enumerate() {
            assigned[member] = place % folds;
        }
    }
    Ok(assigned)
}

/// Folds 0 to `folds - 1` that keep groups (slides, patients) whole: the largest groups first,
/// each into the fold that has the fewest examples. Of equals the seed decides.
///
/// # Errors
/// When there are fewer than two folds, or fewer groups than folds.
pub fn group_folds(groups: &[usize], folds: usize, seed: u64) -> Result<Vec<usize>> {
    check_folds(folds)?;
    let mut sizes = vec![0_usize; groups.iter().max().map_or(0, |most| most + 1)];
    groups.iter().for_each(|group| sizes[*group] += 1);
    let mut order: Vec<usize> = (0..sizes.len()).filter(|group| sizes[*group] > 0).collect();
    if order.len() < folds {
        let what = format!("{} slides cannot be divided into {folds} folds", order.len());
        return Err(LesionError::Data(what));
    }
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order.sort_by_key(|group| std::cmp::Reverse(sizes[*group]));
    let mut fold_of = vec![0; sizes.len()];
    let mut filled = vec![0_usize; folds];
    for group in order {
        let smallest = (0..folds).min_by_key(|fold| filled[*fold]).unwrap_or(0);
        fold_of[group] = smallest;
        filled[smallest] += sizes[group];
    }
    Ok(groups.iter().map(|group| fold_of[*group]).collect())
}

fn check_folds(folds: usize) -> Result<()> {
    if (2..=1000).contains(&folds) {
        Ok(())
    } else {
        Err(LesionError::Setting(format!("{folds} folds: 2 to 1000 are possible")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_follow_the_folds() {
        let parts = Parts::from_folds(&[0, 1, 2, 0, 1, 2], 3, 2).unwrap();
        assert_eq!(
            (parts.test, parts.validation, parts.train),
            (vec![2, 5], vec![0, 3], vec![1, 4])
        );
        let parts = Parts::from_folds(&[0, 1], 2, 0).unwrap();
        assert_eq!((parts.test, parts.validation, parts.train), (vec![], vec![1], vec![0]));
        assert!(Parts::from_folds(&[0, 0], 2, 0).is_err());
        assert!(Parts::from_folds(&[], 3, 0).is_err());
        assert!(Parts::from_folds(&[0, 1], 1, 0).is_err());
        assert!(Parts::from_folds(&[0, 1], 3, 3).is_err());
    }

    #[test]
    fn groups_stay_whole() {
        let groups = [0, 0, 0, 1, 1, 2, 3, 3, 3, 3];
        let folds = group_folds(&groups, 2, 1).unwrap();
        for (a, b) in groups
            .iter()
            .zip(&groups[1..])
            .enumerate()
            .filter(|(_, (a, b))| a == b)
            .map(|(i, _)| (i, i + 1))
        {
            assert_eq!(folds[a], folds[b]);
        }
        assert_eq!(folds.iter().filter(|fold| **fold == 0).count(), 5);
        assert!(group_folds(&[0, 0], 2, 1).is_err());
    }

    proptest! {
        #[test]
        fn random_folds_are_even_in_every_class(
            labels in proptest::collection::vec(0_usize..4, 1..80), folds in 2_usize..6, seed in 0_u64..9
        ) {
            let assigned = random_folds(&labels, folds, seed).unwrap();
            prop_assert_eq!(&assigned, &random_folds(&labels, folds, seed).unwrap());
            for class in 0..4 {
                let count = |fold| {
                    (0..labels.len()).filter(|i| labels[*i] == class && assigned[*i] == fold).count()
                };
                let counts: Vec<usize> = (0..folds).map(count).collect();
                let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                prop_assert!(most - least <= 1);
            }
        }
    }
}
