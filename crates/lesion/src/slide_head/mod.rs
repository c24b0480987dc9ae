//! Heads of slides: from a bag of tile features to classes, a value or a hazard.
//!
//! A *bag* is the set of tiles of one slide, an *instance* one tile. What a head attends to is
//! not where a lesion is: attention explains a head, it never becomes a region.

mod forward;
mod kind;
mod loss;
mod store;
mod survival;

use serde::{Deserialize, Serialize};

pub use kind::SlideHeadKind;
pub use store::{SlideHeadFacts, slide_head_from_bytes, slide_head_to_bytes};
pub(crate) use store::{array_bytes, read_arrays};
pub(crate) use survival::{FollowedSlide, survival_loss};

use crate::{
    error::{LesionError, Result},
    head::Standardisation,
    matrix::FeatureMatrix,
    tape::{Array, Node, Parameters, Tape},
};
use forward::{Forward, Pass};

/// What is said of a slide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SlidePurpose {
    /// One of several classes: a logit each.
    Classification {
        /// Their names.
        classes: Vec<String>,
    },
    /// A value; the head gives `(value - mean) / deviation`.
    Regression {
        /// Mean of the training part.
        mean: f64,
        /// Standard deviation of the training part.
        deviation: f64,
    },
    /// A time until an event: the head gives the logarithm of the relative hazard (Cox 1972).
    Survival,
}

impl SlidePurpose {
    /// Outputs of a head.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match self {
            Self::Classification { classes } => classes.len(),
            Self::Regression { .. } | Self::Survival => 1,
        }
    }

    pub(crate) fn is_classification(&self) -> bool {
        matches!(self, Self::Classification { .. })
    }
}

/// What is known of a slide.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum SlideTarget {
    /// Its class.
    Class(usize),
    /// A value.
    Value(f64),
    /// How long a patient was followed, and whether the event happened at that time.
    Survival {
        /// In the table's unit.
        time: f64,
        /// Whether it happened; else the patient was last seen without it.
        event: bool,
    },
}

/// A head of slides.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideHead {
    pub(crate) kind: SlideHeadKind,
    pub(crate) purpose: SlidePurpose,
    pub(crate) inputs: usize,
    /// Applied to every tile first, where training measured one.
    pub(crate) standardisation: Option<Standardisation>,
    pub(crate) parameters: Parameters,
}

/// What a head says of a slide.
#[derive(Clone, Debug, PartialEq)]
pub struct SlidePrediction {
    /// Logits, the standardised value, or the logarithm of the relative hazard.
    pub outputs: Vec<f32>,
    /// Per branch, per tile: shares that sum to 1. Attention, never a lesion.
    pub attention: Vec<Vec<f32>>,
}

/// The loss on a bag and its slopes.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideGradient {
    /// The loss.
    pub loss: f64,
    /// By parameter: its name and the slope by each of its values.
    pub slopes: Vec<(String, Vec<f32>)>,
}

impl SlideHead {
    /// A head with first weights by `seed`, for features of `inputs` values.
    ///
    /// # Errors
    /// When a width is out of range or the kind does not fit the purpose.
    pub fn new(
        kind: SlideHeadKind,
        purpose: SlidePurpose,
        inputs: usize,
        seed: u64,
    ) -> Result<Self> {
        kind.check(purpose.is_classification())?;
        let outputs = purpose.outputs();
        if inputs == 0 || outputs == 0 || (purpose.is_classification() && outputs < 2) {
            let what = format!("a head of {inputs} inputs and {outputs} outputs is not possible");
            return Err(LesionError::Setting(what));
        }
        let parameters = kind.parameters(inputs, outputs, seed);
        Ok(Self { kind, purpose, inputs, standardisation: None, parameters })
    }

    /// The network.
    #[must_use]
    pub fn kind(&self) -> &SlideHeadKind {
        &self.kind
    }

    /// What it says.
    #[must_use]
    pub fn purpose(&self) -> &SlidePurpose {
        &self.purpose
    }

