//! The area under the receiver operating characteristic.

/// The probability that a positive scores above a negative, ties counting one half (Mann and
/// Whitney 1947; Hanley and McNeil 1982). `None` without a positive or without a negative, or when
/// a score is not finite.
#[must_use]
pub fn auroc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    if scores.len() != positive.len() || scores.iter().any(|score| !score.is_finite()) {
        return None;
    }
    let positives = positive.iter().filter(|is| **is).count();
    let negatives = positive.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    // Equal scores share the mean of their ranks.
    let mut rank_sum = 0.0;
    let mut first = 0;
    for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let mean_rank = first as f64 + (group.len() + 1) as f64 / 2.0;
        rank_sum += mean_rank * group.iter().filter(|index| positive[**index]).count() as f64;
        first += group.len();
    }
    let (p, n) = (positives as f64, negatives as f64);
    Some((rank_sum - p * (p + 1.0) / 2.0) / (p * n))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hand_values() {
        let positive = [false, false, true, true];
        assert_eq!(auroc(&[0.1, 0.4, 0.35, 0.8], &positive), Some(0.75));
        assert_eq!(auroc(&[0.5; 4], &positive), Some(0.5));
        assert_eq!(auroc(&[4.0, 3.0, 2.0, 1.0], &positive), Some(0.0));
        assert_eq!(auroc(&[1.0, 2.0], &[true, true]), None);
        assert_eq!(auroc(&[f64::NAN, 2.0], &[true, false]), None);
        assert_eq!(auroc(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn equals_counting_every_pair(
            examples in proptest::collection::vec((0_u8..6, proptest::bool::ANY), 2..40)
        ) {
            let scores: Vec<f64> = examples.iter().map(|(score, _)| f64::from(*score)).collect();
            let positive: Vec<bool> = examples.iter().map(|(_, is)| *is).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (a, _) in examples.iter().filter(|(_, is)| *is) {
                for (b, _) in examples.iter().filter(|(_, is)| !*is) {
                    pairs += 1.0;
                    won += match a.cmp(b) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            match auroc(&scores, &positive) {
                None => prop_assert_eq!(pairs, 0.0),
                Some(area) => prop_assert!((area - won / pairs).abs() < 1e-12),
            }
        }
    }
}
