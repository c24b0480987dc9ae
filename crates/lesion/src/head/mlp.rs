//! A head with one hidden layer, trained by AdamW (Loshchilov and Hutter 2019) with early
//! stopping; the backward pass is written out.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Activation, Examples, Head, Layer, Network, Standardisation, dot, example_weights};
use crate::{
    error::{LesionError, Result},
    matrix::softmax,
};

/// How a head with a hidden layer is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MlpSettings {
    /// Hidden units.
    pub hidden: usize,
    /// What they do.
    pub activation: Activation,
    /// AdamW's step size.
    pub learning_rate: f32,
    /// AdamW's decoupled decay of weights (not of biases).
    pub weight_decay: f32,
    /// Examples a step.
    pub batch: usize,
    /// Most passes over the examples.
    pub epochs: usize,
    /// Passes without a lower validation loss after which training stops.
    pub patience: usize,
    /// Whether every class counts the same however many examples it has.
    pub balance: bool,
    /// Seed of the first weights and of the order of examples.
    pub seed: u64,
}

impl Default for MlpSettings {
    fn default() -> Self {
        Self {
            hidden: 64,
            activation: Activation::Gelu,
            learning_rate: 1e-3,
            weight_decay: 1e-2,
            batch: 128,
            epochs: 60,
            patience: 8,
            balance: true,
            seed: 1,
        }
    }
}

impl MlpSettings {
    fn check(&self) -> Result<()> {
        if self.hidden == 0 || self.hidden > 65_536 || self.batch == 0 || self.epochs == 0 {
            let what = "hidden units (to 65536), batch and epochs must be at least 1";
            return Err(LesionError::Setting(what.into()));
        }
        let (rate, decay) = (self.learning_rate, self.weight_decay);
        let sound = rate.is_finite() && rate > 0.0 && decay.is_finite() && decay >= 0.0;
        if !sound {
            let what = "the learning rate must be positive and the weight decay 0 or more";
            return Err(LesionError::Setting(what.into()));
        }
        Ok(())
    }
}

/// Trains a head with one hidden layer and keeps the weights of the lowest validation loss. The
/// same examples, settings and seed give the same weights on any number of threads. The second
/// value is the number of passes.
///
/// # Errors
/// When a setting is out of range, or the validation features have another dimension.
pub fn train_mlp(
    examples: &Examples,
    validation: &Examples,
    settings: &MlpSettings,
) -> Result<(Head, usize)> {
    settings.check()?;
    let dimension = examples.features.dimension();
    if validation.features.dimension() != dimension {
        let actual = validation.features.dimension();
        return Err(LesionError::Dimension { expected: dimension, actual });
    }
    let standardisation = Standardisation::measure(&examples.features);
    let data = Data::new(examples, &standardisation, settings.balance);
    let held_out = Data::new(validation, &standardisation, settings.balance);
    let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
    let mut network = Mlp::random(dimension, examples.classes, settings, &mut random);
    let mut optimiser = AdamW::new(&network, settings);
    let mut best = (f64::INFINITY, network.clone(), 0);
    let mut order: Vec<usize> = (0..data.labels.len()).collect();
    let mut passes = 0;
    while passes < settings.epochs && passes - best.2 <= settings.patience {
        order.shuffle(&mut random);
        for batch in order.chunks(settings.batch) {
            let (_, gradient) = network.gradient(&data, batch);
            optimiser.step(&mut network, &gradient);
        }
        passes += 1;
        let loss = network.loss(&held_out);
        if loss < best.0 {
            best = (loss, network.clone(), passes);
        }
    }
    let Mlp { hidden, activation, output } = best.1;
    Ok((Head { standardisation, network: Network::Mlp { hidden, activation, output } }, passes))
}

/// Standardised examples.
struct Data<'a> {
    features: Vec<f32>,
    dimension: usize,
    labels: &'a [usize],
    weights: Vec<f32>,
}

impl<'a> Data<'a> {
    fn new(examples: &'a Examples, standardisation: &Standardisation, balance: bool) -> Self {
        Self {
            features: standardisation.applied(&examples.features),
            dimension: examples.features.dimension(),
            labels: &examples.labels,
            weights: example_weights(&examples.labels, examples.classes, balance),
        }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.features[row * self.dimension..][..self.dimension]
    }
}

#[derive(Clone, Debug)]
struct Mlp {
    hidden: Layer,
    activation: Activation,
    output: Layer,
}

/// What one example passed forward and backward leaves.
struct Trace {
    /// Hidden units after their activation.
    units: Vec<f32>,
    /// Derivatives of the loss by the logits.
    logit_errors: Vec<f32>,
    /// Derivatives of the loss by the hidden sums.
    hidden_errors: Vec<f32>,
    loss: f64,
}