    /// Values per tile that it takes.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of trained values.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters.values()
    }

    /// What the head says of a bag.
    ///
    /// # Errors
    /// When the bag is empty or of another dimension.
    pub fn predict(&self, bag: &FeatureMatrix) -> Result<SlidePrediction> {
        self.predict_array(&self.bag(bag)?)
    }

    /// The loss on one bag and its slopes by every parameter, by name, without dropout: for
    /// checks against other implementations. A survival target has no loss of its own: see
    /// [`SlideHead::survival_gradient`].
    ///
    /// # Errors
    /// As [`SlideHead::predict`], and when the target does not fit the head.
    pub fn gradient(&self, bag: &FeatureMatrix, target: SlideTarget) -> Result<SlideGradient> {
        let still = Self { kind: without_dropout(&self.kind), ..self.clone() };
        let mut gradients = self.parameters.zeros_alike();
        let loss = still.step(&self.bag(bag)?, Seed::Target(target, 1.0), 0, &mut gradients)?;
        Ok(SlideGradient { loss, slopes: self.by_name(gradients) })
    }

    fn by_name(&self, gradients: Vec<Array>) -> Vec<(String, Vec<f32>)> {
        let names = self.parameters.entries.iter().map(|entry| entry.name.clone());
        names.zip(gradients.into_iter().map(|gradient| gradient.values)).collect()
    }

    /// Every parameter's name, extent (rows, columns) and values.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, (usize, usize), &[f32])> {
        let entries = self.parameters.entries.iter();
        entries.map(|e| (e.name.as_str(), (e.value.rows, e.value.columns), &e.value.values[..]))
    }

    fn bag(&self, bag: &FeatureMatrix) -> Result<Array> {
        if bag.dimension() != self.inputs {
            let (expected, actual) = (self.inputs, bag.dimension());
            return Err(LesionError::Dimension { expected, actual });
        }
        let mut array = Array::new(bag.rows(), bag.dimension(), bag.values().to_vec());
        self.standardise(&mut array);
        Ok(array)
    }

    /// Standardises a bag where it lies.
    pub(crate) fn standardise(&self, bag: &mut Array) {
        if let Some(standardisation) = &self.standardisation {
            standardisation.apply_in_place(&mut bag.values);
        }
    }

    /// As [`SlideHead::predict`], of a bag that is standardised already.
    pub(crate) fn predict_array(&self, bag: &Array) -> Result<SlidePrediction> {
        let mut tape = Tape::new(&self.parameters, None);
        let forward = self.forward(&mut tape, bag, None)?;
        let attention = forward.attention.map_or_else(Vec::new, |node| {
            let value = tape.value(node);
            (0..value.rows).map(|branch| value.row(branch).to_vec()).collect()
        });
        Ok(SlidePrediction { outputs: mean_output(&tape, &forward), attention })
    }

    fn forward<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        bag: &'a Array,
        label: Option<usize>,
    ) -> Result<Forward> {
        if bag.rows == 0 {
            return Err(LesionError::Data("a slide without tiles cannot be judged".into()));
        }
        let node = tape.constant(bag);
        let mut pass = Pass { tape, parameters: &self.parameters, bag: node, label };
        Ok(pass.run(&self.kind))
    }

    /// The output of a training pass: the logarithm of the hazard with what this seed drops.
    pub(crate) fn hazard(&self, bag: &Array, drops: u64) -> Result<f32> {
        let mut tape = Tape::new(&self.parameters, Some(drops));
        let forward = self.forward(&mut tape, bag, None)?;
        Ok(mean_output(&tape, &forward)[0])
    }

    /// Gives one bag's loss and adds its slopes to `gradients`; `drops` is the seed of what is dropped.
    pub(crate) fn step(
        &self,
        bag: &Array,
        seed: Seed,
        drops: u64,
        gradients: &mut [Array],
    ) -> Result<f64> {
        let label = match seed {
            Seed::Target(SlideTarget::Class(label), _) => Some(label),
            _ => None,
        };
        let mut tape = Tape::new(&self.parameters, Some(drops));
        let forward = self.forward(&mut tape, bag, label)?;
        let mut seeds = Vec::new();
        let share = 1.0 / forward.outputs.len() as f32;
        let bag_weight =
            if forward.instances.is_empty() { 1.0 } else { 1.0 - forward.instance_weight };
        let mut loss = 0.0;
        for node in &forward.outputs {
            let (own, slope, weight) = self.output_loss(&tape, *node, seed)?;
            loss += f64::from(share * bag_weight) * own;
            let scaled = slope.iter().map(|x| x * share * bag_weight * weight).collect();
            seeds.push((*node, Array::new(1, slope.len(), scaled)));
        }
        let groups = forward.instances.len() as f32;
        for instances in &forward.instances {
            let Seed::Target(_, weight) = seed else { continue };
            let factor = forward.instance_weight / groups / instances.labels.len() as f32;
            let mut slopes = Vec::new();
            for (row, label) in instances.labels.iter().enumerate() {
                let (own, slope) =
                    loss::cross_entropy(tape.value(instances.logits).row(row), *label);
                loss += f64::from(factor) * own;
                slopes.extend(slope.iter().map(|x| x * factor * weight));
            }
            seeds.push((instances.logits, Array::new(instances.labels.len(), 2, slopes)));
        }
        tape.backward(seeds, gradients);
        Ok(loss)
    }

    /// Loss, slopes and weight of one row of outputs.
    fn output_loss(&self, tape: &Tape<'_>, node: Node, seed: Seed) -> Result<(f64, Vec<f32>, f32)> {
        let row = &tape.value(node).values;
        match (&self.purpose, seed) {
            (_, Seed::Slope(slope)) => Ok((0.0, vec![slope], 1.0)),
            (
                SlidePurpose::Classification { classes },
                Seed::Target(SlideTarget::Class(label), weight),
            ) if label < classes.len() => {
                let (loss, slopes) = loss::cross_entropy(row, label);
                Ok((loss, slopes, weight))
            }
            (
                SlidePurpose::Regression { mean, deviation },
                Seed::Target(SlideTarget::Value(value), weight),
            ) => {
                let (loss, slope) = loss::squared_error(row[0], (value - mean) / deviation);
                Ok((loss, vec![slope], weight))
            }
            (purpose, Seed::Target(target, _)) => {
                let what = format!("a head for {purpose:?} cannot be trained on {target:?}");
                Err(LesionError::Data(what))
            }
        }
    }

    /// The loss of outputs against a target, without any instance loss: what validation compares.
    pub(crate) fn loss_of(&self, outputs: &[f32], target: SlideTarget) -> f64 {
        match (&self.purpose, target) {
            (SlidePurpose::Classification { .. }, SlideTarget::Class(label)) => {
                loss::cross_entropy(outputs, label).0
            }
            (SlidePurpose::Regression { mean, deviation }, SlideTarget::Value(value)) => {
                loss::squared_error(outputs[0], (value - mean) / deviation).0
            }
            _ => f64::NAN,
        }
    }
}

