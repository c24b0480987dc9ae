//! Temperature scaling (Guo et al. 2017): one number that makes probabilities honest.

use crate::error::{LesionError, Result};

/// The range in which a temperature is sought. A head that separates its validation part without
/// an error has no best temperature; it gets the lower end.
const RANGE: (f64, f64) = (0.1, 10.0);

/// The temperature at which `softmax(logits / temperature)` has the lowest mean log loss.
///
/// The loss is convex in `1 / temperature`, so the zero of its derivative is found by bisection.
///
/// # Errors
/// When there are no examples, or numbers and classes do not fit.
pub fn fit_temperature(logits: &[f32], labels: &[usize], classes: usize) -> Result<f64> {
    if labels.is_empty() || classes == 0 || logits.len() != labels.len() * classes {
        let what = "calibration needs a validation part with one row of logits an example";
        return Err(LesionError::Data(what.into()));
    }
    if labels.iter().any(|label| *label >= classes) {
        return Err(LesionError::Data(format!("a label is none of {classes} classes")));
    }
    let (mut low, mut high) = (1.0 / RANGE.1, 1.0 / RANGE.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if slope(logits, labels, classes, middle) > 0.0 { high = middle } else { low = middle }
    }
    Ok(1.0 / f64::midpoint(low, high))
}

/// Whether a temperature lies at an end of the range: the true one may lie beyond.
pub(crate) fn at_the_end(temperature: f64) -> bool {
    temperature <= RANGE.0 * 1.01 || temperature >= RANGE.1 * 0.99
}

/// The derivative of the summed log loss by the inverse temperature: expected minus true logit.
fn slope(logits: &[f32], labels: &[usize], classes: usize, inverse: f64) -> f64 {
    let example = |(row, label): (&[f32], &usize)| {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: f32| (f64::from(logit - top) * inverse).exp();
        let sum: f64 = row.iter().map(|logit| weight(*logit)).sum();
        let expected: f64 = row.iter().map(|logit| weight(*logit) * f64::from(logit - top)).sum();
        expected / sum - f64::from(row[*label] - top)
    };
    logits.chunks_exact(classes).zip(labels).map(example).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overconfident_head_is_cooled_to_its_true_rate() {
        // Logit difference 4 claims 98 %; it is right in 3 of 4. True difference: ln 3.
        let logits: Vec<f32> = [4.0, 0.0].repeat(400);
        let labels: Vec<usize> = (0..400).map(|i| usize::from(i % 4 == 0)).collect();
        let temperature = fit_temperature(&logits, &labels, 2).unwrap();
        assert!((temperature - 4.0 / 3.0_f64.ln()).abs() < 1e-6, "{temperature}");
    }

    #[test]
    fn a_head_without_an_error_gets_the_end_of_the_range() {
        let logits = [1.0, 0.0, 0.0, 1.0];
        let temperature = fit_temperature(&logits, &[0, 1], 2).unwrap();
        assert!((temperature - RANGE.0).abs() < 1e-6);
        assert!(at_the_end(temperature) && !at_the_end(1.0));
    }

    #[test]
    fn nothing_to_calibrate_on_is_said() {
        assert!(fit_temperature(&[], &[], 2).is_err());
        assert!(fit_temperature(&[0.0, 1.0], &[2], 2).is_err());
        assert!(fit_temperature(&[0.0], &[0], 2).is_err());
    }
}
