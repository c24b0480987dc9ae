//! Recalibration, measured on patients that it was not fitted on.

use serde::{Deserialize, Serialize};

use super::{
    calibration::fit_temperature,
    reliability::{IsotonicRows, Reliability, cooled, logits, reliability},
};
use crate::{error::Result, splits::patient_folds};

/// Folds of patients among which calibration is fitted and measured in turn.
const FOLDS: usize = 5;

/// How honest probabilities are, as they are and recalibrated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// As they are.
    pub given: Reliability,
    /// Divided by a temperature that the other folds' patients chose.
    pub temperature: Reliability,
    /// By isotonic regression, a class against the others, on the other folds' patients.
    pub isotonic: Reliability,
    /// The temperature on all slides.
    pub best_temperature: f64,
}

/// Folds of whole patients; `None` where there are too few.
pub(super) fn folds(patient_of: &[usize], truth: &[usize], seed: u64) -> Option<Vec<usize>> {
    let mut patients = patient_of.to_vec();
    patients.sort_unstable();
    patients.dedup();
    (patients.len() >= 2 * FOLDS)
        .then(|| patient_folds(patient_of, truth, FOLDS, seed).ok())
        .flatten()
}

pub(super) fn calibration(
    rows: &[Vec<f64>],
    truth: &[usize],
    folds: &[usize],
) -> Result<Option<Calibration>> {
    let classes = rows.first().map_or(0, Vec::len);
    let (mut warm, mut risen) = (rows.to_vec(), rows.to_vec());
    for fold in 0..FOLDS {
        let others = || (0..rows.len()).filter(|slide| folds[*slide] != fold);
        let own_truth: Vec<usize> = others().map(|slide| truth[slide]).collect();
        let own_logits: Vec<f32> = others().flat_map(|slide| logits(&rows[slide])).collect();
        let temperature = fit_temperature(&own_logits, &own_truth, classes)?;
        let own_rows: Vec<&Vec<f64>> = others().map(|slide| &rows[slide]).collect();
        let isotonic = IsotonicRows::fit(&own_rows, &own_truth);
        for slide in (0..rows.len()).filter(|slide| folds[*slide] == fold) {
            warm[slide] = cooled(&rows[slide], temperature);
            risen[slide] = isotonic.apply(&rows[slide]);
        }
    }
    let all: Vec<f32> = rows.iter().flat_map(|row| logits(row)).collect();
    let best_temperature = fit_temperature(&all, truth, classes)?;
    let measured =
        (reliability(rows, truth), reliability(&warm, truth), reliability(&risen, truth));
    Ok(match measured {
        (Some(given), Some(temperature), Some(isotonic)) => {
            Some(Calibration { given, temperature, isotonic, best_temperature })
        }
        _ => None,
    })
}