/// Where the backward pass of a bag begins.
#[derive(Copy, Clone)]
pub(crate) enum Seed {
    /// The bag's own loss, and its weight among the batch.
    Target(SlideTarget, f32),
    /// The slope of a loss over the whole batch by this bag's one output.
    Slope(f32),
}

fn mean_output(tape: &Tape<'_>, forward: &Forward) -> Vec<f32> {
    let rows: Vec<&[f32]> = forward.outputs.iter().map(|n| &tape.value(*n).values[..]).collect();
    let share = 1.0 / rows.len() as f32;
    (0..rows.first().map_or(0, |row| row.len()))
        .map(|column| rows.iter().map(|row| row[column]).sum::<f32>() * share)
        .collect()
}

fn without_dropout(kind: &SlideHeadKind) -> SlideHeadKind {
    let mut kind = kind.clone();
    if let Some(dropout) = kind.dropout_mut() {
        *dropout = 0.0;
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::mixed;

    fn small(name: &str) -> SlideHeadKind {
        let mut kind = SlideHeadKind::named(name).unwrap();
        match &mut kind {
            SlideHeadKind::Abmil { hidden, attention, branches, .. } => {
                (*hidden, *attention) = (6, 5);
                *branches = (*branches).min(3);
            }
            SlideHeadKind::Clam { hidden, attention, instances, .. } => {
                (*hidden, *attention, *instances) = (6, 5, 3);
            }
            SlideHeadKind::Dsmil { query } => *query = 5,
            SlideHeadKind::Transmil { width, heads, landmarks, .. } => {
                (*width, *heads, *landmarks) = (6, 2, 4);
            }
            SlideHeadKind::Mean | SlideHeadKind::Max => {}
        }
        kind
    }

    fn bag(tiles: usize, seed: u64) -> FeatureMatrix {
        let value = |i: usize| (mixed(seed << 20 | i as u64) % 2000) as f32 / 500.0 - 2.0;
        FeatureMatrix::new(4, (0..tiles * 4).map(value).collect()).unwrap()
    }

    fn classes(count: usize) -> SlidePurpose {
        SlidePurpose::Classification { classes: (0..count).map(|i| i.to_string()).collect() }
    }

    fn check(head: &SlideHead, target: SlideTarget) {
        let bag = bag(11, 3);
        let gradient = head.gradient(&bag, target).unwrap();
        for (index, (name, slopes)) in gradient.slopes.iter().enumerate() {
            for (place, own) in slopes.iter().enumerate() {
                let loss = |by: f32| {
                    let mut head = head.clone();
                    head.parameters.entries[index].value.values[place] += by;
                    head.gradient(&bag, target).unwrap().loss
                };
                let slope = (loss(2e-3) - loss(-2e-3)) / 4e-3;
                let away = (slope - f64::from(*own)).abs();
                assert!(away < 3e-3, "{:?} {name}[{place}]: {slope} {own}", head.kind);
            }
        }
    }

    #[test]
    fn every_heads_gradient_equals_finite_differences() {
        for name in SlideHeadKind::NAMES {
            for count in [2, 3] {
                let head = SlideHead::new(small(name), classes(count), 4, 7).unwrap();
                check(&head, SlideTarget::Class(1));
            }
            if !name.starts_with("clam") {
                let purpose = SlidePurpose::Regression { mean: 2.0, deviation: 3.0 };
                check(
                    &SlideHead::new(small(name), purpose, 4, 7).unwrap(),
                    SlideTarget::Value(4.0),
                );
            }
        }
    }

    #[test]
    fn attention_sums_to_one_and_the_order_of_tiles_says_nothing() {
        let bag = bag(40, 5);
        let turned: Vec<usize> = (0..40).rev().collect();
        for name in SlideHeadKind::NAMES.into_iter().filter(|name| *name != "transmil") {
            let head = SlideHead::new(small(name), classes(3), 4, 1).unwrap();
            let one = head.predict(&bag).unwrap();
            let other = head.predict(&bag.select(&turned)).unwrap();
            for (a, b) in one.outputs.iter().zip(&other.outputs) {
                assert!((a - b).abs() < 1e-5, "{name}");
            }
            assert_eq!(one.attention.is_empty(), !head.kind().attends());
            for branch in &one.attention {
                assert!((branch.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{name}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let head = SlideHead::new(small("abmil"), classes(2), 4, 1).unwrap();
        assert!(head.predict(&FeatureMatrix::new(4, vec![]).unwrap()).is_err());
        let other = FeatureMatrix::new(5, vec![0.0; 10]).unwrap();
        assert!(matches!(head.predict(&other), Err(LesionError::Dimension { .. })));
        assert!(head.gradient(&bag(3, 1), SlideTarget::Value(1.0)).is_err());
        assert!(head.gradient(&bag(3, 1), SlideTarget::Class(2)).is_err());
        let clam = SlideHead::new(small("clam-sb"), SlidePurpose::Survival, 4, 1);
        assert!(clam.unwrap_err().to_string().contains("abmil"));
        assert!(SlideHead::new(SlideHeadKind::Mean, classes(1), 4, 1).is_err());
    }
}
