//! One training: from bags and targets to a head that the validation part chose.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use bianque_core::Digest;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    bags::{Bags, choose},
    checkpoint::Checkpoint,
    optimiser::AdamW,
    settings::SlideTrainingSettings,
    stream::stream,
};
use crate::{
    error::{LesionError, Result},
    evaluation::{at_the_end, fit_temperature},
    head::{Standardisation, example_weights},
    matrix::FeatureMatrix,
    slide_head::{FollowedSlide, Seed, SlideHead, SlidePurpose, SlideTarget, survival_loss},
    splits::Parts,
    tape::{Array, mixed},
};

/// Tiles of each slide by which features are standardised.
const STANDARDISED_BY: usize = 64;
/// Most tiles of a slide that a prediction looks at: beyond, a fixed sample.
pub(crate) const PREDICTION_TILES: usize = 1 << 16;

/// Slides, what is known of them, and what is to be said.
#[derive(Copy, Clone)]
pub struct SlideTrainingData<'a> {
    /// Tiles, a bag a slide.
    pub bags: &'a dyn Bags,
    /// One a slide.
    pub targets: &'a [SlideTarget],
    /// What the head says. A regression's mean and deviation are measured anew on the part that
    /// is trained on.
    pub purpose: &'a SlidePurpose,
}

/// One pass over the slides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean loss of training, with dropout and instance loss.
    pub train_loss: f64,
    /// Loss on the validation part, without either.
    pub validation_loss: f64,
    /// Seconds of training; 0 in a record that was read back.
    #[serde(skip)]
    pub train_seconds: f64,
}

/// A trained head and how it came about.
#[derive(Clone, Debug)]
pub struct TrainedSlideHead {
    /// The weights of the lowest validation loss.
    pub head: SlideHead,
    /// What logits are divided by, from the validation part; 1 where nothing is classified.
    pub temperature: f64,
    /// Every pass.
    pub history: Vec<EpochRecord>,
    /// The pass whose weights were kept.
    pub best_epoch: usize,
    /// Its validation loss.
    pub validation_loss: f64,
}

/// Where a training keeps its state, whom it tells, and what stops it.
#[derive(Copy, Clone)]
pub struct SlideTrainingWatch<'a> {
    /// Where the state after each pass is kept, and taken up from.
    pub checkpoint: Option<&'a PathBuf>,
    /// Is told of every pass.
    pub progress: &'a (dyn Fn(&EpochRecord) + Sync),
    /// Ends the training, to be taken up from the last whole pass.
    pub stop: &'a AtomicBool,
}

/// Trains a head. The same data, parts and settings give the same head on any number of threads,
/// whether it was interrupted or not.
///
/// # Errors
/// When a setting is out of range, the parts do not fit, a class or event is missing from the
/// training part, a bag cannot be read or is empty, or it was stopped.
pub fn train_slide_head(
    data: &SlideTrainingData<'_>,
    parts: &Parts,
    settings: &SlideTrainingSettings,
    watch: &SlideTrainingWatch<'_>,
) -> Result<TrainedSlideHead> {
    settings.check(data.purpose.is_classification())?;
    let purpose = measured_purpose(data, parts)?;
    let mut run = Run::begin(data, parts, settings, purpose)?;
    let plan = run.plan();
    let mut state = match watch.checkpoint {
        Some(path) => Checkpoint::read(path, plan, &run.head)?,
        None => None,
    }
    .unwrap_or_else(|| Checkpoint::first(&run.head));
    while state.epoch() < settings.epochs && state.epoch() - state.best_epoch <= settings.patience {
        run.head.parameters = state.parameters.clone();
        let begun = Instant::now();
        let epoch = state.epoch() + 1;
        let train_loss = run.pass(epoch, &mut state.optimiser, watch.stop)?;
        let train_seconds = begun.elapsed().as_secs_f64();
        let validation_loss = run.validation_loss(watch.stop)?;
        let record = EpochRecord { epoch, train_loss, validation_loss, train_seconds };
        (watch.progress)(&record);
        if !(train_loss.is_finite() && validation_loss.is_finite()) {
            return Err(LesionError::Setting(format!(
                "the loss of pass {epoch} is no number: the learning rate {} is too high",
                settings.learning_rate
            )));
        }
        state.parameters.clone_from(&run.head.parameters);
        state.finish(record);
        if let Some(path) = watch.checkpoint {
            state.write(path, plan)?;
        }
    }
    run.head.parameters = state.best;
    let temperature = run.temperature(watch.stop)?;
    let validation_loss = state.best_loss;
    let (history, best_epoch) = (state.history, state.best_epoch);
    Ok(TrainedSlideHead { head: run.head, temperature, history, best_epoch, validation_loss })
}

