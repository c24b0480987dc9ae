//! How well tiles are classified, and how honest the probabilities are.

use serde::{Deserialize, Serialize};

use super::auroc::auroc;
use crate::{
    error::{LesionError, Result},
    matrix::Probabilities,
};

/// Bins of the expected calibration error.
const BINS: usize = 15;

/// How well tiles of known class are classified. What needs a class without examples is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationMetrics {
    /// Class names, in the order of every list here.
    pub classes: Vec<String>,
    /// Number of tiles.
    pub examples: usize,
    /// Tiles by true class (row) and most probable class (column).
    pub confusion: Vec<Vec<u64>>,
    /// Share of tiles whose most probable class is the true one.
    pub accuracy: f64,
    /// Mean over the classes that have tiles of the share of theirs that is found.
    pub balanced_accuracy: f64,
    /// Share found, per class.
    pub recall: Vec<Option<f64>>,
    /// Each class's probability against all others.
    pub auroc_one_vs_rest: Vec<Option<f64>>,
    /// Each pair of classes, on the tiles of these two.
    pub auroc_pairwise: Vec<PairwiseAuroc>,
    /// Expected calibration error of the most probable class in 15 bins of equal width (Guo et
    /// al. 2017).
    pub ece: f64,
    /// Mean over tiles of the summed squared differences between probabilities and truth: 0 to 2
    /// (Brier 1950).
    pub brier: f64,
    /// Mean of minus the natural logarithm of the true class's probability.
    pub log_loss: f64,
}

/// How well two classes are told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairwiseAuroc {
    /// The class that counts as negative.
    pub negative: String,
    /// The class that counts as positive.
    pub positive: String,
    /// By `p(positive) / (p(positive) + p(negative))`.
    pub auroc: Option<f64>,
}

impl ClassificationMetrics {
    /// Measures probabilities against true labels.
    ///
    /// # Errors
    /// When there are no examples, or numbers and classes do not fit.
    pub fn measure(
        probabilities: &Probabilities,
        labels: &[usize],
        classes: &[String],
    ) -> Result<Self> {
        if labels.is_empty() {
            return Err(LesionError::Data("there are no tiles to measure on".into()));
        }
        let count = classes.len();
        if probabilities.rows() != labels.len()
            || probabilities.classes() != count
            || labels.iter().any(|label| *label >= count)
        {
            let (rows, labels) = (probabilities.rows(), labels.len());
            let what =
                format!("{rows} rows of probabilities for {labels} labels of {count} classes");
            return Err(LesionError::Data(what));
        }
        let confusion = confusion(probabilities, labels, count);
        let recall = recall(&confusion);
        let present: Vec<f64> = recall.iter().flatten().copied().collect();
        let right: u64 = (0..count).map(|class| confusion[class][class]).sum();
        Ok(Self {
            classes: classes.to_vec(),
            examples: labels.len(),
            accuracy: right as f64 / labels.len() as f64,
            balanced_accuracy: present.iter().sum::<f64>() / present.len() as f64,
            recall,
            auroc_one_vs_rest: (0..count)
                .map(|class| one_vs_rest(probabilities, labels, class))
                .collect(),
            auroc_pairwise: pairwise(probabilities, labels, classes),
            ece: expected_calibration_error(probabilities, labels),
            brier: brier(probabilities, labels),
            log_loss: log_loss(probabilities, labels),
            confusion,
        })
    }

    /// The AUROC between two classes by name, whichever counts as positive.
    #[must_use]
    pub fn pair(&self, a: &str, b: &str) -> Option<f64> {
        let found = self.auroc_pairwise.iter().find(|pair| {
            (pair.negative == a && pair.positive == b) || (pair.negative == b && pair.positive == a)
        });
        found.and_then(|pair| pair.auroc)
    }
}

fn confusion(probabilities: &Probabilities, labels: &[usize], classes: usize) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; classes]; classes];
    for (row, label) in labels.iter().enumerate() {
        counts[*label][probabilities.prediction(row)] += 1;
    }
    counts
}

fn recall(confusion: &[Vec<u64>]) -> Vec<Option<f64>> {
    let share = |(class, row): (usize, &Vec<u64>)| {
        let all: u64 = row.iter().sum();
        (all > 0).then(|| row[class] as f64 / all as f64)
    };
    confusion.iter().enumerate().map(share).collect()
}

fn one_vs_rest(probabilities: &Probabilities, labels: &[usize], class: usize) -> Option<f64> {
    let scores: Vec<f64> =
        (0..labels.len()).map(|row| f64::from(probabilities.row(row)[class])).collect();
    let positive: Vec<bool> = labels.iter().map(|label| *label == class).collect();
    auroc(&scores, &positive)
}

