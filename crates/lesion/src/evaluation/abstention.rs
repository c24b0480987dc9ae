//! Conformal abstention, tried on patients and on sites that it was not calibrated on.

use serde::{Deserialize, Serialize};

use super::{
    conformal::{AbstentionGroup, ConformalThresholds, group},
    slides::members,
};
use crate::{slide_head::SlidePurpose, slide_training::Predictions};

/// What comes of abstention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Abstention {
    /// Largest share of slides whose true class may be excluded.
    pub alpha: f64,
    /// Calibrated on other patients of the same cohort: all slides, by class, by site, by scanner.
    pub other_patients: Vec<AbstentionGroup>,
    /// Calibrated on the other sites (or scanners) only: what a new one would see.
    pub other_sites: Vec<AbstentionGroup>,
}

/// Slides, their true classes, and the folds of their patients.
pub(super) struct Held<'a> {
    pub(super) rows: &'a [Vec<f64>],
    pub(super) truth: &'a [usize],
    pub(super) folds: &'a [usize],
}

impl Held<'_> {
    /// What is possible for `slides` by thresholds of the `others`.
    fn possible(&self, slides: &[usize], others: &[usize], alpha: f64) -> Vec<Vec<usize>> {
        let rows: Vec<&Vec<f64>> = others.iter().map(|slide| &self.rows[*slide]).collect();
        let truth: Vec<usize> = others.iter().map(|slide| self.truth[*slide]).collect();
        let classes = self.rows.first().map_or(0, Vec::len);
        let thresholds = ConformalThresholds::fit(&rows, &truth, classes, alpha);
        slides.iter().map(|slide| thresholds.possible(&self.rows[*slide])).collect()
    }
}

pub(super) fn abstention(
    predictions: &Predictions,
    held: &Held<'_>,
    alpha: f64,
) -> Option<Abstention> {
    let SlidePurpose::Classification { classes } = &predictions.purpose else { return None };
    let all: Vec<usize> = (0..held.rows.len()).collect();
    let mut possible = vec![Vec::new(); all.len()];
    let folds = held.folds.iter().max().map_or(0, |most| most + 1);
    for fold in 0..folds {
        let (own, others): (Vec<usize>, Vec<usize>) =
            all.iter().partition(|slide| held.folds[**slide] == fold);
        for (slide, found) in own.iter().zip(held.possible(&own, &others, alpha)) {
            possible[*slide] = found;
        }
    }
    let counted = |kind: &str, name: &str, slides: &[usize]| {
        let pairs: Vec<(usize, &[usize])> =
            slides.iter().map(|s| (held.truth[*s], possible[*s].as_slice())).collect();
        group(kind, name, &pairs, alpha)
    };
    let mut other_patients: Vec<AbstentionGroup> = counted("all", "", &all).into_iter().collect();
    for (class, name) in classes.iter().enumerate() {
        let own: Vec<usize> = all.iter().copied().filter(|s| held.truth[*s] == class).collect();
        other_patients.extend(counted("class", name, &own));
    }
    let mut other_sites = Vec::new();
    for (kind, of_name) in members(predictions) {
        for (name, slides) in &of_name {
            other_patients.extend(counted(kind, name, slides));
            let others: Vec<usize> = of_name
                .iter()
                .filter(|(own, _)| *own != name)
                .flat_map(|(_, s)| s)
                .copied()
                .collect();
            let found = held.possible(slides, &others, alpha);
            let pairs: Vec<(usize, &[usize])> =
                slides.iter().zip(&found).map(|(s, p)| (held.truth[*s], p.as_slice())).collect();
            other_sites.extend(group(kind, name, &pairs, alpha));
        }
    }
    Some(Abstention { alpha, other_patients, other_sites })
}