/// The purpose with what only the training part knows; refuses a part that teaches nothing.
fn measured_purpose(data: &SlideTrainingData<'_>, parts: &Parts) -> Result<SlidePurpose> {
    if data.targets.len() != data.bags.count() || parts.validation.is_empty() {
        let what = "bags and targets do not fit, or the validation part is empty";
        return Err(LesionError::Data(what.into()));
    }
    let mut used = vec![false; data.targets.len()];
    for index in parts.train.iter().chain(&parts.validation).chain(&parts.test) {
        match used.get_mut(*index) {
            Some(used) if !*used => *used = true,
            _ => {
                let what = format!("slide {index} does not exist or stands in two parts");
                return Err(LesionError::Data(what));
            }
        }
    }
    let train = || parts.train.iter().map(|index| data.targets[*index]);
    match data.purpose {
        SlidePurpose::Classification { classes } => {
            let has = |class: usize| train().any(|target| target == SlideTarget::Class(class));
            if let Some(class) = (0..classes.len()).find(|class| !has(*class)) {
                let what = format!("class '{}' has no slide to train on", classes[class]);
                return Err(LesionError::Data(what));
            }
        }
        SlidePurpose::Regression { .. } => {
            let values: Vec<f64> = train()
                .filter_map(|target| match target {
                    SlideTarget::Value(value) => Some(value),
                    _ => None,
                })
                .collect();
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            let deviation = (squares / values.len().max(1) as f64).sqrt();
            if !(deviation.is_finite() && deviation > 0.0) {
                let what = "the training part's values are all the same: nothing can be learnt";
                return Err(LesionError::Data(what.into()));
            }
            return Ok(SlidePurpose::Regression { mean, deviation });
        }
        SlidePurpose::Survival => {
            let happened = |target| matches!(target, SlideTarget::Survival { event: true, .. });
            if !train().any(happened) {
                let what = "no event happened in the training part: nothing can be learnt";
                return Err(LesionError::Data(what.into()));
            }
        }
    }
    Ok(data.purpose.clone())
}

/// A training under way.
struct Run<'a> {
    data: &'a SlideTrainingData<'a>,
    parts: &'a Parts,
    settings: &'a SlideTrainingSettings,
    head: SlideHead,
    /// A slide each: how much it counts.
    weights: Vec<f32>,
    gradients: Vec<Array>,
}

impl<'a> Run<'a> {
    fn begin(
        data: &'a SlideTrainingData<'a>,
        parts: &'a Parts,
        settings: &'a SlideTrainingSettings,
        purpose: SlidePurpose,
    ) -> Result<Self> {
        let inputs = data.bags.dimension();
        let mut head = SlideHead::new(settings.head.clone(), purpose, inputs, settings.seed)?;
        if settings.standardise {
            head.standardisation = Some(standardisation(data.bags, &parts.train, settings.seed)?);
        }
        let gradients = head.parameters.zeros_alike();
        let weights = slide_weights(data, parts, settings.balance);
        Ok(Self { data, parts, settings, head, weights, gradients })
    }

    /// The digest of everything that decides the result.
    fn plan(&self) -> Digest {
        let mut builder = Digest::builder();
        let told = serde_json::to_vec(&(self.settings, &self.head.purpose)).unwrap_or_default();
        builder.update(&told);
        for part in [&self.parts.train, &self.parts.validation] {
            builder.update(&(part.len() as u64).to_le_bytes());
            for index in part {
                builder.update(&(*index as u64).to_le_bytes());
                builder.update(&(self.data.bags.tiles(*index) as u64).to_le_bytes());
                builder.update(format!("{:?}", self.data.targets[*index]).as_bytes());
            }
        }
        if let Some(standardisation) = &self.head.standardisation {
            for value in standardisation.mean.iter().chain(&standardisation.scale) {
                builder.update(&value.to_le_bytes());
            }
        }
        builder.finish()
    }