fn pairwise(
    probabilities: &Probabilities,
    labels: &[usize],
    classes: &[String],
) -> Vec<PairwiseAuroc> {
    let mut pairs = Vec::new();
    for negative in 0..classes.len() {
        for positive in negative + 1..classes.len() {
            let rows: Vec<usize> = (0..labels.len())
                .filter(|row| labels[*row] == negative || labels[*row] == positive)
                .collect();
            let score = |row: &usize| {
                let p = probabilities.row(*row);
                let (with, against) = (f64::from(p[positive]), f64::from(p[negative]));
                if with + against > 0.0 { with / (with + against) } else { 0.5 }
            };
            let scores: Vec<f64> = rows.iter().map(score).collect();
            let is: Vec<bool> = rows.iter().map(|row| labels[*row] == positive).collect();
            pairs.push(PairwiseAuroc {
                negative: classes[negative].clone(),
                positive: classes[positive].clone(),
                auroc: auroc(&scores, &is),
            });
        }
    }
    pairs
}

fn expected_calibration_error(probabilities: &Probabilities, labels: &[usize]) -> f64 {
    let mut bins = [(0.0_f64, 0.0_f64); BINS];
    for (row, label) in labels.iter().enumerate() {
        let best = probabilities.prediction(row);
        let confidence = f64::from(probabilities.row(row)[best]);
        // Bins are open below and closed above, as in the paper.
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        bins[bin].0 += confidence;
        bins[bin].1 += f64::from(u8::from(best == *label));
    }
    bins.iter().map(|(claimed, right)| (claimed - right).abs()).sum::<f64>() / labels.len() as f64
}

fn brier(probabilities: &Probabilities, labels: &[usize]) -> f64 {
    let tile = |(row, label): (usize, &usize)| -> f64 {
        let truth = |class: usize| f64::from(u8::from(class == *label));
        let of = probabilities.row(row).iter().enumerate();
        of.map(|(class, p)| (f64::from(*p) - truth(class)).powi(2)).sum()
    };
    labels.iter().enumerate().map(tile).sum::<f64>() / labels.len() as f64
}

fn log_loss(probabilities: &Probabilities, labels: &[usize]) -> f64 {
    let tile = |(row, label): (usize, &usize)| {
        -f64::from(probabilities.row(row)[*label]).max(f64::from(f32::MIN_POSITIVE)).ln()
    };
    labels.iter().enumerate().map(tile).sum::<f64>() / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probabilities(rows: &[[f32; 2]]) -> Probabilities {
        let logits = rows.iter().flatten().map(|p| p.ln()).collect();
        Probabilities::from_logits(2, logits, 1.0).unwrap()
    }

    fn names() -> Vec<String> {
        vec!["healthy".into(), "tumour".into()]
    }

    #[test]
    fn hand_values() {
        let p = probabilities(&[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]]);
        let metrics = ClassificationMetrics::measure(&p, &[0, 0, 1, 1], &names()).unwrap();
        assert_eq!(metrics.confusion, [[2, 0], [1, 1]]);
        assert!((metrics.accuracy - 0.75).abs() < 1e-9);
        assert!((metrics.balanced_accuracy - 0.75).abs() < 1e-9);
        assert_eq!(metrics.recall, [Some(1.0), Some(0.5)]);
        // Pairs of a tumour's and a healthy tile's score: .7>.1, .7>.4, .2>.1, .2<.4.
        assert_eq!(metrics.pair("tumour", "healthy"), Some(0.75));
        assert_eq!(metrics.auroc_one_vs_rest, [Some(0.75), Some(0.75)]);
        // 2 * (0.01 + 0.16 + 0.09 + 0.64) / 4
        assert!((metrics.brier - 0.45).abs() < 1e-6);
        // Four bins of one tile each: |0.9-1| |0.6-1| |0.7-1| |0.8-0| over 4.
        assert!((metrics.ece - 0.4).abs() < 1e-6);
        let log_loss = -(0.9_f64.ln() + 0.6_f64.ln() + 0.7_f64.ln() + 0.2_f64.ln()) / 4.0;
        assert!((metrics.log_loss - log_loss).abs() < 1e-6);
    }

    #[test]
    fn a_class_without_tiles_does_not_count() {
        let p = probabilities(&[[0.9, 0.1], [0.4, 0.6]]);
        let metrics = ClassificationMetrics::measure(&p, &[0, 0], &names()).unwrap();
        assert_eq!(metrics.recall, [Some(0.5), None]);
        assert!((metrics.balanced_accuracy - 0.5).abs() < 1e-9);
        assert_eq!(metrics.pair("healthy", "tumour"), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let p = probabilities(&[[0.9, 0.1]]);
        assert!(ClassificationMetrics::measure(&p, &[], &names()).is_err());
        assert!(ClassificationMetrics::measure(&p, &[2], &names()).is_err());
        assert!(ClassificationMetrics::measure(&p, &[0], &names()[..1]).is_err());
    }
}
