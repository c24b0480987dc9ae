//! Multinomial logistic regression, trained on all examples at once.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    CHUNK, Examples, Head, Layer, Network, Standardisation, example_weights,
    lbfgs::{Limits, minimise},
};
use crate::error::{LesionError, Result};

/// How a linear head is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticSettings {
    /// Strength of `l2 / 2 * |weights|^2` beside the mean loss of an example; biases are free.
    /// scikit-learn's `C` is `1 / (l2 * examples)`.
    pub l2: f64,
    /// Whether every class counts the same however many examples it has.
    pub balance: bool,
    /// Most steps of L-BFGS.
    pub iterations: usize,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self { l2: 1e-3, balance: true, iterations: 500 }
    }
}

/// Trains a linear head; the same examples and settings give the same weights.
/// The second value is the number of steps, and whether they reached the minimum.
///
/// # Errors
/// When `l2` is negative or no number.
pub fn train_logistic(
    examples: &Examples,
    settings: &LogisticSettings,
) -> Result<(Head, (usize, bool))> {
    if !(settings.l2.is_finite() && settings.l2 >= 0.0) {
        return Err(LesionError::Setting(format!("l2 {} is not 0 or more", settings.l2)));
    }
    let standardisation = Standardisation::measure(&examples.features);
    let problem = Problem {
        features: standardisation.applied(&examples.features),
        weights: example_weights(&examples.labels, examples.classes, settings.balance),
        labels: &examples.labels,
        dimension: examples.features.dimension(),
        classes: examples.classes,
        l2: settings.l2,
    };
    let start = vec![0.0; problem.classes * (problem.dimension + 1)];
    let limits = Limits { iterations: settings.iterations, gradient: 1e-6 };
    let minimum = minimise(|place, gradient| problem.loss(place, gradient), start, limits);
    let (weight, bias) = minimum.place.split_at(problem.classes * problem.dimension);
    let layer = Layer {
        inputs: problem.dimension,
        weight: weight.iter().map(|w| *w as f32).collect(),
        bias: bias.iter().map(|b| *b as f32).collect(),
    };
    let head = Head { standardisation, network: Network::Linear(layer) };
    Ok((head, (minimum.iterations, minimum.converged)))
}

struct Problem<'a> {
    features: Vec<f32>,
    weights: Vec<f32>,
    labels: &'a [usize],
    dimension: usize,
    classes: usize,
    l2: f64,
}

impl Problem<'_> {
    /// The mean loss and its gradient. Chunks run in parallel and are summed in order, so that the
    /// result does not depend on the number of threads.
    fn loss(&self, place: &[f64], gradient: &mut [f64]) -> f64 {
        let chunks: Vec<(f64, Vec<f64>)> = self
            .labels
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(chunk, labels)| self.chunk_loss(place, chunk * CHUNK, labels))
            .collect();
        let scale = 1.0 / self.labels.len() as f64;
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (part, part_gradient) in &chunks {
            loss += part * scale;
            gradient.iter_mut().zip(part_gradient).for_each(|(g, p)| *g += p * scale);
        }
        let weights = self.classes * self.dimension;
        for (g, w) in gradient[..weights].iter_mut().zip(place) {
            *g += self.l2 * w;
            loss += 0.5 * self.l2 * w * w;
        }
        loss
    }

    fn chunk_loss(&self, place: &[f64], first: usize, labels: &[usize]) -> (f64, Vec<f64>) {
        let (classes, dimension) = (self.classes, self.dimension);
        let (weight, bias) = place.split_at(classes * dimension);
        let mut gradient = vec![0.0; place.len()];
        let mut errors = vec![0.0; classes];
        let mut loss = 0.0;
        for (index, label) in labels.iter().enumerate() {
            let example = first + index;
            let row = &self.features[example * dimension..][..dimension];
            for (class, error) in errors.iter_mut().enumerate() {
                *error = bias[class] + dot(row, &weight[class * dimension..][..dimension]);
            }
            let share = f64::from(self.weights[example]);
            loss += share * softmax_loss(&mut errors, *label);
            let (weight_gradient, bias_gradient) = gradient.split_at_mut(classes * dimension);
            for (class, error) in errors.iter().enumerate() {
                let error = share * error;
                bias_gradient[class] += error;
                let to = &mut weight_gradient[class * dimension..][..dimension];
                to.iter_mut().zip(row).for_each(|(g, x)| *g += error * f64::from(*x));
            }
        }
        (loss, gradient)
    }
}

