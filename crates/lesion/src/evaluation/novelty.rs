//! How far slides lie from those that a head was trained on: beyond them its probabilities mean
//! nothing, however certain they look.
//!
//! The distance is Mahalanobis's between a slide's mean features and the training slides', each
//! feature first divided by its deviation, the covariance shrunk towards a multiple of the unit
//! matrix by as much as Ledoit and Wolf (2004) found best. There are more features than slides, so
//! all is computed on the slides' inner products: no matrix of features by features.

use std::collections::{BTreeMap, BTreeSet};

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{auroc::auroc, novelty_model::NoveltyModel};
use crate::{
    error::{LesionError, Result},
    matrix::FeatureMatrix,
    splits::patient_folds,
};

/// Folds of patients by which training slides are measured as if they were new.
const FOLDS: usize = 5;
/// Share of training slides that may lie beyond the limit.
const BEYOND: f64 = 0.05;
/// Most slides that a model is made of; of more a fixed sample.
const MOST: usize = 2000;

/// Slides that have something in common, measured from the training slides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoveltyGroup {
    /// A site's name, or `all`.
    pub name: String,
    /// Slides.
    pub slides: usize,
    /// Slides beyond the limit.
    pub beyond: usize,
    /// How well the distance alone tells these slides from training slides: 0.5 not at all.
    pub auroc: Option<f64>,
}

/// How far slides lie from the training slides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Novelty {
    /// Training slides that distances are measured from.
    pub training_slides: usize,
    /// The distance beyond which a slide is unlike them: all but one in twenty of the training
    /// slides, each measured from other patients', lie nearer.
    pub limit: f64,
    /// How much the covariance was shrunk, 0 to 1.
    pub shrinkage: f64,
    /// All slides, then by site.
    pub groups: Vec<NoveltyGroup>,
    /// The distance of each slide, in their order.
    pub distances: Vec<f64>,
}

/// Measures slides from training slides; `sites` may name where each is from.
///
/// # Errors
/// When numbers do not fit or there are training slides of fewer than ten patients.
pub fn novelty(
    training: &FeatureMatrix,
    training_patients: &[usize],
    slides: &FeatureMatrix,
    sites: &[Option<String>],
    seed: u64,
) -> Result<Novelty> {
    of_enough_patients(training.rows(), training_patients)?;
    if slides.rows() != sites.len() {
        let what = format!("{} slides and {} sites", slides.rows(), sites.len());
        return Err(LesionError::Data(what));
    }
    if training.dimension() != slides.dimension() {
        let (expected, actual) = (training.dimension(), slides.dimension());
        return Err(LesionError::Dimension { expected, actual });
    }
    let chosen = sample(training.rows(), seed);
    let training = training.select(&chosen);
    let training_patients: Vec<usize> = chosen.iter().map(|i| training_patients[*i]).collect();
    let known = as_if_new(&training, &training_patients, seed)?;
    let model = NoveltyModel::fit(&training)?;
    let limit = limit(&known);
    let distances = measured(&model, slides, &(0..slides.rows()).collect::<Vec<_>>());
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (slide, site) in sites.iter().enumerate() {
        if let Some(site) = site {
            members.entry(site).or_default().push(slide);
        }
    }
    let group = |name: &str, own: &[usize]| {
        let scores: Vec<f64> = own.iter().map(|slide| distances[*slide]).collect();
        let beyond = scores.iter().filter(|distance| **distance > limit).count();
        let new: Vec<bool> = (0..own.len() + known.len()).map(|i| i < own.len()).collect();
        let auroc = auroc(&[&scores[..], &known].concat(), &new);
        NoveltyGroup { name: name.into(), slides: own.len(), beyond, auroc }
    };
    let mut groups = vec![group("all", &(0..slides.rows()).collect::<Vec<_>>())];
    if members.len() > 1 {
        groups.extend(members.iter().map(|(name, own)| group(name, own)));
    }
    Ok(Novelty {
        training_slides: training.rows(),
        limit,
        shrinkage: model.shrinkage(),
        groups,
        distances,
    })
}

/// Refuses to measure distances from slides of too few patients.
pub(super) fn of_enough_patients(slides: usize, patient_of: &[usize]) -> Result<()> {
    let patients: BTreeSet<usize> = patient_of.iter().copied().collect();
    if slides == patient_of.len() && patients.len() >= 2 * FOLDS {
        return Ok(());
    }
    Err(LesionError::Data(format!(
        "{} patients to measure distances from: ten at least are needed",
        patients.len()
    )))
}

/// Every site's slides, measured from those of the other sites.
///
/// # Errors
/// As [`novelty`].
pub fn site_novelty(
    vectors: &FeatureMatrix,
    sites: &[String],
    patients: &[usize],
    seed: u64,
) -> Result<Vec<NoveltyGroup>> {
    let names: BTreeSet<&String> = sites.iter().collect();
    if names.len() < 2 {
        return Err(LesionError::Data("one site only: there is no other to measure from".into()));
    }
    let one = |name: &&String| {
        let of = |own: bool| -> Vec<usize> {
            (0..sites.len()).filter(|slide| (sites[*slide] == **name) == own).collect()
        };
        let (own, rest) = (of(true), of(false));
        let others: Vec<usize> = rest.iter().map(|slide| patients[*slide]).collect();
        let unnamed = vec![None; own.len()];
        let found =
            novelty(&vectors.select(&rest), &others, &vectors.select(&own), &unnamed, seed)?;
        let all = found.groups.into_iter().next();
        Ok(all.map(|group| NoveltyGroup { name: (*name).clone(), ..group }))
    };
    let found: Vec<Option<NoveltyGroup>> = names.iter().map(one).collect::<Result<_>>()?;
    Ok(found.into_iter().flatten().collect())
}

