//! Intervals by resampling patients, since slides of one patient are not independent.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::tape::mixed;

/// A measure with the interval that holds the middle 95 % of resampled cohorts.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// On the slides as they are.
    pub value: f64,
    /// The 2.5th percentile (Efron 1979); absent where fewer than half of the resampled cohorts
    /// had what the measure needs.
    pub low: Option<f64>,
    /// The 97.5th percentile.
    pub high: Option<f64>,
}

/// Cohorts drawn from the patients with replacement.
#[derive(Clone, Debug)]
pub struct PatientBootstrap {
    patients: Vec<Vec<usize>>,
    slides: usize,
    rounds: usize,
    seed: u64,
}

impl PatientBootstrap {
    /// `rounds` cohorts of as many patients as there are; `patient_of` says whose each slide is.
    #[must_use]
    pub fn new(patient_of: &[usize], rounds: usize, seed: u64) -> Self {
        let mut patients: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (slide, patient) in patient_of.iter().enumerate() {
            patients.entry(*patient).or_default().push(slide);
        }
        let patients = patients.into_values().collect();
        Self { patients, slides: patient_of.len(), rounds, seed }
    }

    /// Several measures at once; each gives `None` where slides do not have what it needs. The
    /// outer `None` is a measure that is not defined on the slides as they are.
    pub fn estimates<const N: usize>(
        &self,
        measure: impl Fn(&[usize]) -> [Option<f64>; N] + Sync,
    ) -> [Option<Estimate>; N] {
        let all: Vec<usize> = (0..self.slides).collect();
        let values = measure(&all);
        let drawn = self.rounds(&measure);
        std::array::from_fn(|index| {
            let of = drawn.iter().filter_map(|values| values[index]);
            let (low, high) = self.middle(of.collect());
            values[index].map(|value| Estimate { value, low, high })
        })
    }

    /// The measures on every resampled cohort.
    pub(super) fn rounds<T: Send>(&self, measure: impl Fn(&[usize]) -> T + Sync) -> Vec<T> {
        let draw = |round: usize| {
            let mut random = ChaCha8Rng::seed_from_u64(mixed(self.seed ^ mixed(round as u64)));
            let count = self.patients.len();
            let drawn: Vec<usize> = (0..count)
                .flat_map(|_| &self.patients[random.random_range(0..count)])
                .copied()
                .collect();
            measure(&drawn)
        };
        if self.patients.is_empty() {
            return Vec::new();
        }
        (0..self.rounds).into_par_iter().map(draw).collect()
    }

    /// The percentiles between which the middle 95 % lie.
    pub(super) fn middle(&self, mut values: Vec<f64>) -> (Option<f64>, Option<f64>) {
        if values.is_empty() || 2 * values.len() < self.rounds {
            return (None, None);
        }
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
            Some(below + (above - below) * place.fract())
        };
        (at(0.025), at(0.975))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_as_wide_as_theory_says() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let mean = |slides: &[usize]| {
            let sum: f64 = slides.iter().map(|slide| values[*slide]).sum();
            [Some(sum / slides.len() as f64)]
        };
        let single: Vec<usize> = (0..400).collect();
        let [Some(one)] = PatientBootstrap::new(&single, 2000, 1).estimates(mean) else { panic!() };
        // Standard error 0.025.
        assert!((one.high.unwrap() - one.low.unwrap() - 4.0 * 0.0245).abs() < 0.012, "{one:?}");
        // Slides in pairs of equals: half as many patients, a wider interval.
        let pairs: Vec<usize> = (0..400).map(|slide| slide / 4 * 2 + slide % 2).collect();
        let [Some(two)] = PatientBootstrap::new(&pairs, 2000, 1).estimates(mean) else { panic!() };
        let width = |e: Estimate| e.high.unwrap() - e.low.unwrap();
        assert!(width(two) > 1.25 * width(one), "{one:?} {two:?}");
        let [again] = PatientBootstrap::new(&pairs, 2000, 1).estimates(mean);
        assert_eq!(again, Some(two));
    }

    #[test]
    fn what_is_rarely_defined_has_no_interval() {
        let patients: Vec<usize> = (0..50).collect();
        let rare =
            |slides: &[usize]| [slides.iter().all(|s| *s % 49 < 48).then_some(1.0), Some(2.0)];
        let [first, second] = PatientBootstrap::new(&patients, 100, 1).estimates(rare);
        assert_eq!((first, second.unwrap().low), (None, Some(2.0)));
        let [none] = PatientBootstrap::new(&[], 100, 1).estimates(|_| [Some(1.0)]);
        assert_eq!(none.unwrap().low, None);
    }
}