impl Mlp {
    /// Weights uniform in `+-sqrt(6 / (inputs + outputs))` (Glorot and Bengio 2010), biases 0.
    fn random(
        inputs: usize,
        classes: usize,
        settings: &MlpSettings,
        random: &mut ChaCha8Rng,
    ) -> Self {
        let mut layer = |inputs: usize, outputs: usize| {
            let bound = (6.0 / (inputs + outputs) as f32).sqrt();
            let weight = (0..inputs * outputs).map(|_| random.random_range(-bound..bound));
            Layer { inputs, weight: weight.collect(), bias: vec![0.0; outputs] }
        };
        let hidden = layer(inputs, settings.hidden);
        let output = layer(settings.hidden, classes);
        Self { hidden, activation: settings.activation, output }
    }

    fn trace(&self, row: &[f32], label: usize, share: f32) -> Trace {
        let mut sums = vec![0.0; self.hidden.outputs()];
        self.hidden.apply(row, &mut sums);
        let units: Vec<f32> = sums.iter().map(|sum| self.activation.value(*sum)).collect();
        let mut logit_errors = vec![0.0; self.output.outputs()];
        self.output.apply(&units, &mut logit_errors);
        softmax(&mut logit_errors, 1.0);
        let loss = -f64::from(logit_errors[label].max(f32::MIN_POSITIVE)).ln() * f64::from(share);
        logit_errors[label] -= 1.0;
        logit_errors.iter_mut().for_each(|error| *error *= share);
        let mut hidden_errors = vec![0.0; units.len()];
        for (class, error) in logit_errors.iter().enumerate() {
            let row = self.output.row(class);
            hidden_errors.iter_mut().zip(row).for_each(|(h, weight)| *h += error * weight);
        }
        for (error, sum) in hidden_errors.iter_mut().zip(&sums) {
            *error *= self.activation.derivative(*sum);
        }
        Trace { units, logit_errors, hidden_errors, loss }
    }

    /// The mean loss of a batch and its gradient, laid out as the network.
    fn gradient(&self, data: &Data<'_>, batch: &[usize]) -> (f64, Self) {
        let scale = 1.0 / batch.len() as f32;
        let traces: Vec<Trace> = batch
            .par_iter()
            .map(|row| self.trace(data.row(*row), data.labels[*row], data.weights[*row] * scale))
            .collect();
        let hidden = outer_product(
            &self.hidden,
            &traces,
            |trace, unit| trace.hidden_errors[unit],
            |index| data.row(batch[index]),
        );
        let output = outer_product(
            &self.output,
            &traces,
            |trace, class| trace.logit_errors[class],
            |index| &traces[index].units,
        );
        let loss = traces.iter().map(|trace| trace.loss).sum();
        (loss, Self { hidden, activation: self.activation, output })
    }

    /// The weighted mean loss of all examples.
    fn loss(&self, data: &Data<'_>) -> f64 {
        let losses: Vec<f64> = (0..data.labels.len())
            .into_par_iter()
            .map(|row| self.example_loss(data.row(row), data.labels[row], data.weights[row]))
            .collect();
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }

    fn example_loss(&self, row: &[f32], label: usize, share: f32) -> f64 {
        let units: Vec<f32> = (0..self.hidden.outputs())
            .map(|unit| dot(row, self.hidden.row(unit)) + self.hidden.bias[unit])
            .map(|sum| self.activation.value(sum))
            .collect();
        let mut probabilities = vec![0.0; self.output.outputs()];
        self.output.apply(&units, &mut probabilities);
        softmax(&mut probabilities, 1.0);
        -f64::from(probabilities[label].max(f32::MIN_POSITIVE)).ln() * f64::from(share)
    }
}

/// A layer's gradient: for each output the sum over the batch of its error times the input.
/// Outputs run in parallel, each summed over the batch in order.
fn outer_product<'a>(
    layer: &Layer,
    traces: &'a [Trace],
    error: impl Fn(&Trace, usize) -> f32 + Sync,
    input: impl Fn(usize) -> &'a [f32] + Sync,
) -> Layer {
    let mut weight = vec![0.0; layer.weight.len()];
    weight.par_chunks_exact_mut(layer.inputs).enumerate().for_each(|(output, to)| {
        for (index, trace) in traces.iter().enumerate() {
            let error = error(trace, output);
            to.iter_mut().zip(input(index)).for_each(|(to, x)| *to += error * x);
        }
    });
    let bias = (0..layer.outputs())
        .map(|output| traces.iter().map(|trace| error(trace, output)).sum())
        .collect();
    Layer { inputs: layer.inputs, weight, bias }
}

/// AdamW with the customary decay of its averages, 0.9 and 0.999.
struct AdamW {
    learning_rate: f32,
    weight_decay: f32,
    steps: i32,
    averages: Vec<(f32, f32)>,
}

