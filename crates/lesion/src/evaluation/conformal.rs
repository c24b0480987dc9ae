//! Abstention with a promise: say one class only where the others can be excluded.
//!
//! Split conformal prediction, class by class (Vovk 2012): a class is excluded for a slide when
//! its probability there is lower than that of all but a share `alpha` of the calibration slides
//! that are of this class. If calibration and use are alike, the true class is excluded in at most
//! a share `alpha` of slides, whichever class it is. Whether a scanner or a site is alike is what
//! the groups show.

use serde::{Deserialize, Serialize};

/// What came of abstention on some slides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbstentionGroup {
    /// What the slides have in common: `all`, a class, a site or a scanner.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Slides.
    pub slides: usize,
    /// Slides whose true class was not excluded.
    pub covered: usize,
    /// The share of these; at least `1 - alpha` is promised.
    pub coverage: f64,
    /// The interval of the coverage (Wilson 1927, 95 %).
    pub interval: (f64, f64),
    /// Slides of which one class was said.
    pub decided: usize,
    /// Of these, slides of which the wrong class was said.
    pub wrong: usize,
    /// Whether the promise is broken beyond chance: even the interval's upper end lies below it.
    pub broken: bool,
}

/// Per class, the lowest probability that does not exclude it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConformalThresholds(Vec<f64>);

impl ConformalThresholds {
    /// From calibration slides: their probabilities and true classes. A class with fewer than
    /// `1 / alpha - 1` calibration slides is never excluded.
    #[must_use]
    pub fn fit(rows: &[&Vec<f64>], truth: &[usize], classes: usize, alpha: f64) -> Self {
        let threshold = |class: usize| {
            let own = rows.iter().zip(truth).filter(|(_, truth)| **truth == class);
            let mut own: Vec<f64> = own.map(|(row, _)| row[class]).collect();
            own.sort_by(f64::total_cmp);
            // So many of the lowest may be excluded; rounding guards against 1/10 times 10.
            let few = (alpha * (own.len() + 1) as f64 + 1e-9).floor() as usize;
            if few == 0 { 0.0 } else { own[few - 1] }
        };
        Self((0..classes).map(threshold).collect())
    }

    /// Thresholds that were kept.
    pub(crate) fn of(lowest: Vec<f64>) -> Self {
        Self(lowest)
    }

    /// By class, the lowest probability that does not exclude it.
    pub(crate) fn lowest(&self) -> &[f64] {
        &self.0
    }

    /// The classes that are not excluded.
    #[must_use]
    pub fn possible(&self, row: &[f64]) -> Vec<usize> {
        let kept = row.iter().zip(&self.0).enumerate().filter(|(_, (p, least))| *p >= *least);
        kept.map(|(class, _)| class).collect()
    }
}

/// Counts what came of abstention; `None` of no slides.
pub(super) fn group(
    group: &str,
    name: &str,
    slides: &[(usize, &[usize])],
    alpha: f64,
) -> Option<AbstentionGroup> {
    if slides.is_empty() {
        return None;
    }
    let covered = slides.iter().filter(|(truth, possible)| possible.contains(truth)).count();
    let decided = slides.iter().filter(|(_, possible)| possible.len() == 1);
    let wrong = decided.clone().filter(|(truth, possible)| possible[0] != *truth).count();
    let interval = wilson(covered, slides.len());
    Some(AbstentionGroup {
        group: group.into(),
        name: name.into(),
        slides: slides.len(),
        covered,
        coverage: covered as f64 / slides.len() as f64,
        interval,
        decided: decided.count(),
        wrong,
        broken: interval.1 < 1.0 - alpha,
    })
}

/// The 95 % interval of a share (Wilson 1927).
#[must_use]
pub fn wilson(of: usize, all: usize) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (all as f64, 1.959_963_984_540_054);
    let share = of as f64 / n;
    let middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::mixed;

    fn slide(seed: u64) -> (Vec<f64>, usize) {
        let number = |n: u64| (mixed(seed * 10 + n) % 10_000) as f64 / 10_000.0;
        let truth = usize::from(number(0) < 0.3);
        let right = 0.35 + 0.65 * number(1);
        let row = if truth == 0 { vec![right, 1.0 - right] } else { vec![1.0 - right, right] };
        (row, truth)
    }

    #[test]
    fn the_promise_is_kept_for_every_class() {
        let slides: Vec<(Vec<f64>, usize)> = (0..6000).map(slide).collect();
        let (fit, held) = slides.split_at(3000);
        let rows: Vec<&Vec<f64>> = fit.iter().map(|(row, _)| row).collect();
        let truth: Vec<usize> = fit.iter().map(|(_, truth)| *truth).collect();
        let thresholds = ConformalThresholds::fit(&rows, &truth, 2, 0.1);
        for class in 0..2 {
            let own: Vec<Vec<usize>> = held
                .iter()
                .filter(|(_, truth)| *truth == class)
                .map(|(row, _)| thresholds.possible(row))
                .collect();
            let slides: Vec<(usize, &[usize])> =
                own.iter().map(|possible| (class, possible.as_slice())).collect();
            let found = group("class", "x", &slides, 0.1).unwrap();
            assert!((found.coverage - 0.9).abs() < 0.025 && !found.broken, "{found:?}");
            assert!(found.decided > 0 && found.wrong <= found.slides - found.covered);
        }
    }

    #[test]
    fn too_few_to_calibrate_on_exclude_nothing() {
        let row = vec![0.99, 0.01];
        let thresholds = ConformalThresholds::fit(&[&row; 8], &[0; 8], 2, 0.1);
        assert_eq!(thresholds.possible(&[0.0, 1.0]), [0, 1]);
        let thresholds = ConformalThresholds::fit(&[&row; 9], &[0; 9], 2, 0.1);
        assert_eq!(thresholds.possible(&[0.5, 0.5]), [1]);
    }

    #[test]
    fn a_broken_promise_is_seen() {
        let possible = [vec![0], vec![1]];
        let slides: Vec<(usize, &[usize])> =
            (0..100).map(|i| (0, possible[usize::from(i % 3 == 0)].as_slice())).collect();
        let found = group("site", "x", &slides, 0.1).unwrap();
        assert!(found.broken && found.wrong == 34, "{found:?}");
        let (low, high) = wilson(81, 263);
        assert!((low - 0.2553).abs() < 1e-3 && (high - 0.3662).abs() < 1e-3);
    }
}
