//! Folds and parts that keep patients whole.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Parts, check_folds};
use crate::error::{LesionError, Result};

/// Folds 0 to `folds - 1` that keep patients whole and give each fold the same share of patients
/// of every stratum, as nearly as whole patients allow. A patient whose slides are of several
/// strata counts to the highest.
///
/// # Errors
/// When there are fewer than two folds, or fewer patients than folds.
pub fn patient_folds(
    patients: &[usize],
    strata: &[usize],
    folds: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    check_folds(folds)?;
    let mut of_patient: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (patient, stratum) in patients.iter().zip(strata) {
        let own = of_patient.entry(*patient).or_insert((*stratum, 0));
        *own = (own.0.max(*stratum), own.1 + 1);
    }
    if of_patient.len() < folds {
        return Err(LesionError::Data(format!(
            "{} patients cannot be divided into {folds} folds; take fewer",
            of_patient.len()
        )));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut fold_of = BTreeMap::new();
    let mut slides = vec![0_usize; folds];
    let mut by_stratum: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (patient, (stratum, count)) in of_patient {
        by_stratum.entry(stratum).or_default().push((patient, count));
    }
    for mut members in by_stratum.into_values() {
        members.shuffle(&mut random);
        let mut own = vec![0_usize; folds];
        for (patient, count) in members {
            let fold = (0..folds).min_by_key(|fold| (own[*fold], slides[*fold])).unwrap_or(0);
            own[fold] += 1;
            slides[fold] += count;
            fold_of.insert(patient, fold);
        }
    }
    Ok(patients.iter().map(|patient| fold_of[patient]).collect())
}

/// Refuses parts that share a patient.
pub(crate) fn check_patients(parts: &Parts, patients: &[usize], names: &[String]) -> Result<()> {
    let mut part_of: BTreeMap<usize, &str> = BTreeMap::new();
    let lists = [("train", &parts.train), ("validation", &parts.validation), ("test", &parts.test)];
    for (part, slides) in lists {
        for slide in slides {
            let before = *part_of.entry(patients[*slide]).or_insert(part);
            if before != part {
                return Err(LesionError::Data(format!(
                    "patient '{}' has slides in the parts {before} and {part}; all of a \
                     patient's slides must be in one",
                    names[patients[*slide]]
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn patients_stay_whole_and_strata_are_even(
            slides in proptest::collection::vec((0_usize..30, 0_usize..3), 60..120),
            folds in 2_usize..6, seed in 0_u64..9
        ) {
            let patients: Vec<usize> = slides.iter().map(|(patient, _)| *patient).collect();
            // A patient has one stratum here, so that evenness can be counted.
            let strata: Vec<usize> = patients.iter().map(|patient| patient % 3).collect();
            let assigned = patient_folds(&patients, &strata, folds, seed).unwrap();
            prop_assert_eq!(&assigned, &patient_folds(&patients, &strata, folds, seed).unwrap());
            let mut fold_of = BTreeMap::new();
            for (patient, fold) in patients.iter().zip(&assigned) {
                prop_assert_eq!(*fold_of.entry(*patient).or_insert(*fold), *fold);
            }
            for stratum in 0..3 {
                let count = |fold| {
                    fold_of.iter().filter(|(p, f)| **p % 3 == stratum && **f == fold).count()
                };
                let counts: Vec<usize> = (0..folds).map(count).collect();
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn a_patient_in_two_parts_is_refused_by_name() {
        let names = ["x".to_owned(), "y".to_owned()];
        let parts = Parts { train: vec![0], validation: vec![2], test: vec![1] };
        assert!(
            check_patients(&parts, &[0, 1, 1], &names).unwrap_err().to_string().contains("'y'")
        );
        assert!(check_patients(&parts, &[0, 1, 0], &names).is_err());
        let whole = Parts { train: vec![0], validation: vec![], test: vec![1, 2] };
        assert!(check_patients(&whole, &[0, 1, 1], &names).is_ok());
        assert!(patient_folds(&[0, 0], &[0, 1], 2, 1).is_err());
    }
}