    /// One pass over the training part; gives the mean loss.
    fn pass(&mut self, epoch: usize, optimiser: &mut AdamW, stop: &AtomicBool) -> Result<f64> {
        let seed = pass_seed(self.settings.seed, epoch);
        let order = slide_order(&self.parts.train, self.settings.seed, epoch);
        let chosen = |slide: &usize| {
            let rows = choose(
                self.data.bags.tiles(*slide),
                self.settings.tiles,
                mixed(seed ^ mixed(*slide as u64)),
            );
            (*slide, rows)
        };
        let jobs: Vec<_> = order.iter().map(chosen).collect();
        let (bags, batch) = (self.data.bags, self.settings.batch);
        let mut held: Vec<(usize, Array)> = Vec::with_capacity(batch);
        let (mut loss, mut steps, mut left) = (0.0, 0_usize, jobs.len());
        stream(bags, jobs, stop, |slide, bag| {
            let mut bag = array(bag);
            self.head.standardise(&mut bag);
            held.push((slide, bag));
            left -= 1;
            if held.len() == batch || left == 0 {
                loss += self.batch_step(&held, seed, optimiser)?;
                steps += held.len();
                held.clear();
            }
            Ok(())
        })?;
        Ok(loss / steps.max(1) as f64)
    }

    /// One step of the optimiser; gives the summed loss.
    fn batch_step(
        &mut self,
        held: &[(usize, Array)],
        seed: u64,
        optimiser: &mut AdamW,
    ) -> Result<f64> {
        let drops = |slide: usize| mixed(seed.wrapping_add(mixed(!(slide as u64))));
        let mut loss = 0.0;
        if self.head.purpose == SlidePurpose::Survival {
            let target = |slide: usize| self.data.targets[slide];
            let of = held.iter().map(|(slide, bag)| (bag, drops(*slide), target(*slide)));
            let of: Vec<FollowedSlide<'_>> = of.collect();
            loss = self.head.survival_step(&of, &mut self.gradients)? * held.len() as f64;
        } else {
            for (slide, bag) in held {
                let weight = self.weights[*slide] / held.len() as f32;
                let seed = Seed::Target(self.data.targets[*slide], weight);
                let own = self.head.step(bag, seed, drops(*slide), &mut self.gradients)?;
                loss += own * f64::from(self.weights[*slide]);
            }
        }
        let (rate, decay) = (self.settings.learning_rate, self.settings.weight_decay);
        optimiser.step(&mut self.head.parameters, &mut self.gradients, rate, decay);
        Ok(loss)
    }

    /// Outputs of the validation part, each slide by the same sample of tiles every time.
    fn validation_outputs(&self, stop: &AtomicBool) -> Result<Vec<Vec<f32>>> {
        predict_all(
            &self.head,
            self.data.bags,
            &self.parts.validation,
            self.settings.tiles,
            self.settings.seed,
            stop,
        )
    }

    fn validation_loss(&self, stop: &AtomicBool) -> Result<f64> {
        let outputs = self.validation_outputs(stop)?;
        let slides = &self.parts.validation;
        if self.head.purpose == SlidePurpose::Survival {
            let hazards: Vec<f32> = outputs.iter().map(|output| output[0]).collect();
            let targets = slides.iter().map(|slide| self.data.targets[*slide]);
            return Ok(survival_loss(&hazards, targets)?.0);
        }
        let (mut loss, mut weights) = (0.0, 0.0);
        for (slide, output) in slides.iter().zip(&outputs) {
            let weight = f64::from(self.weights[*slide]);
            loss += weight * self.head.loss_of(output, self.data.targets[*slide]);
            weights += weight;
        }
        Ok(loss / weights)
    }

    fn temperature(&self, stop: &AtomicBool) -> Result<f64> {
        let SlidePurpose::Classification { classes } = &self.head.purpose else { return Ok(1.0) };
        let logits: Vec<f32> = self.validation_outputs(stop)?.concat();
        let label = |slide: &usize| match self.data.targets[*slide] {
            SlideTarget::Class(label) => label,
            _ => usize::MAX,
        };
        let labels: Vec<usize> = self.parts.validation.iter().map(label).collect();
        let temperature = fit_temperature(&logits, &labels, classes.len())?;
        // A part without an error would make every verdict certain, of however few slides it is.
        Ok(if temperature < 1.0 && at_the_end(temperature) { 1.0 } else { temperature })
    }
}

