//! DeLong's comparison of two AUROCs on the same slides (DeLong, DeLong and Clarke-Pearson 1988).

use serde::{Deserialize, Serialize};

use super::auroc::auroc;

/// Two AUROCs on the same slides.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeLong {
    /// The first model's.
    pub first: f64,
    /// The second's.
    pub second: f64,
    /// First minus second.
    pub difference: f64,
    /// Standard error of the difference.
    pub error: f64,
    /// Two-sided p of no difference. 1 where both rank all pairs alike.
    pub p: f64,
}

/// Compares two models' scores of the same slides. `None` without a positive or a negative, or
/// with fewer than two of either.
#[must_use]
pub fn delong(first: &[f64], second: &[f64], positive: &[bool]) -> Option<DeLong> {
    let (a, b) = (auroc(first, positive)?, auroc(second, positive)?);
    let (first_up, first_down) = placements(first, positive);
    let (second_up, second_down) = placements(second, positive);
    let differences =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
    let up = variance(&differences(&first_up, &second_up))?;
    let down = variance(&differences(&first_down, &second_down))?;
    let error = (up / first_up.len() as f64 + down / first_down.len() as f64).sqrt();
    let p = if error > 0.0 { two_sided((a - b) / error) } else { f64::from(u8::from(a == b)) };
    Some(DeLong { first: a, second: b, difference: a - b, error, p })
}

/// Per positive the share of negatives below it, and per negative the share of positives above;
/// equals count one half.
fn placements(scores: &[f64], positive: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let of = |is: bool| {
        let own = scores.iter().zip(positive).filter(move |(_, own)| **own == is);
        let own: Vec<f64> = own.map(|(score, _)| *score).collect();
        let mut sorted = own.clone();
        sorted.sort_by(f64::total_cmp);
        (own, sorted)
    };
    let ((up, up_sorted), (down, down_sorted)) = (of(true), of(false));
    let below = |sorted: &[f64], score: f64| {
        let less = sorted.partition_point(|own| *own < score);
        let not_more = sorted.partition_point(|own| *own <= score);
        (less + not_more) as f64 / 2.0 / sorted.len() as f64
    };
    let ups = up.iter().map(|score| below(&down_sorted, *score)).collect();
    let downs = down.iter().map(|score| 1.0 - below(&up_sorted, *score)).collect();
    (ups, downs)
}

fn variance(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (values.len() > 1).then(|| squares / (count - 1.0))
}

/// The two-sided p of a standard normal value (the complementary error function by the continued
/// fraction and series of Abramowitz and Stegun 7.1.5 and 7.1.14).
fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    if x < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..80 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        (1.0 - sum * std::f64::consts::FRAC_2_SQRT_PI).clamp(0.0, 1.0)
    } else {
        let fraction = (1..=60).rev().fold(0.0, |below, n| f64::from(n) / 2.0 / (x + below));
        (-x * x).exp() / (x + fraction) / std::f64::consts::PI.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_met() {
        for (z, p) in [(0.0, 1.0), (1.0, 0.317_310_5), (1.959_964, 0.05), (3.290_527, 0.001)] {
            assert!((two_sided(z) - p).abs() < 1e-6, "{z}: {}", two_sided(z));
            assert!((two_sided(-z) - p).abs() < 1e-6);
        }
        assert!((two_sided(3.6) - 3.182_17e-4).abs() < 1e-8, "{}", two_sided(3.6));
    }

    #[test]
    fn equal_models_do_not_differ() {
        let scores = [0.1, 0.9, 0.4, 0.6, 0.3];
        let positive = [false, true, false, true, true];
        let same = delong(&scores, &scores, &positive).unwrap();
        assert_eq!((same.difference, same.p), (0.0, 1.0));
        assert_eq!(delong(&scores[..2], &scores[..2], &positive[..2]), None);
    }
}
