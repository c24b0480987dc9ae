//! How honest probabilities are: reliability diagram, and isotonic regression.

use serde::{Deserialize, Serialize};

/// Slides whose most probable class was about equally probable.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Probabilities above this.
    pub from: f64,
    /// And to this.
    pub to: f64,
    /// Slides.
    pub slides: usize,
    /// Mean probability of what was said.
    pub claimed: f64,
    /// Share in which it was right.
    pub right: f64,
}

/// A reliability diagram (DeGroot and Fienberg 1983) with its mean gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Bins of equal width that have slides.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: the mean gap between claimed and right, weighted by slides
    /// (Guo et al. 2017).
    pub ece: f64,
    /// Mean of minus the natural logarithm of the true class's probability.
    pub log_loss: f64,
    /// Mean over slides of the summed squared differences to the truth, 0 to 2 (Brier 1950).
    pub brier: f64,
}

/// Bins of equal width.
const BINS: usize = 10;
/// Smallest probability that a logarithm is taken of.
const LEAST: f64 = 1e-7;

/// Measures probabilities, a row a slide, against true classes. `None` of no slides.
#[must_use]
pub fn reliability(rows: &[Vec<f64>], truth: &[usize]) -> Option<Reliability> {
    if rows.is_empty() || rows.len() != truth.len() {
        return None;
    }
    let mut sums = [(0_usize, 0.0, 0.0); BINS];
    let (mut log_loss, mut brier) = (0.0, 0.0);
    for (row, truth) in rows.iter().zip(truth) {
        let best = most_probable(row);
        // Open below and closed above.
        let bin = ((row[best] * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let right = f64::from(u8::from(best == *truth));
        sums[bin] = (sums[bin].0 + 1, sums[bin].1 + row[best], sums[bin].2 + right);
        log_loss -= row[*truth].max(LEAST).ln();
        brier += row
            .iter()
            .enumerate()
            .map(|(class, p)| (p - f64::from(u8::from(class == *truth))).powi(2))
            .sum::<f64>();
    }
    let count = rows.len() as f64;
    let gap = sums.iter().map(|(_, claimed, right)| (claimed - right).abs()).sum::<f64>();
    let width = 1.0 / BINS as f64;
    let bins = sums.iter().enumerate().filter(|(_, (slides, ..))| *slides > 0);
    let bins = bins
        .map(|(index, (slides, claimed, right))| ReliabilityBin {
            from: index as f64 * width,
            to: (index + 1) as f64 * width,
            slides: *slides,
            claimed: claimed / *slides as f64,
            right: right / *slides as f64,
        })
        .collect();
    Some(Reliability { bins, ece: gap / count, log_loss: log_loss / count, brier: brier / count })
}

/// The most probable class; of equals the first.
pub(super) fn most_probable(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
}

/// The rising step function of least squares through points (pool adjacent violators: Ayer et al.
/// 1955), linear between its places and level beyond them.
#[derive(Clone, Debug, PartialEq)]
pub struct Isotonic {
    places: Vec<f64>,
    values: Vec<f64>,
}

impl Isotonic {
    /// Fits the truth of scores; equal scores are one place. `None` of no scores.
    #[must_use]
    pub fn fit(scores: &[f64], truth: &[bool]) -> Option<Self> {
        let mut order: Vec<usize> = (0..scores.len().min(truth.len())).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        // Blocks: first and last score, sum of truth, count.
        let mut blocks: Vec<(f64, f64, f64, f64)> = Vec::new();
        for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
            let sum = group.iter().filter(|index| truth[**index]).count() as f64;
            let score = scores[group[0]];
            blocks.push((score, score, sum, group.len() as f64));
            while let [.., (first, _, a, n), (_, last, b, m)] = blocks[..] {
                if a / n < b / m {
                    break;
                }
                blocks.truncate(blocks.len() - 2);
                blocks.push((first, last, a + b, n + m));
            }
        }
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for (first, last, sum, count) in blocks {
            places.push(first);
            values.push(sum / count);
            if last > first {
                places.push(last);
                values.push(sum / count);
            }
        }
        (!places.is_empty()).then_some(Self { places, values })
    }

    /// The calibrated score.
    #[must_use]
    pub fn value(&self, score: f64) -> f64 {
        let above = self.places.partition_point(|place| *place < score);
        match (above.checked_sub(1), self.places.get(above)) {
            (None, _) => self.values[0],
            (Some(below), None) => self.values[below],
            (Some(below), Some(place)) => {
                let share = (score - self.places[below]) / (place - self.places[below]);
                self.values[below] + share * (self.values[above] - self.values[below])
            }
        }
    }
}

/// One isotonic fit a class against the others, made to sum to 1 again.
pub(super) struct IsotonicRows(Vec<Option<Isotonic>>);

impl IsotonicRows {
    pub(super) fn fit(rows: &[&Vec<f64>], truth: &[usize]) -> Self {
        let classes = rows.first().map_or(0, |row| row.len());
        let class = |class: usize| {
            let scores: Vec<f64> = rows.iter().map(|row| row[class]).collect();
            let is: Vec<bool> = truth.iter().map(|truth| *truth == class).collect();
            Isotonic::fit(&scores, &is)
        };
        Self((0..classes).map(class).collect())
    }

    pub(super) fn apply(&self, row: &[f64]) -> Vec<f64> {
        let fitted = row.iter().zip(&self.0);
        let values: Vec<f64> =
            fitted.map(|(p, fit)| fit.as_ref().map_or(*p, |fit| fit.value(*p))).collect();
        let sum: f64 = values.iter().sum();
        if sum > 0.0 { values.iter().map(|value| value / sum).collect() } else { row.to_vec() }
    }
}

/// `softmax(ln(p) / temperature)`.
pub(super) fn cooled(row: &[f64], temperature: f64) -> Vec<f64> {
    let logits: Vec<f64> = row.iter().map(|p| p.max(LEAST).ln() / temperature).collect();
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Logits of probabilities, as temperature scaling takes them.
pub(super) fn logits(row: &[f64]) -> impl Iterator<Item = f32> + '_ {
    row.iter().map(|p| p.max(LEAST).ln() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_values() {
        let rows = [vec![0.95, 0.05], vec![0.92, 0.08], vec![0.35, 0.65], vec![0.6, 0.4]];
        let measured = reliability(&rows, &[0, 1, 1, 0]).unwrap();
        assert_eq!(measured.bins.len(), 3);
        let last = measured.bins[2];
        assert_eq!((last.slides, last.right), (2, 0.5));
        // |1.87 - 1| + |0.65 - 1| + |0.6 - 1| over 4.
        assert!((measured.ece - (0.87 + 0.35 + 0.4) / 4.0).abs() < 1e-9, "{measured:?}");
        assert_eq!(reliability(&[], &[]), None);
    }

    #[test]
    fn isotonic_pools_what_falls() {
        let fit = Isotonic::fit(&[1.0, 2.0, 3.0, 4.0], &[false, true, false, true]).unwrap();
        assert_eq!([1.0, 2.0, 3.0, 4.0].map(|x| fit.value(x)), [0.0, 0.5, 0.5, 1.0]);
        assert_eq!((fit.value(0.0), fit.value(9.0), fit.value(3.5)), (0.0, 1.0, 0.75));
        assert_eq!(Isotonic::fit(&[], &[]), None);
        let rows = [vec![0.2, 0.8], vec![0.9, 0.1]];
        let fit = IsotonicRows::fit(&rows.iter().collect::<Vec<_>>(), &[1, 0]);
        assert_eq!(fit.apply(&rows[0]), [0.0, 1.0]);
    }

    #[test]
    fn cooling_by_one_changes_nothing() {
        let row = cooled(&[0.2, 0.3, 0.5], 1.0);
        assert!(row.iter().zip([0.2, 0.3, 0.5]).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(cooled(&[0.2, 0.8], 2.0)[1] < 0.8);
    }
}
