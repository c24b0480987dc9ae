//! Losses and their slopes by a head's outputs.

/// Minus the logarithm of the true class's softmax probability, and its slopes.
pub(super) fn cross_entropy(logits: &[f32], label: usize) -> (f64, Vec<f32>) {
    let top = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let exponentials: Vec<f64> = logits.iter().map(|x| (f64::from(*x) - top).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    let loss = sum.ln() + top - f64::from(logits[label]);
    let slope = |(class, e): (usize, &f64)| (e / sum - f64::from(u8::from(class == label))) as f32;
    (loss, exponentials.iter().enumerate().map(slope).collect())
}

/// The squared difference and its slope.
pub(super) fn squared_error(output: f32, target: f64) -> (f64, f32) {
    let difference = f64::from(output) - target;
    (difference * difference, (2.0 * difference) as f32)
}

/// Cox's negative logarithm of the partial likelihood, divided by the number of events (Cox 1972),
/// tied times as Breslow (1974) counts them: every event against all that were at risk at its
/// time. Also its slopes by the logarithmic hazards. Zero where nothing happened.
pub(crate) fn cox(hazards: &[f32], times: &[f64], events: &[bool]) -> (f64, Vec<f32>) {
    let count = events.iter().filter(|event| **event).count();
    let mut slopes = vec![0.0_f64; hazards.len()];
    if count == 0 {
        return (0.0, vec![0.0; hazards.len()]);
    }
    let top = f64::from(hazards.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let weight: Vec<f64> = hazards.iter().map(|x| (f64::from(*x) - top).exp()).collect();
    let mut order: Vec<usize> = (0..hazards.len()).collect();
    order.sort_by(|a, b| times[*b].total_cmp(&times[*a]));
    let mut loss = 0.0;
    // From the latest time on: the sum over all that are at risk grows.
    let mut at_risk = 0.0;
    let mut sums = Vec::new();
    for group in order.chunk_by(|a, b| times[*a] == times[*b]) {
        at_risk += group.iter().map(|index| weight[*index]).sum::<f64>();
        let happened = group.iter().filter(|index| events[**index]);
        for index in happened.clone() {
            loss += at_risk.ln() + top - f64::from(hazards[*index]);
            slopes[*index] -= 1.0;
        }
        sums.push((group, happened.count() as f64 / at_risk));
    }
    // From the earliest on: each was at risk at every event before its own time.
    let mut earlier = 0.0;
    for (group, share) in sums.into_iter().rev() {
        earlier += share;
        group.iter().for_each(|index| slopes[*index] += weight[*index] * earlier);
    }
    let count = count as f64;
    (loss / count, slopes.iter().map(|slope| (slope / count) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finite(function: impl Fn(&[f32]) -> (f64, Vec<f32>), at: &[f32]) {
        let (_, slopes) = function(at);
        for index in 0..at.len() {
            let moved = |by: f32| {
                let mut at = at.to_vec();
                at[index] += by;
                function(&at).0
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!((slope - f64::from(slopes[index])).abs() < 1e-3, "{index}: {slope} {slopes:?}");
        }
    }

    #[test]
    fn slopes_equal_finite_differences() {
        finite(|x| cross_entropy(x, 1), &[0.3, -1.0, 2.0]);
        finite(
            |x| {
                let (loss, slope) = squared_error(x[0], 1.5);
                (loss, vec![slope])
            },
            &[0.2],
        );
        let times = [5.0, 3.0, 3.0, 8.0, 1.0, 3.0];
        let events = [true, true, false, false, true, true];
        finite(|x| cox(x, &times, &events), &[0.1, -0.5, 1.2, 0.3, 2.0, -1.0]);
    }

    #[test]
    fn hand_values() {
        // The first event is against all three, the second against two, the last against itself.
        let (loss, _) = cox(&[0.0; 3], &[1.0, 2.0, 3.0], &[true; 3]);
        assert!((loss - (3.0_f64.ln() + 2.0_f64.ln()) / 3.0).abs() < 1e-12);
        assert_eq!(cox(&[1.0, 2.0], &[1.0, 2.0], &[false; 2]), (0.0, vec![0.0; 2]));
        let (loss, slopes) = cox(&[300.0, -300.0], &[1.0, 2.0], &[true, true]);
        assert!(loss.is_finite() && slopes.iter().all(|slope| slope.is_finite()));
        assert!((cross_entropy(&[0.0, 0.0], 0).0 - 2.0_f64.ln()).abs() < 1e-12);
    }
}