impl AdamW {
    fn new(network: &Mlp, settings: &MlpSettings) -> Self {
        let count = |layer: &Layer| layer.weight.len() + layer.bias.len();
        Self {
            learning_rate: settings.learning_rate,
            weight_decay: settings.weight_decay,
            steps: 0,
            averages: vec![(0.0, 0.0); count(&network.hidden) + count(&network.output)],
        }
    }

    fn step(&mut self, network: &mut Mlp, gradient: &Mlp) {
        self.steps += 1;
        let correction = (1.0 - 0.9_f32.powi(self.steps), 1.0 - 0.999_f32.powi(self.steps));
        let parts = [
            (&mut network.hidden.weight, &gradient.hidden.weight, self.weight_decay),
            (&mut network.hidden.bias, &gradient.hidden.bias, 0.0),
            (&mut network.output.weight, &gradient.output.weight, self.weight_decay),
            (&mut network.output.bias, &gradient.output.bias, 0.0),
        ];
        let mut averages = self.averages.as_mut_slice();
        for (values, gradient, decay) in parts {
            let (own, rest) = averages.split_at_mut(values.len());
            averages = rest;
            for ((value, slope), (first, second)) in values.iter_mut().zip(gradient).zip(own) {
                *first = 0.9 * *first + 0.1 * slope;
                *second = 0.999 * *second + 0.001 * slope * slope;
                let direction = *first / correction.0 / ((*second / correction.1).sqrt() + 1e-8);
                *value -= self.learning_rate * (direction + decay * *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::FeatureMatrix;

    /// Class 1 inside a ring, class 0 around it: no plane separates them.
    fn rings(count: usize, shift: f32) -> Examples {
        let mut values = Vec::new();
        let mut labels = Vec::new();
        for index in 0..count {
            let angle = index as f32 * 2.4 + shift;
            let inside = index % 2;
            let radius = if inside == 1 { 0.5 } else { 2.0 } + (angle * 3.1).sin() * 0.3;
            values.extend([radius * angle.cos(), radius * angle.sin()]);
            labels.push(inside);
        }
        Examples::new(FeatureMatrix::new(2, values).unwrap(), labels, 2).unwrap()
    }

    #[test]
    fn the_gradient_equals_finite_differences() {
        let examples = rings(12, 0.0);
        let standardisation = Standardisation::measure(&examples.features);
        let data = Data::new(&examples, &standardisation, true);
        for activation in [Activation::Gelu, Activation::Relu] {
            let settings = MlpSettings { hidden: 5, activation, ..MlpSettings::default() };
            let mut random = ChaCha8Rng::seed_from_u64(3);
            let network = Mlp::random(2, 2, &settings, &mut random);
            let batch: Vec<usize> = (0..12).collect();
            let (_, gradient) = network.gradient(&data, &batch);
            let loss = |change: &dyn Fn(&mut Mlp, f32), by: f32| {
                let mut network = network.clone();
                change(&mut network, by);
                network.gradient(&data, &batch).0
            };
            let check = |change: &dyn Fn(&mut Mlp, f32), want: f32| {
                let slope = (loss(change, 1e-3) - loss(change, -1e-3)) / 2e-3;
                assert!((slope - f64::from(want)).abs() < 2e-3, "{activation:?} {slope} {want}");
            };
            for i in 0..10 {
                check(&|n, by| n.hidden.weight[i] += by, gradient.hidden.weight[i]);
                check(&|n, by| n.output.weight[i] += by, gradient.output.weight[i]);
            }
            for i in 0..5 {
                check(&|n, by| n.hidden.bias[i] += by, gradient.hidden.bias[i]);
            }
            check(&|n, by| n.output.bias[1] += by, gradient.output.bias[1]);
        }
    }

    #[test]
    fn what_no_plane_separates_is_learnt_the_same_twice() {
        let (train, validation) = (rings(200, 0.0), rings(80, 0.7));
        let settings =
            MlpSettings { learning_rate: 2e-2, batch: 32, hidden: 16, ..MlpSettings::default() };
        let (head, passes) = train_mlp(&train, &validation, &settings).unwrap();
        let probabilities = head.probabilities(&validation.features, 1.0).unwrap();
        let right =
            (0..80).filter(|i| probabilities.prediction(*i) == validation.labels[*i]).count();
        assert!(right >= 78, "{right} of 80 after {passes} passes");
        assert_eq!(train_mlp(&train, &validation, &settings).unwrap().0, head);
        let other = MlpSettings { seed: 2, ..settings };
        assert_ne!(train_mlp(&train, &validation, &other).unwrap().0, head);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let examples = rings(8, 0.0);
        for settings in [
            MlpSettings { hidden: 0, ..MlpSettings::default() },
            MlpSettings { batch: 0, ..MlpSettings::default() },
            MlpSettings { learning_rate: f32::NAN, ..MlpSettings::default() },
        ] {
            assert!(train_mlp(&examples, &examples, &settings).is_err());
        }
    }
}
