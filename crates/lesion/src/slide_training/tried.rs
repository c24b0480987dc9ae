//! What a run or a task says of slides that it was not made of.

use std::{
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use bianque_core::Digest;

use super::{
    bags::{Bags, FeatureFolder, FileBags},
    cohort::Cohort,
    experiment::{predicted, read_run_heads, refuse_other_purpose, said, slides_of_run},
    predictions::Predictions,
    train::{PREDICTION_TILES, predict_all},
};
use crate::{
    error::{LesionError, Result},
    slide_head::{SlideHead, SlideHeadFacts, SlidePurpose, slide_head_to_bytes},
    task::{SlideTask, is_slide_task},
};

/// What heads say of slides that they have not seen.
#[derive(Clone, Debug)]
pub struct TriedHeads {
    /// The mean over the heads: what is said of each slide.
    pub predictions: Predictions,
    /// Slide by slide, what each head says.
    pub by_head: Vec<Vec<Vec<f64>>>,
    /// Digests of the heads' files.
    pub head_digests: Vec<Digest>,
}

/// The mean over heads of what each says of a slide.
#[must_use]
pub fn mean_of_heads(by_head: &[Vec<f64>]) -> Vec<f64> {
    let mut sums = vec![0.0; by_head.first().map_or(0, Vec::len)];
    for own in by_head {
        sums.iter_mut().zip(own).for_each(|(sum, value)| *sum += value);
    }
    sums.into_iter().map(|sum| sum / by_head.len() as f64).collect()
}

/// What a run's heads, or a task's, say of slides that they have not seen.
///
/// # Errors
/// When a head is broken or takes other features, or a slide cannot be read.
pub fn predict_with_run(
    folder: &Path,
    cohort: &Cohort,
    features: &FeatureFolder,
    stop: &AtomicBool,
) -> Result<TriedHeads> {
    let heads = heads_of(folder)?;
    let bags = features.bags(&cohort.features);
    refuse_seen(folder, cohort, &bags)?;
    let all: Vec<usize> = (0..bags.count()).collect();
    let mut by_head = vec![Vec::new(); all.len()];
    let mut head_digests = Vec::new();
    for (path, head, facts) in &heads {
        let encoder = &facts.encoder;
        features.facts().refuse_unless_of(
            &path.display().to_string(),
            &format!("{} {}", encoder.name, encoder.version),
            encoder.digest,
            Some(facts.recipe_digest),
        )?;
        refuse_other_purpose(path, head, &cohort.purpose)?;
        let bytes = slide_head_to_bytes(head, facts)
            .map_err(|what| LesionError::Head { path: path.clone(), what })?;
        head_digests.push(Digest::of(&bytes));
        let outputs = predict_all(head, &bags, &all, PREDICTION_TILES, 1, stop)?;
        for (slide, output) in by_head.iter_mut().zip(outputs) {
            slide.push(said(head, output, facts.temperature));
        }
    }
    let slides = by_head
        .iter()
        .enumerate()
        .map(|(slide, own)| predicted(cohort, slide, None, mean_of_heads(own)));
    let predictions = Predictions {
        purpose: cohort.purpose.clone(),
        slides: slides.collect(),
        encoder: Some(features.facts().encoder.clone()),
    };
    Ok(TriedHeads { predictions, by_head, head_digests })
}

/// The heads of a run, or of the task that was made of one.
fn heads_of(folder: &Path) -> Result<Vec<(PathBuf, SlideHead, SlideHeadFacts)>> {
    if !matches!(is_slide_task(folder), Ok(true)) {
        return read_run_heads(folder);
    }
    let heads = SlideTask::load(folder)?.heads.into_iter();
    Ok(heads.map(|(head, facts)| (folder.to_owned(), head, facts)).collect())
}

/// Refuses to measure a run on slides that it was about: most of its heads were trained on them.
fn refuse_seen(folder: &Path, cohort: &Cohort, bags: &FileBags) -> Result<()> {
    let seen = match is_slide_task(folder) {
        Ok(true) => SlideTask::load(folder)?.training_slides,
        _ => slides_of_run(folder)?,
    };
    let again: Vec<&str> = (0..bags.count())
        .filter(|bag| seen.contains(bags.slide_identity(*bag)))
        .map(|bag| cohort.rows[bag].slide.as_str())
        .collect();
    if again.is_empty() {
        return Ok(());
    }
    Err(LesionError::Data(format!(
        "{} of these slides were part of the run in {}, such as '{}': the predictions.csv of the \
         training has what a head that had not seen them said; measure that, or other slides",
        again.len(),
        folder.display(),
        again[0]
    )))
}

/// The classes or question that a run's heads answer.
///
/// # Errors
/// When the folder holds no head, or a broken one.
pub fn run_purpose(folder: &Path) -> Result<SlidePurpose> {
    heads_of(folder).map(|mut heads| heads.remove(0).1.purpose)
}
