//! Measures of ranking beside the AUROC: average precision, concordance, and the curves.

use serde::{Deserialize, Serialize};

/// Average precision: the sum over thresholds of the gain in recall times the precision there,
/// without interpolation; equal scores are one threshold. `None` without a positive, or when a
/// score is not finite.
#[must_use]
pub fn average_precision(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let all = positive.iter().filter(|is| **is).count();
    if all == 0 || scores.len() != positive.len() || scores.iter().any(|s| !s.is_finite()) {
        return None;
    }
    let (mut found, mut seen, mut area) = (0, 0, 0.0);
    for group in descending(scores).chunk_by(|a, b| scores[*a] == scores[*b]) {
        let own = group.iter().filter(|index| positive[**index]).count();
        (found, seen) = (found + own, seen + group.len());
        area += own as f64 / all as f64 * found as f64 / seen as f64;
    }
    Some(area)
}

/// Harrell's C (Harrell et al. 1982): of all pairs in which the one with the earlier time had the
/// event, the share in which it also had the higher risk; equal risks count one half. Of a pair
/// with equal times one must have had the event and the other not. `None` without such a pair.
#[must_use]
pub fn concordance(risks: &[f64], times: &[f64], events: &[bool]) -> Option<f64> {
    concordance_within(risks, times, events, &vec![0; risks.len()])
}

/// As [`concordance`], of pairs whose risks are of the same scale only: the risks of a
/// cross-validation's heads cannot be compared with each other's.
#[must_use]
pub fn concordance_within(
    risks: &[f64],
    times: &[f64],
    events: &[bool],
    scales: &[usize],
) -> Option<f64> {
    let (mut won, mut pairs) = (0.0, 0_u64);
    for earlier in (0..risks.len()).filter(|index| events[*index]) {
        for later in (0..risks.len()).filter(|later| scales[*later] == scales[earlier]) {
            let comparable =
                times[earlier] < times[later] || (times[earlier] == times[later] && !events[later]);
            if comparable {
                pairs += 1;
                won += match risks[earlier].total_cmp(&risks[later]) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
    }
    (pairs > 0).then(|| won / pairs as f64)
}

/// A point of a receiver operating characteristic and of a precision-recall curve.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Slides that score this or more are called positive.
    pub threshold: f64,
    /// Share of the positive that are called so.
    pub sensitivity: f64,
    /// Share of the negative that are not.
    pub specificity: f64,
    /// Share of those called positive that are.
    pub precision: f64,
}

/// Most points of a curve that are kept.
const MOST_POINTS: usize = 200;

/// Both curves in one: a point a threshold, thinned to two hundred. Empty without a positive or
/// without a negative.
#[must_use]
pub fn curve(scores: &[f64], positive: &[bool]) -> Vec<CurvePoint> {
    let all = positive.iter().filter(|is| **is).count();
    let negatives = positive.len() - all;
    if all == 0 || negatives == 0 {
        return Vec::new();
    }
    let (mut found, mut seen) = (0_usize, 0_usize);
    let order = descending(scores);
    let points: Vec<CurvePoint> = order
        .chunk_by(|a, b| scores[*a] == scores[*b])
        .map(|group| {
            found += group.iter().filter(|index| positive[**index]).count();
            seen += group.len();
            CurvePoint {
                threshold: scores[group[0]],
                sensitivity: found as f64 / all as f64,
                specificity: 1.0 - (seen - found) as f64 / negatives as f64,
                precision: found as f64 / seen as f64,
            }
        })
        .collect();
    let step = points.len().div_ceil(MOST_POINTS);
    let last = points.len() - 1;
    let kept = points.iter().enumerate().filter(|(index, _)| index % step == 0 || *index == last);
    kept.map(|(_, point)| *point).collect()
}

fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_values() {
        let positive = [true, false, true, false];
        // Thresholds .9 (1 of 1), .8 (1 of 2), .7 (2 of 3): 0.5 * 1 + 0.5 * 2/3.
        let area = average_precision(&[0.9, 0.8, 0.7, 0.1], &positive).unwrap();
        assert!((area - (0.5 + 1.0 / 3.0)).abs() < 1e-12);
        assert_eq!(average_precision(&[0.5; 4], &positive), Some(0.5));
        assert_eq!(average_precision(&[0.5], &[false]), None);
        // Pairs: (1,2) right, (1,3) right, (2,3) wrong; the censored one is compared as later only.
        let c = concordance(&[3.0, 1.0, 2.0], &[1.0, 2.0, 3.0], &[true, true, false]);
        assert_eq!(c, Some(2.0 / 3.0));
        assert_eq!(concordance(&[1.0, 2.0], &[1.0, 2.0], &[false, false]), None);
        assert_eq!(concordance(&[1.0, 1.0], &[1.0, 1.0], &[true, false]), Some(0.5));
        // Two heads, the second's risks lower by 100: each is right about its own slides.
        let (risks, times) = ([2.0, 1.0, -98.0, -99.0], [1.0, 2.0, 1.5, 3.0]);
        assert_eq!(concordance(&risks, &times, &[true; 4]), Some(5.0 / 6.0));
        assert_eq!(concordance_within(&risks, &times, &[true; 4], &[0, 0, 1, 1]), Some(1.0));
    }

    #[test]
    fn curves_end_where_all_are_called_positive() {
        let scores: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
        let positive: Vec<bool> = (0..1000).map(|i| i % 3 == 0).collect();
        let points = curve(&scores, &positive);
        assert!(points.len() <= MOST_POINTS + 1);
        let last = points.last().unwrap();
        assert_eq!((last.sensitivity, last.specificity), (1.0, 0.0));
        assert!(curve(&[0.1], &[true]).is_empty());
    }
}
