//! Thresholds from histograms.

/// Counts of values, one bin per value; larger values fall into the last bin.
pub(crate) fn histogram(values: impl Iterator<Item = u16>, bins: usize) -> Vec<u64> {
    let mut counts = vec![0_u64; bins];
    if let Some(last) = bins.checked_sub(1) {
        values.for_each(|value| counts[usize::from(value).min(last)] += 1);
    }
    counts
}

/// The value that splits a histogram into two classes with the largest variance between them
/// (Otsu, IEEE Trans. SMC 9, 1979): the first value of the upper class. `None` for fewer than two
/// distinct values.
pub(crate) fn otsu(counts: &[u64]) -> Option<usize> {
    let total: u64 = counts.iter().sum();
    let moment: f64 = counts.iter().enumerate().map(|(v, n)| v as f64 * *n as f64).sum();
    let (mut below, mut moment_below) = (0_u64, 0.0);
    let mut best = (0.0, None);
    for (value, count) in counts.iter().enumerate() {
        below += count;
        moment_below += value as f64 * *count as f64;
        if below == 0 || below == total {
            continue;
        }
        let (lower, upper) = (below as f64, (total - below) as f64);
        let between =
            lower * upper * (moment_below / lower - (moment - moment_below) / upper).powi(2);
        if between > best.0 {
            best = (between, Some(value + 1));
        }
    }
    best.1
}

/// The smallest value that at least `share` of the counts do not exceed.
pub(crate) fn quantile(counts: &[u64], share: f64) -> usize {
    let wanted = share * counts.iter().sum::<u64>() as f64;
    let mut seen = 0_u64;
    for (value, count) in counts.iter().enumerate() {
        seen += count;
        if seen as f64 >= wanted && seen > 0 {
            return value;
        }
    }
    counts.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otsu_splits_two_heaps() {
        let mut counts = vec![0_u64; 100];
        counts[10] = 500;
        counts[12] = 500;
        counts[80] = 100;
        let split = otsu(&counts).unwrap();
        assert!((13..=80).contains(&split), "{split}");
    }

    #[test]
    fn one_value_has_no_split() {
        assert_eq!(otsu(&[0, 0, 9]), None);
        assert_eq!(otsu(&[]), None);
    }

    #[test]
    fn quantiles() {
        let counts = histogram([1_u16, 2, 3, 4, 900].into_iter(), 10);
        assert_eq!(quantile(&counts, 0.5), 3);
        assert_eq!(quantile(&counts, 1.0), 9);
        assert_eq!(quantile(&[], 0.5), 0);
    }
}
