//! Heads: from a tile's feature vector to class logits: linear, through one hidden layer, by
//! nearest neighbours or by prototypes.

mod exemplars;
mod lbfgs;
mod logistic;
mod mlp;
mod refit;
mod store;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use exemplars::{
    Exemplars, NeighbourSettings, PrototypeSettings, find_prototypes, keep_neighbours,
};
pub use logistic::{LogisticSettings, train_logistic};
pub use mlp::{MlpSettings, train_mlp};
pub use refit::{
    RefitSettings, RegionJudgement, StatedAgreement, StatedRegion, Statement, choose_pull,
    hold_out, judge_region, refit_head, stated_agreement,
};
pub use store::{head_from_bytes, head_to_bytes};

use crate::{
    error::{LesionError, Result},
    matrix::{FeatureMatrix, Probabilities},
};

/// Rows that one thread works on at a time. Fixed, so that sums do not depend on the machine.
const CHUNK: usize = 256;

/// A trained head: standardises features, then maps them to one logit a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub(crate) standardisation: Standardisation,
    pub(crate) network: Network,
}

/// The part of a head that was trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Network {
    /// Multinomial logistic regression.
    Linear(Layer),
    /// One hidden layer.
    Mlp {
        /// Features to hidden units.
        hidden: Layer,
        /// What the hidden units do.
        activation: Activation,
        /// Hidden units to classes.
        output: Layer,
    },
    /// The votes of the nearest kept examples.
    Neighbours {
        /// The examples.
        exemplars: Exemplars,
        /// How many vote.
        neighbours: usize,
    },
    /// The likeness to each class's nearest prototype.
    Prototypes {
        /// The prototypes.
        exemplars: Exemplars,
    },
}

/// What a hidden unit does with its sum.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x * Phi(x)` with the normal distribution's Phi (Hendrycks and Gimpel 2016), by erf.
    Gelu,
}

/// A fully connected layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Values in.
    pub inputs: usize,
    /// `outputs x inputs`, row by row.
    pub weight: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

impl Layer {
    /// Values out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights of one output.
    fn row(&self, output: usize) -> &[f32] {
        &self.weight[output * self.inputs..][..self.inputs]
    }

    fn apply(&self, input: &[f32], out: &mut [f32]) {
        for (output, value) in out.iter_mut().enumerate() {
            *value = dot(input, self.row(output)) + self.bias[output];
        }
    }
}

/// `(x - mean) * scale` per feature, with mean and standard deviation of the training features.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation {
    /// Per feature.
    pub mean: Vec<f32>,
    /// Per feature: one over the standard deviation.
    pub scale: Vec<f32>,
}

impl Standardisation {
    /// Measures features; one that never varies is centred and not scaled.
    #[must_use]
    pub fn measure(features: &FeatureMatrix) -> Self {
        let count = features.rows().max(1) as f64;
        let mut mean = vec![0.0_f64; features.dimension()];
        for row in 0..features.rows() {
            mean.iter_mut().zip(features.row(row)).for_each(|(m, x)| *m += f64::from(*x));
        }
        mean.iter_mut().for_each(|m| *m /= count);
        let mut variance = vec![0.0_f64; features.dimension()];
        for row in 0..features.rows() {
            for ((v, m), x) in variance.iter_mut().zip(&mean).zip(features.row(row)) {
                *v += (f64::from(*x) - m).powi(2);
            }
        }
        let scale = |(variance, mean): (&f64, &f64)| {
            let deviation = (variance / count).sqrt();
            // Below f32 rounding of the mean, what varies is noise.
            if deviation > 1e-6 * mean.abs().max(1e-6) { (1.0 / deviation) as f32 } else { 1.0 }
        };
        Self {
            scale: variance.iter().zip(&mean).map(scale).collect(),
            mean: mean.iter().map(|m| *m as f32).collect(),
        }
    }

    fn apply(&self, row: &[f32], out: &mut [f32]) {
        for (((out, x), mean), scale) in out.iter_mut().zip(row).zip(&self.mean).zip(&self.scale) {
            *out = (x - mean) * scale;
        }
    }

