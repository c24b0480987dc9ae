//! Agreement of said with true classes, from a table of counts.

/// Counts by true class (row) and said class (column).
#[must_use]
pub fn confusion_counts(truth: &[usize], said: &[usize], classes: usize) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; classes]; classes];
    truth.iter().zip(said).for_each(|(truth, said)| counts[*truth][*said] += 1);
    counts
}

/// Mean over the classes that have examples of the share of theirs that is found. `None` of none.
#[must_use]
pub fn balanced_accuracy(counts: &[Vec<u64>]) -> Option<f64> {
    let recall = |(class, row): (usize, &Vec<u64>)| {
        let all: u64 = row.iter().sum();
        (all > 0).then(|| row[class] as f64 / all as f64)
    };
    mean(counts.iter().enumerate().filter_map(recall))
}

/// The harmonic mean of precision and recall of each class, weighted by its examples; a class that
/// is neither true nor said counts nothing.
#[must_use]
pub fn weighted_f1(counts: &[Vec<u64>]) -> Option<f64> {
    let all: u64 = counts.iter().flatten().sum();
    let part = |(class, row): (usize, &Vec<u64>)| {
        let own: u64 = row.iter().sum();
        let said: u64 = counts.iter().map(|row| row[class]).sum();
        let f1 = if own + said > 0 { 2.0 * row[class] as f64 / (own + said) as f64 } else { 0.0 };
        f1 * own as f64
    };
    (all > 0).then(|| counts.iter().enumerate().map(part).sum::<f64>() / all as f64)
}

/// Cohen's kappa with weights that grow with the square of the distance between classes (Cohen
/// 1968): for classes in an order. `None` where all truth and all that is said is one class.
#[must_use]
pub fn quadratic_kappa(counts: &[Vec<u64>]) -> Option<f64> {
    let all: f64 = counts.iter().flatten().sum::<u64>() as f64;
    let rows: Vec<f64> = counts.iter().map(|row| row.iter().sum::<u64>() as f64).collect();
    let columns: Vec<f64> = (0..counts.len())
        .map(|column| counts.iter().map(|row| row[column]).sum::<u64>() as f64)
        .collect();
    let (mut seen, mut expected) = (0.0, 0.0);
    for (truth, row) in counts.iter().enumerate() {
        for (said, count) in row.iter().enumerate() {
            let weight = (truth as f64 - said as f64).powi(2);
            seen += weight * *count as f64;
            expected += weight * rows[truth] * columns[said] / all;
        }
    }
    (expected > 0.0).then(|| 1.0 - seen / expected)
}

/// McNemar's exact test (McNemar 1947, by the binomial distribution): how probable it is that two
/// models that are equally often right differ on so unevenly divided slides. Two-sided.
#[must_use]
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let all = only_first + only_second;
    if all == 0 {
        return 1.0;
    }
    let few = only_first.min(only_second);
    // Binomial coefficients over 2^all by logarithms, so that nothing overflows.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut sum = term.exp();
    for k in 1..=few {
        term += ((all - k + 1) as f64).ln() - (k as f64).ln();
        sum += term.exp();
    }
    (2.0 * sum).min(1.0)
}

/// The mean; `None` of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_values() {
        let counts = confusion_counts(&[0, 0, 1, 1, 2], &[0, 1, 1, 1, 0], 3);
        assert_eq!(counts, [[1, 1, 0], [0, 2, 0], [1, 0, 0]]);
        assert!((balanced_accuracy(&counts).unwrap() - 0.5).abs() < 1e-12);
        // F1: 2*1/4, 2*2/5, 0; weights 2, 2, 1.
        assert!((weighted_f1(&counts).unwrap() - (2.0 * 0.5 + 2.0 * 0.8) / 5.0).abs() < 1e-12);
        let perfect = confusion_counts(&[0, 1, 2], &[0, 1, 2], 3);
        assert_eq!(quadratic_kappa(&perfect), Some(1.0));
        assert_eq!(quadratic_kappa(&confusion_counts(&[0, 0], &[0, 0], 2)), None);
        assert_eq!(balanced_accuracy(&[]), None);
    }

    #[test]
    fn mcnemars_test_counts_only_differences() {
        assert_eq!(mcnemar(0, 0), 1.0);
        // 2 * (1 + 10) / 2^10
        assert!((mcnemar(1, 9) - 22.0 / 1024.0).abs() < 1e-12);
        assert!((mcnemar(9, 1) - mcnemar(1, 9)).abs() < 1e-15);
        assert_eq!(mcnemar(5, 5), 1.0);
        assert!(mcnemar(400, 3000) < 1e-100);
    }
}
