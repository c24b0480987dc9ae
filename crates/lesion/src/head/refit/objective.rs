//! What is minimised when a head is refitted.

use rayon::prelude::*;

use super::{super::Layer, Statement};

/// Regions that one thread works on at a time. Fixed, so that sums do not depend on the machine.
const REGIONS: usize = 8;

/// The mean loss of a region plus half the pull times the squared distance to the old weights.
pub(super) struct Objective {
    regions: Vec<(Statement, Vec<f32>)>,
    /// Old weights, then old biases.
    start: Vec<f64>,
    inputs: usize,
    classes: usize,
    temperature: f64,
    pull: f64,
}

impl Objective {
    pub(super) fn new(layer: &Layer, temperature: f64) -> Self {
        let start = layer.weight.iter().chain(&layer.bias).map(|value| f64::from(*value));
        Self {
            regions: Vec::new(),
            start: start.collect(),
            inputs: layer.inputs,
            classes: layer.outputs(),
            temperature,
            pull: 0.0,
        }
    }

    /// Adds a region by the layer's input of each of its tiles, one after the other.
    pub(super) fn add(&mut self, statement: Statement, inputs: &[f32]) {
        self.regions.push((statement, inputs.to_vec()));
    }

    /// Sets the pull in units of the mean squared length of a region's mean input: what its tiles
    /// have in common moves the weights, their noise does not. The bias counts as an input of 1.
    pub(super) fn pull_by(&mut self, pull: f64) {
        let length = |(_, inputs): &(Statement, Vec<f32>)| {
            let mut mean = vec![0.0_f64; self.inputs];
            for tile in inputs.chunks_exact(self.inputs.max(1)) {
                mean.iter_mut().zip(tile).for_each(|(sum, x)| *sum += f64::from(*x));
            }
            let tiles = (inputs.len() / self.inputs.max(1)).max(1) as f64;
            mean.iter().map(|sum| (sum / tiles).powi(2)).sum::<f64>()
        };
        let mean = self.regions.iter().map(length).sum::<f64>() / self.regions.len().max(1) as f64;
        self.pull = pull * (mean + 1.0);
    }

    pub(super) fn start(&self) -> &[f64] {
        &self.start
    }

    pub(super) fn layer(&self, place: &[f64]) -> Layer {
        let (weight, bias) = place.split_at(self.classes * self.inputs);
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        Layer { inputs: self.inputs, weight: single(weight), bias: single(bias) }
    }

    /// The value and its gradient.
    pub(super) fn value(&self, place: &[f64], gradient: &mut [f64]) -> f64 {
        let parts: Vec<(f64, Vec<f64>)> =
            self.regions.par_chunks(REGIONS).map(|regions| self.part(place, regions)).collect();
        let share = 1.0 / self.regions.len().max(1) as f64;
        gradient.fill(0.0);
        let mut value = 0.0;
        for (part, part_gradient) in &parts {
            value += part * share;
            gradient.iter_mut().zip(part_gradient).for_each(|(g, p)| *g += p * share);
        }
        for ((g, now), then) in gradient.iter_mut().zip(place).zip(&self.start) {
            *g += self.pull * (now - then);
            value += 0.5 * self.pull * (now - then).powi(2);
        }
        value
    }

    fn part(&self, place: &[f64], regions: &[(Statement, Vec<f32>)]) -> (f64, Vec<f64>) {
        let (weight, bias) = place.split_at(self.classes * self.inputs);
        let mut gradient = vec![0.0; place.len()];
        let mut slopes = vec![0.0; self.classes];
        let mut loss = 0.0;
        for (statement, tiles) in regions {
            let share = self.inputs as f64 / tiles.len().max(1) as f64;
            for tile in tiles.chunks_exact(self.inputs) {
                for (class, logit) in slopes.iter_mut().enumerate() {
                    let row = &weight[class * self.inputs..][..self.inputs];
                    let sum: f64 = tile.iter().zip(row).map(|(x, w)| f64::from(*x) * w).sum();
                    *logit = (sum + bias[class]) / self.temperature;
                }
                loss += share * statement_loss(&mut slopes, *statement);
                let (weights, biases) = gradient.split_at_mut(self.classes * self.inputs);
                for (class, slope) in slopes.iter().enumerate() {
                    let slope = share * slope / self.temperature;
                    biases[class] += slope;
                    let to = &mut weights[class * self.inputs..][..self.inputs];
                    to.iter_mut().zip(tile).for_each(|(g, x)| *g += slope * f64::from(*x));
                }
            }
        }
        (loss, gradient)
    }
}

/// Turns logits into the loss's derivatives by them; returns the loss: `-ln p` of the class that
/// it is, `-ln(1 - p)` of the class that it is not.
fn statement_loss(logits: &mut [f64], statement: Statement) -> f64 {
    let all = log_sum(logits.iter().copied());
    match statement {
        Statement::Is(class) => {
            let loss = all - logits[class];
            logits.iter_mut().for_each(|logit| *logit = (*logit - all).exp());
            logits[class] -= 1.0;
            loss
        }
        Statement::IsNot(class) => {
            let others = logits.iter().copied().enumerate().filter(|(index, _)| *index != class);
            let others = log_sum(others.map(|(_, logit)| logit));
            for (index, logit) in logits.iter_mut().enumerate() {
                let among_others = if index == class { 0.0 } else { (*logit - others).exp() };
                *logit = (*logit - all).exp() - among_others;
            }
            all - others
        }
    }
}

/// The logarithm of the sum of exponentials, shifted so that nothing overflows.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
    top + values.map(|value| (value - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_equals_finite_differences() {
        let layer = Layer {
            inputs: 2,
            weight: vec![0.3, -0.2, 0.8, 0.1, -0.5, 0.4],
            bias: vec![0.1, 0.0, -0.3],
        };
        let mut objective = Objective::new(&layer, 1.7);
        for index in 0..20 {
            let statement = match index % 4 {
                0 => Statement::IsNot(index % 3),
                _ => Statement::Is(index % 3),
            };
            let tiles =
                (0..2 * (1 + index % 3)).map(|i| ((i * 7 + index * 5) % 11) as f32 / 5.0 - 1.0);
            objective.add(statement, &tiles.collect::<Vec<f32>>());
        }
        objective.pull_by(0.1);
        let place: Vec<f64> = objective.start().iter().map(|x| 1.3 * x + 0.05).collect();
        let mut gradient = vec![0.0; place.len()];
        objective.value(&place, &mut gradient);
        for index in 0..place.len() {
            let at = |shift: f64| {
                let mut place = place.clone();
                place[index] += shift;
                objective.value(&place, &mut [0.0; 9])
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient[index]).abs() < 1e-6, "{index}: {slope} {gradient:?}");
        }
    }

    #[test]
    fn of_two_classes_not_the_one_is_the_other() {
        for logits in [[0.3, -0.9], [40.0, -40.0], [-800.0, 800.0]] {
            let (mut is, mut is_not) = (logits, logits);
            let a = statement_loss(&mut is, Statement::Is(1));
            let b = statement_loss(&mut is_not, Statement::IsNot(0));
            assert!((a - b).abs() < 1e-9 && a.is_finite(), "{a} {b}");
            assert!(is.iter().zip(&is_not).all(|(a, b)| (a - b).abs() < 1e-9), "{is:?} {is_not:?}");
        }
    }
}