    /// Standardises rows where they lie.
    pub(crate) fn apply_in_place(&self, values: &mut [f32]) {
        values.par_chunks_exact_mut(self.mean.len().max(1)).for_each(|row| {
            for ((x, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = (*x - mean) * scale;
            }
        });
    }

    /// All features standardised.
    #[must_use]
    pub(crate) fn applied(&self, features: &FeatureMatrix) -> Vec<f32> {
        let mut out = vec![0.0; features.values().len()];
        let dimension = features.dimension();
        out.par_chunks_exact_mut(dimension)
            .enumerate()
            .for_each(|(row, out)| self.apply(features.row(row), out));
        out
    }
}

impl Head {
    /// Values per tile that the head takes.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.standardisation.mean.len()
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        match &self.network {
            Network::Linear(layer) => layer.outputs(),
            Network::Mlp { output, .. } => output.outputs(),
            Network::Neighbours { exemplars, .. } | Network::Prototypes { exemplars } => {
                exemplars.classes
            }
        }
    }

    /// The trained part.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Whether its logits are linear in the features.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        matches!(self.network, Network::Linear(_))
    }

    /// Logits of every tile, tile by tile, [`Head::classes`] each.
    ///
    /// # Errors
    /// When the features have another dimension than the head takes.
    pub fn logits(&self, features: &FeatureMatrix) -> Result<Vec<f32>> {
        if features.dimension() != self.dimension() {
            return Err(LesionError::Dimension {
                expected: self.dimension(),
                actual: features.dimension(),
            });
        }
        let classes = self.classes();
        let mut logits = vec![0.0; features.rows() * classes];
        logits.par_chunks_mut(classes * CHUNK).enumerate().for_each(|(chunk, out)| {
            let mut standard = vec![0.0; self.dimension()];
            for (index, out) in out.chunks_exact_mut(classes).enumerate() {
                self.standardisation.apply(features.row(chunk * CHUNK + index), &mut standard);
                self.network.apply(&standard, out);
            }
        });
        Ok(logits)
    }

    /// Calibrated probabilities of every tile.
    ///
    /// # Errors
    /// As [`Head::logits`], and when the temperature is not positive.
    pub fn probabilities(
        &self,
        features: &FeatureMatrix,
        temperature: f64,
    ) -> Result<Probabilities> {
        Probabilities::from_logits(self.classes(), self.logits(features)?, temperature)
    }
}

impl Network {
    fn apply(&self, standard: &[f32], out: &mut [f32]) {
        match self {
            Self::Linear(layer) => layer.apply(standard, out),
            Self::Neighbours { exemplars, neighbours } => {
                exemplars.votes(standard, *neighbours, out);
            }
            Self::Prototypes { exemplars } => exemplars.nearest(standard, out),
            Self::Mlp { hidden, activation, output } => {
                let mut between = vec![0.0; hidden.outputs()];
                hidden.apply(standard, &mut between);
                between.iter_mut().for_each(|value| *value = activation.value(*value));
                output.apply(&between, out);
            }
        }
    }
}

impl Activation {
    fn value(self, x: f32) -> f32 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Gelu => x * normal_distribution(x),
        }
    }

    fn derivative(self, x: f32) -> f32 {
        match self {
            Self::Relu => f32::from(u8::from(x > 0.0)),
            Self::Gelu => {
                let density = (-0.5 * x * x).exp() * 0.398_942_3;
                normal_distribution(x) + x * density
            }
        }
    }
}

/// The normal distribution function through erf (Abramowitz and Stegun 7.1.26, error < 1.5e-7).
fn normal_distribution(x: f32) -> f32 {
    let z = f64::from(x.abs()) / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let erf = 1.0 - polynomial * (-z * z).exp();
    (if x < 0.0 { 0.5 * (1.0 - erf) } else { 0.5 * (1.0 + erf) }) as f32
}

/// The dot product in eight running sums: fixed order on every machine, and vectorised.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// One weight an example: all 1, or `examples / (classes * examples of its class)`, so that every
/// class counts the same.
pub(crate) fn example_weights(labels: &[usize], classes: usize, balance: bool) -> Vec<f32> {
    if !balance {
        return vec![1.0; labels.len()];
    }
    let mut counts = vec![0_usize; classes];
    labels.iter().for_each(|label| counts[*label] += 1);
    let present = counts.iter().filter(|count| **count > 0).count();
    labels
        .iter()
        .map(|label| (labels.len() as f64 / (present * counts[*label]) as f64) as f32)
        .collect()
}