/// Turns logits into the loss's derivatives by them; returns the loss.
fn softmax_loss(logits: &mut [f64], label: usize) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
    let loss = top + sum.ln() - logits[label];
    logits.iter_mut().for_each(|logit| *logit = (*logit - top).exp() / sum);
    logits[label] -= 1.0;
    loss
}

fn dot(row: &[f32], weight: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 4];
    let (row_blocks, weight_blocks) = (row.chunks_exact(4), weight.chunks_exact(4));
    let rest: f64 = row_blocks
        .remainder()
        .iter()
        .zip(weight_blocks.remainder())
        .map(|(x, w)| f64::from(*x) * w)
        .sum();
    for (x, w) in row_blocks.zip(weight_blocks) {
        for lane in 0..4 {
            sums[lane] += f64::from(x[lane]) * w[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::FeatureMatrix;

    fn problem(labels: &[usize]) -> Problem<'_> {
        let features = (0..labels.len() * 5).map(|i| ((i * 37 % 23) as f32 - 11.0) / 7.0).collect();
        let weights = example_weights(labels, 3, true);
        Problem { features, weights, labels, dimension: 5, classes: 3, l2: 0.3 }
    }

    #[test]
    fn the_gradient_equals_finite_differences() {
        let labels: Vec<usize> = (0..CHUNK + 40).map(|i| i * i % 3).collect();
        let problem = problem(&labels);
        let place: Vec<f64> = (0..18).map(|i| f64::from(i * 7 % 5) / 5.0 - 0.4).collect();
        let mut gradient = vec![0.0; 18];
        problem.loss(&place, &mut gradient);
        for index in 0..18 {
            let at = |shift: f64| {
                let mut place = place.clone();
                place[index] += shift;
                problem.loss(&place, &mut [0.0; 18])
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient[index]).abs() < 1e-6, "{index}: {slope}");
        }
    }

    #[test]
    fn classes_that_a_plane_separates_are_separated() {
        let labels: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let values = labels
            .iter()
            .enumerate()
            .flat_map(|(i, label)| {
                let noise = (i as f32 * 1.7).sin() * 0.3;
                [*label as f32 + noise, 5.0 - noise, (*label == 1) as u8 as f32]
            })
            .collect();
        let features = FeatureMatrix::new(3, values).unwrap();
        let examples = Examples::new(features, labels.clone(), 3).unwrap();
        let settings = LogisticSettings { l2: 1e-4, ..LogisticSettings::default() };
        let (head, (_, converged)) = train_logistic(&examples, &settings).unwrap();
        let probabilities = head.probabilities(&examples.features, 1.0).unwrap();
        let right = (0..60).filter(|i| probabilities.prediction(*i) == labels[*i]).count();
        assert_eq!((right, converged), (60, true));
        assert_eq!(train_logistic(&examples, &settings).unwrap().0, head);
    }

    #[test]
    fn a_senseless_penalty_is_refused() {
        let features = FeatureMatrix::new(1, vec![0.0, 1.0]).unwrap();
        let examples = Examples::new(features, vec![0, 1], 2).unwrap();
        for l2 in [-1.0, f64::NAN] {
            let settings = LogisticSettings { l2, ..LogisticSettings::default() };
            assert!(train_logistic(&examples, &settings).is_err());
        }
    }
}
