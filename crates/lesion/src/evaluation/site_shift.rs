//! Whether the site can be told from the features: what a head could learn instead of disease.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    agreement::{balanced_accuracy, confusion_counts},
    bootstrap::{Estimate, PatientBootstrap},
};
use crate::{
    error::{LesionError, Result},
    head::{Examples, LogisticSettings, train_logistic},
    matrix::FeatureMatrix,
    splits::patient_folds,
};

/// Folds of patients.
const FOLDS: usize = 5;
/// Strength of the penalty: there are fewer slides than features.
const L2: f64 = 0.1;

/// How well slides' mean features tell the site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteShift {
    /// The sites, in the order of the table.
    pub sites: Vec<String>,
    /// Slides.
    pub slides: usize,
    /// Balanced accuracy of a logistic regression on patients that it had not seen.
    pub balanced_accuracy: Option<Estimate>,
    /// What guessing reaches.
    pub chance: f64,
    /// Slides by site (row) and the site that they were taken for (column).
    pub confusion: Vec<Vec<u64>>,
}

/// Predicts the site of each slide from one vector (the mean of its tiles), by cross-validation
/// over patients.
///
/// # Errors
/// When numbers do not fit, or there are fewer than two sites or ten patients.
pub fn site_shift(
    vectors: &FeatureMatrix,
    sites: &[String],
    patient_of: &[usize],
    rounds: usize,
    seed: u64,
) -> Result<SiteShift> {
    let names: Vec<String> = sites.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let patients: BTreeSet<usize> = patient_of.iter().copied().collect();
    let fits = vectors.rows() == sites.len() && sites.len() == patient_of.len();
    if !fits || names.len() < 2 || patients.len() < 2 * FOLDS {
        return Err(LesionError::Data(format!(
            "{} slides of {} sites and {} patients: to see whether the site can be told, two \
             sites and ten patients are needed",
            sites.len(),
            names.len(),
            patients.len()
        )));
    }
    let place = |site: &String| names.binary_search(site).unwrap_or(0);
    let labels: Vec<usize> = sites.iter().map(place).collect();
    let folds = patient_folds(patient_of, &labels, FOLDS, seed)?;
    let mut said = vec![0; labels.len()];
    for fold in 0..FOLDS {
        let part = |own: bool| -> Vec<usize> {
            (0..labels.len()).filter(|slide| (folds[*slide] == fold) == own).collect()
        };
        let (test, train) = (part(true), part(false));
        // A site whose patients are all held out cannot be said: what is left is renumbered.
        let present: BTreeSet<usize> = train.iter().map(|slide| labels[*slide]).collect();
        let present: Vec<usize> = present.into_iter().collect();
        if present.len() < 2 {
            test.iter().for_each(|slide| said[*slide] = present[0]);
            continue;
        }
        let own = train.iter().map(|s| present.binary_search(&labels[*s]).unwrap_or(0)).collect();
        let examples = Examples::new(vectors.select(&train), own, present.len())?;
        let settings = LogisticSettings { l2: L2, balance: true, iterations: 200 };
        let (head, _) = train_logistic(&examples, &settings)?;
        let probabilities = head.probabilities(&vectors.select(&test), 1.0)?;
        for (row, slide) in test.iter().enumerate() {
            said[*slide] = present[probabilities.prediction(row)];
        }
    }
    let count = names.len();
    let bootstrap = PatientBootstrap::new(patient_of, rounds, seed);
    let [estimate] = bootstrap.estimates(|slides| {
        let truth: Vec<usize> = slides.iter().map(|slide| labels[*slide]).collect();
        let said: Vec<usize> = slides.iter().map(|slide| said[*slide]).collect();
        [balanced_accuracy(&confusion_counts(&truth, &said, count))]
    });
    Ok(SiteShift {
        slides: labels.len(),
        balanced_accuracy: estimate,
        chance: 1.0 / count as f64,
        confusion: confusion_counts(&labels, &said, count),
        sites: names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::mixed;

    fn slides(shift: f32) -> (FeatureMatrix, Vec<String>, Vec<usize>) {
        let sites: Vec<String> = (0..120).map(|slide| format!("site {}", slide / 2 % 3)).collect();
        let value = |index: usize| {
            let (slide, feature) = (index / 8, index % 8);
            let noise = (mixed(index as u64) % 2000) as f32 / 1000.0 - 1.0;
            noise + if feature == slide / 2 % 3 { shift } else { 0.0 }
        };
        let vectors = FeatureMatrix::new(8, (0..120 * 8).map(value).collect()).unwrap();
        (vectors, sites, (0..120).map(|slide| slide / 2).collect())
    }

    #[test]
    fn a_shift_is_found_and_none_is_chance() {
        let (vectors, sites, patients) = slides(3.0);
        let found = site_shift(&vectors, &sites, &patients, 200, 1).unwrap();
        assert!(found.balanced_accuracy.unwrap().value > 0.95, "{found:?}");
        let (vectors, sites, patients) = slides(0.0);
        let found = site_shift(&vectors, &sites, &patients, 200, 1).unwrap();
        let estimate = found.balanced_accuracy.unwrap();
        assert!(estimate.low.unwrap() < found.chance && found.chance < estimate.high.unwrap());
        assert!(site_shift(&vectors, &vec!["x".into(); 120], &patients, 9, 1).is_err());
    }
}