/// Examples that a head can be trained on: every class is there, at least two.
#[derive(Clone, Debug)]
pub struct Examples {
    pub(crate) features: FeatureMatrix,
    pub(crate) labels: Vec<usize>,
    pub(crate) classes: usize,
}

impl Examples {
    /// Feature vectors, one label each.
    ///
    /// # Errors
    /// When the numbers differ, a label is no class, there are fewer than two classes or a class
    /// has no example.
    pub fn new(features: FeatureMatrix, labels: Vec<usize>, classes: usize) -> Result<Self> {
        if features.rows() != labels.len() {
            let (rows, labels) = (features.rows(), labels.len());
            return Err(LesionError::Data(format!("{rows} feature vectors for {labels} labels")));
        }
        if let Some(label) = labels.iter().find(|label| **label >= classes) {
            return Err(LesionError::Data(format!("label {label} of {classes} classes")));
        }
        if classes < 2 {
            let what = "a head needs at least two classes: add a folder of another class";
            return Err(LesionError::Data(what.into()));
        }
        match (0..classes).find(|class| !labels.contains(class)) {
            Some(class) => Err(LesionError::Data(format!(
                "class {class} has no example to train on: give it some, or leave it out"
            ))),
            None => Ok(Self { features, labels, classes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_features_have_mean_0_and_deviation_1() {
        let features =
            FeatureMatrix::new(3, vec![1.0, 5.0, 1e6, 3.0, 5.0, 2e6, 5.0, 5.0, 3e6]).unwrap();
        let standard = Standardisation::measure(&features).applied(&features);
        let root = 1.5_f32.sqrt();
        for (got, want) in standard.iter().zip([-root, 0.0, -root, 0.0, 0.0, 0.0, root, 0.0, root])
        {
            assert!((got - want).abs() < 1e-5, "{standard:?}");
        }
    }

    #[test]
    fn gelu_has_the_values_of_its_definition() {
        // x * Phi(x) from tables of the normal distribution.
        for (x, want) in [(0.0, 0.0), (1.0, 0.841_345), (-1.0, -0.158_655), (2.0, 1.954_5)] {
            assert!((Activation::Gelu.value(x) - want).abs() < 1e-5, "{x}");
        }
        for activation in [Activation::Gelu, Activation::Relu] {
            for x in [-2.0_f32, -0.3, 0.4, 1.7] {
                let slope = (activation.value(x + 1e-3) - activation.value(x - 1e-3)) / 2e-3;
                assert!((activation.derivative(x) - slope).abs() < 1e-3, "{activation:?} {x}");
            }
        }
    }

    #[test]
    fn another_encoders_features_are_refused() {
        let layer = Layer { inputs: 2, weight: vec![0.0; 4], bias: vec![0.0; 2] };
        let standardisation = Standardisation { mean: vec![0.0; 2], scale: vec![1.0; 2] };
        let head = Head { standardisation, network: Network::Linear(layer) };
        let features = FeatureMatrix::new(3, vec![0.0; 3]).unwrap();
        let error = head.logits(&features).unwrap_err();
        assert!(matches!(error, LesionError::Dimension { expected: 2, actual: 3 }));
    }

    #[test]
    fn one_class_or_a_class_without_examples_is_refused() {
        let features = || FeatureMatrix::new(1, vec![0.0, 1.0]).unwrap();
        assert!(Examples::new(features(), vec![0, 0], 1).is_err());
        assert!(Examples::new(features(), vec![0, 0], 2).is_err());
        assert!(Examples::new(features(), vec![0, 2], 2).is_err());
        assert!(Examples::new(features(), vec![0], 2).is_err());
        assert!(Examples::new(features(), vec![1, 0], 2).is_ok());
    }

    #[test]
    fn balanced_weights_make_classes_equal() {
        let weights = example_weights(&[0, 0, 0, 1], 2, true);
        assert!((weights[..3].iter().sum::<f32>() - weights[3]).abs() < 1e-6);
        assert!((weights.iter().sum::<f32>() - 4.0).abs() < 1e-6);
    }
}