pub(super) fn sample(count: usize, seed: u64) -> Vec<usize> {
    if count <= MOST {
        return (0..count).collect();
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen = index::sample(&mut random, count, MOST).into_vec();
    chosen.sort_unstable();
    chosen
}

fn measured(model: &NoveltyModel, vectors: &FeatureMatrix, rows: &[usize]) -> Vec<f64> {
    rows.par_iter().map(|row| model.squared_distance(vectors.row(*row)).sqrt()).collect()
}

/// The distance of each training slide from those of the other folds' patients.
fn as_if_new(vectors: &FeatureMatrix, patients: &[usize], seed: u64) -> Result<Vec<f64>> {
    as_if_new_by(vectors, patients, seed, |others, own| {
        Ok(measured(&NoveltyModel::fit(others)?, vectors, own))
    })
}

/// The same by any measure, which is given the other folds' slides and the places of the fold's own.
pub(super) fn as_if_new_by(
    vectors: &FeatureMatrix,
    patients: &[usize],
    seed: u64,
    measure: impl Fn(&FeatureMatrix, &[usize]) -> Result<Vec<f64>>,
) -> Result<Vec<f64>> {
    let folds = patient_folds(patients, &vec![0; patients.len()], FOLDS, seed)?;
    let mut distances = vec![0.0; patients.len()];
    for fold in 0..FOLDS {
        let (own, others): (Vec<usize>, Vec<usize>) =
            (0..patients.len()).partition(|slide| folds[*slide] == fold);
        let found = measure(&vectors.select(&others), &own)?;
        own.iter().zip(found).for_each(|(slide, distance)| distances[*slide] = distance);
    }
    Ok(distances)
}

/// The distance that all but one in twenty keep within, counted as conformal prediction counts.
pub(super) fn limit(known: &[f64]) -> f64 {
    let mut sorted = known.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = ((1.0 - BEYOND) * (sorted.len() + 1) as f64).ceil() as usize;
    sorted[place.min(sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::mixed;

    fn slides(count: usize, dimension: usize, shift: f32, seed: u64) -> FeatureMatrix {
        let value = |i: usize| {
            let noise = (mixed(seed * 1_000_000 + i as u64) % 2000) as f32 / 1000.0 - 1.0;
            noise + if i.is_multiple_of(3) { shift } else { 0.0 }
        };
        FeatureMatrix::new(dimension, (0..count * dimension).map(value).collect()).unwrap()
    }

    #[test]
    fn alike_slides_are_within_and_others_beyond() {
        let training = slides(120, 30, 0.0, 1);
        let patients: Vec<usize> = (0..120).map(|slide| slide / 2).collect();
        let all = |shift, seed| {
            let new = slides(60, 30, shift, seed);
            novelty(&training, &patients, &new, &vec![None; 60], 1).unwrap()
        };
        let alike = all(0.0, 2);
        let auroc = alike.groups[0].auroc.unwrap();
        assert!((0.35..0.65).contains(&auroc) && alike.groups[0].beyond < 12, "{alike:?}");
        let other = all(0.9, 3);
        assert!(other.groups[0].auroc.unwrap() > 0.95 && other.groups[0].beyond > 45, "{other:?}");
    }

    #[test]
    fn the_site_that_differs_is_told_apart() {
        let mut vectors = slides(80, 30, 0.0, 1);
        vectors.append(&slides(40, 30, 0.9, 2)).unwrap();
        let sites: Vec<String> =
            (0..120).map(|slide| ["north", "south", "west"][slide / 40].to_owned()).collect();
        let found = site_novelty(&vectors, &sites, &(0..120).collect::<Vec<_>>(), 1).unwrap();
        let of = |name: &str| found.iter().find(|group| group.name == name).unwrap().auroc.unwrap();
        assert!(of("west") > 0.95 && of("west") > of("north"), "{found:?}");
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let few = slides(9, 4, 0.0, 1);
        let patients: Vec<usize> = (0..9).collect();
        let error = novelty(&few, &patients, &few, &vec![None; 9], 1).unwrap_err().to_string();
        assert!(error.contains("ten at least"), "{error}");
        let training = slides(20, 4, 0.0, 1);
        let patients: Vec<usize> = (0..20).collect();
        let other = slides(2, 5, 0.0, 1);
        assert!(matches!(
            novelty(&training, &patients, &other, &[None, None], 1),
            Err(LesionError::Dimension { .. })
        ));
        // Equal slides have no spread at all.
        let equal = FeatureMatrix::new(4, vec![1.0; 80]).unwrap();
        let found = novelty(&equal, &patients, &training, &vec![None; 20], 1).unwrap();
        assert!(found.distances.iter().all(|distance| distance.is_finite()));
    }
}