/// One weight a slide; validation slides weigh as the training part's of their class.
fn slide_weights(data: &SlideTrainingData<'_>, parts: &Parts, balance: bool) -> Vec<f32> {
    let mut weights = vec![1.0; data.targets.len()];
    if let (SlidePurpose::Classification { classes }, true) = (data.purpose, balance) {
        let class = |slide: usize| match data.targets[slide] {
            SlideTarget::Class(class) if class < classes.len() => Some(class),
            _ => None,
        };
        let labels: Vec<usize> = parts.train.iter().filter_map(|slide| class(*slide)).collect();
        let own = example_weights(&labels, classes.len(), true);
        let mut of_class = vec![1.0; classes.len()];
        labels.iter().zip(own).for_each(|(label, weight)| of_class[*label] = weight);
        for (slide, weight) in weights.iter_mut().enumerate() {
            *weight = class(slide).map_or(1.0, |class| of_class[class]);
        }
    }
    weights
}

fn standardisation(bags: &dyn Bags, slides: &[usize], seed: u64) -> Result<Standardisation> {
    let mut all = FeatureMatrix::new(bags.dimension(), Vec::new())?;
    for slide in slides {
        let rows = choose(bags.tiles(*slide), STANDARDISED_BY, mixed(seed ^ *slide as u64));
        all.append(&bags.read(*slide, rows.as_deref())?)?;
    }
    Ok(Standardisation::measure(&all))
}

fn pass_seed(seed: u64, epoch: usize) -> u64 {
    mixed(seed ^ mixed(epoch as u64))
}

/// The order in which a pass (from 1) takes the training part: for trainings elsewhere that are
/// to be compared.
#[must_use]
pub fn slide_order(train: &[usize], seed: u64, epoch: usize) -> Vec<usize> {
    let mut order = train.to_vec();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(pass_seed(seed, epoch)));
    order
}

/// Outputs of a head for some slides, each by at most `tiles` of its tiles.
pub(crate) fn predict_all(
    head: &SlideHead,
    bags: &dyn Bags,
    slides: &[usize],
    tiles: usize,
    seed: u64,
    stop: &AtomicBool,
) -> Result<Vec<Vec<f32>>> {
    let tiles = tiles.min(head.kind().most_tiles());
    let chosen = |slide: &usize| {
        (*slide, choose(bags.tiles(*slide), tiles, mixed(seed ^ mixed(!(*slide as u64)))))
    };
    let mut outputs = Vec::with_capacity(slides.len());
    stream(bags, slides.iter().map(chosen).collect(), stop, |_, bag| {
        let mut bag = array(bag);
        head.standardise(&mut bag);
        outputs.push(head.predict_array(&bag)?.outputs);
        Ok(())
    })?;
    Ok(outputs)
}

/// The mean of each slide's tiles (of more than 65,536 a fixed sample), a vector a slide.
///
/// # Errors
/// When a slide cannot be read or has no tile, or it was stopped.
pub fn mean_features(bags: &dyn Bags, stop: &AtomicBool) -> Result<FeatureMatrix> {
    let chosen = |slide: usize| (slide, choose(bags.tiles(slide), PREDICTION_TILES, 1));
    let mut means = Vec::new();
    stream(bags, (0..bags.count()).map(chosen).collect(), stop, |slide, bag| {
        if bag.rows() == 0 {
            return Err(LesionError::Data(format!("slide {slide} has no tile with features")));
        }
        let mut sums = vec![0.0_f64; bag.dimension()];
        for row in 0..bag.rows() {
            sums.iter_mut().zip(bag.row(row)).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        means.extend(sums.iter().map(|sum| (sum / bag.rows() as f64) as f32));
        Ok(())
    })?;
    FeatureMatrix::new(bags.dimension(), means)
}

fn array(bag: FeatureMatrix) -> Array {
    let (rows, columns) = (bag.rows(), bag.dimension());
    Array::new(rows, columns, bag.into_values())
}

/// Whether a person asked to stop.
pub(super) fn stopped(stop: &AtomicBool) -> Result<()> {
    if stop.load(Ordering::Relaxed) { Err(LesionError::Cancelled) } else { Ok(()) }
}
