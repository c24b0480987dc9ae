//! A whole experiment: every part held out once, settings chosen, predictions kept, in a folder
//! that a stopped experiment is taken up from.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

use super::{
    bags::{Bags, FeatureFolder, FileBags},
    cohort::Cohort,
    predictions::{PredictedSlide, Predictions},
    reference::RunReference,
    settings::SlideTrainingSettings,
    split::SlideSplit,
    table::{Table, field},
    train::{
        EpochRecord, PREDICTION_TILES, SlideTrainingData, SlideTrainingWatch, predict_all,
        train_slide_head,
    },
};
use crate::{
    error::{LesionError, Result},
    files::{at, read_bounded, write_whole},
    matrix::softmax,
    slide_features::FeatureFacts,
    slide_head::{
        SlideHead, SlideHeadFacts, SlidePurpose, slide_head_from_bytes, slide_head_to_bytes,
    },
    splits::{Parts, patient_folds},
};

const MAX_FILE: u64 = 1 << 32;

/// What is tried, and how it is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentSettings {
    /// Settings to choose among; one where nothing is to be chosen.
    pub candidates: Vec<SlideTrainingSettings>,
    /// How slides are held out.
    pub split: SlideSplit,
    /// Seed of the parts.
    pub seed: u64,
}

/// What came of one part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldReport {
    /// The part's name, also of its folder.
    pub name: String,
    /// Slides to train on, to choose by, to measure on.
    pub slides: (usize, usize, usize),
    /// The place of the settings that were taken.
    pub chosen: usize,
    /// By candidate: the loss that it was chosen by, where there were several.
    pub losses: Vec<f64>,
    /// Every pass of the training that was kept.
    pub history: Vec<EpochRecord>,
    /// The pass whose weights were kept.
    pub best_epoch: usize,
    /// What logits are divided by.
    pub temperature: f64,
    /// The digest of the head's file.
    pub head_digest: Digest,
}

/// What came of an experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Part by part.
    pub folds: Vec<FoldReport>,
    /// Every slide that was held out, as the head that had not seen it judged it.
    pub predictions: Predictions,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Who is told, and what stops it.
#[derive(Copy, Clone)]
pub struct ExperimentWatch<'a> {
    /// Is told what is trained, and of every pass.
    pub progress: &'a (dyn Fn(&str, &EpochRecord) + Sync),
    /// Is told what was trained, and how it ended.
    pub finished: &'a (dyn Fn(&str, &TrainingEnd) + Sync),
    /// Ends the experiment, to be taken up again.
    pub stop: &'a AtomicBool,
}

/// How a training ended.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct TrainingEnd {
    /// Passes that were made.
    pub passes: usize,
    /// The one whose weights were kept.
    pub best: usize,
    /// Its validation loss.
    pub validation_loss: f64,
}

/// Runs an experiment, or what is left of it, in `folder`.
///
/// # Errors
/// When the parts are not possible, the folder holds another experiment, or as
/// [`train_slide_head`].
pub fn run_experiment(
    cohort: &Cohort,
    features: &FeatureFolder,
    settings: &ExperimentSettings,
    folder: &Path,
    watch: &ExperimentWatch<'_>,
) -> Result<Experiment> {
    let mut warnings = cohort.warnings.clone();
    if settings.candidates.is_empty() {
        return Err(LesionError::Setting("no head was named".into()));
    }
    let parts = settings.split.parts(cohort, settings.seed, &mut warnings)?;
    warnings.extend(small_classes(cohort, parts.len()));
    let bags = features.bags(&cohort.features);
    if let Some(empty) = (0..bags.count()).find(|bag| bags.tiles(*bag) == 0) {
        return Err(LesionError::Data(format!(
            "slide '{}' has no tile with features: leave it out of the table, or see why it has \
             no tissue (`bianque check`)",
            cohort.rows[empty].slide
        )));
    }
    claim(folder, plan(cohort, features, settings, &bags))?;
    write_seen(folder, cohort, &bags)?;
    RunReference::keep(folder, cohort, &bags, watch.stop)?;
    let facts = features.facts();
    let lab = Laboratory { cohort, bags: &bags, facts, settings, folder, watch };
    let mut folds = Vec::new();
    let mut slides = Vec::new();
    for (name, parts) in &parts {
        let (report, head) = lab.fold(name, parts)?;
        let outputs =
            predict_all(&head, &bags, &parts.test, PREDICTION_TILES, settings.seed, watch.stop)?;
        for (slide, output) in parts.test.iter().zip(outputs) {
            slides.push(predicted(
                cohort,
                *slide,
                Some(name),
                said(&head, output, report.temperature),
            ));
        }
        folds.push(report);
    }
    let encoder = Some(facts.encoder.clone());
    let predictions = Predictions { purpose: cohort.purpose.clone(), slides, encoder };
    predictions.write(&folder.join("predictions.csv"))?;
    Ok(Experiment { folds, predictions, warnings })
}

/// Keeps which slides an experiment was about.
fn write_seen(folder: &Path, cohort: &Cohort, bags: &FileBags) -> Result<()> {
    let mut text = String::from("slide,patient,identity\n");
    for (bag, row) in cohort.rows.iter().enumerate() {
        let identity = bags.slide_identity(bag);
        let line = [row.slide.as_str(), &row.patient, identity].map(field).join(",");
        text.push_str(&line);
        text.push('\n');
    }
    write_whole(&folder.join("slides.csv"), text.as_bytes())
}

/// What names the content of the slides that a run was about.
pub(crate) fn slides_of_run(folder: &Path) -> Result<BTreeSet<String>> {
    let table = Table::read(&folder.join("slides.csv"))?;
    Ok(table.rows.into_iter().filter_map(|(_, mut fields)| fields.pop()).collect())
}

/// A run's heads with their files, which are read in the order of their names.
pub(crate) fn read_run_heads(folder: &Path) -> Result<Vec<(PathBuf, SlideHead, SlideHeadFacts)>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(at(folder))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("head.safetensors")))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    if paths.is_empty() {
        let what = format!("{} holds no trained head: give a run's folder", folder.display());
        return Err(LesionError::Data(what));
    }
    let read = |path: PathBuf| {
        let bytes = read_bounded(&path, MAX_FILE)?;
        let (head, facts) = slide_head_from_bytes(&bytes)
            .map_err(|what| LesionError::Head { path: path.clone(), what })?;
        Ok((path, head, facts))
    };
    paths.into_iter().map(read).collect()
}

/// Refuses a head that answers another question than the one that is asked.
pub(crate) fn refuse_other_purpose(
    path: &Path,
    head: &SlideHead,
    wanted: &SlidePurpose,
) -> Result<()> {
    let fits = match (&head.purpose, wanted) {
        (
            SlidePurpose::Classification { classes },
            SlidePurpose::Classification { classes: own },
        ) => classes == own,
        (SlidePurpose::Regression { .. }, SlidePurpose::Regression { .. })
        | (SlidePurpose::Survival, SlidePurpose::Survival) => true,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let what = format!("it says {:?}, the table asks for {wanted:?}", head.purpose);
    Err(LesionError::Head { path: path.to_owned(), what })
}

/// Classes with few patients: what a person should know.
fn small_classes(cohort: &Cohort, folds: usize) -> Vec<String> {
    let SlidePurpose::Classification { classes } = &cohort.purpose else { return Vec::new() };
    let strata = cohort.strata();
    let patients = |class: usize| {
        let own = strata.iter().zip(&cohort.patient_of).filter(|(stratum, _)| **stratum == class);
        own.map(|(_, patient)| *patient).collect::<BTreeSet<_>>().len()
    };
    let few = (0..classes.len()).map(|class| (class, patients(class)));
    few.filter(|(_, count)| *count < folds.max(5))
        .map(|(class, count)| {
            let class = &classes[class];
            format!("class '{class}' has slides of {count} patients only: not every part has one")
        })
        .collect()
}

/// The digest of everything that decides an experiment.
fn plan(
    cohort: &Cohort,
    features: &FeatureFolder,
    settings: &ExperimentSettings,
    bags: &FileBags,
) -> Digest {
    let mut builder = Digest::builder();
    let facts = features.facts();
    builder.update(facts.recipe_digest.to_string().as_bytes());
    builder.update(&serde_json::to_vec(&(settings, &cohort.purpose)).unwrap_or_default());
    for (bag, (row, target)) in cohort.rows.iter().zip(&cohort.targets).enumerate() {
        let identity = bags.slide_identity(bag);
        let line =
            format!("{}|{}|{:?}|{identity}|{}\n", row.slide, row.patient, target, bags.tiles(bag));
        builder.update(line.as_bytes());
    }
    builder.finish()
}

/// Makes the folder, or finds that it holds this very experiment.
fn claim(folder: &Path, plan: Digest) -> Result<()> {
    let path = folder.join("plan");
    if path.exists() {
        let bytes = read_bounded(&path, 1024)?;
        if bytes != plan.to_string().as_bytes() {
            return Err(LesionError::Data(format!(
                "{} holds another experiment (other slides, labels, features or settings): give \
                 another --out",
                folder.display()
            )));
        }
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(at(folder))?;
    write_whole(&path, plan.to_string().as_bytes())
}

struct Laboratory<'a> {
    cohort: &'a Cohort,
    bags: &'a FileBags,
    facts: &'a FeatureFacts,
    settings: &'a ExperimentSettings,
    folder: &'a Path,
    watch: &'a ExperimentWatch<'a>,
}

impl Laboratory<'_> {
    /// One part: read where it is finished, else made.
    fn fold(&self, name: &str, parts: &Parts) -> Result<(FoldReport, SlideHead)> {
        let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let folder = self.folder.join(name.chars().map(safe).collect::<String>());
        let (report_path, head_path) =
            (folder.join("report.json"), folder.join("head.safetensors"));
        if report_path.is_file() {
            let bytes = read_bounded(&report_path, MAX_FILE)?;
            let wrong = |what: String| LesionError::Head { path: report_path.clone(), what };
            let report: FoldReport =
                serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
            let bytes = read_bounded(&head_path, MAX_FILE)?;
            if Digest::of(&bytes) != report.head_digest {
                let what = "the head beside it was changed; delete this folder".into();
                return Err(wrong(what));
            }
            let (head, _) = slide_head_from_bytes(&bytes).map_err(wrong)?;
            return Ok((report, head));
        }
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let (chosen, losses) = self.choose(name, parts, &folder)?;
        let (trained, checkpoint) = self.train(name, parts, chosen, &folder.join("checkpoint"))?;
        let facts = SlideHeadFacts {
            encoder: self.facts.encoder.clone(),
            recipe_digest: self.facts.recipe_digest,
            tile_px: self.facts.grid.tile_px(),
            tile_mpp: self.facts.grid.mpp(),
            temperature: trained.temperature,
        };
        let bytes = slide_head_to_bytes(&trained.head, &facts)
            .map_err(|what| LesionError::Head { path: head_path.clone(), what })?;
        let report = FoldReport {
            name: name.to_owned(),
            slides: (parts.train.len(), parts.validation.len(), parts.test.len()),
            chosen,
            losses,
            history: trained.history,
            best_epoch: trained.best_epoch,
            temperature: trained.temperature,
            head_digest: Digest::of(&bytes),
        };
        write_whole(&head_path, &bytes)?;
        let text = serde_json::to_vec_pretty(&report)
            .map_err(|error| LesionError::Data(error.to_string()))?;
        write_whole(&report_path, &text)?;
        // The report says that the part is finished: what led there is not needed any more.
        remove(&checkpoint)?;
        if losses_were_made(&folder) {
            fs::remove_dir_all(folder.join("inner")).map_err(at(&folder))?;
        }
        Ok((report, trained.head))
    }

    /// The settings of the lowest loss, and every candidate's loss where there are several.
    fn choose(&self, name: &str, parts: &Parts, folder: &Path) -> Result<(usize, Vec<f64>)> {
        let count = self.settings.candidates.len();
        if count == 1 {
            return Ok((0, Vec::new()));
        }
        let inner = self.inner_parts(parts)?;
        let mut losses = Vec::new();
        for candidate in 0..count {
            let mut sum = 0.0;
            for (index, parts) in inner.iter().enumerate() {
                let checkpoint = folder.join(format!("inner/{candidate}-{index}"));
                let what = format!("{name}, candidate {} of {count}", candidate + 1);
                sum += self.train(&what, parts, candidate, &checkpoint)?.0.validation_loss;
            }
            losses.push(sum / inner.len() as f64);
        }
        let best = (0..count).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap_or(0);
        Ok((best, losses))
    }

    /// What candidates are compared on: never the part that measures.
    fn inner_parts(&self, parts: &Parts) -> Result<Vec<Parts>> {
        let SlideSplit::Nested { inner, .. } = self.settings.split else {
            return Ok(vec![Parts { test: Vec::new(), ..parts.clone() }]);
        };
        let strata = self.cohort.strata();
        let own: Vec<usize> = parts.train.iter().chain(&parts.validation).copied().collect();
        let patients: Vec<usize> = own.iter().map(|slide| self.cohort.patient_of[*slide]).collect();
        let strata: Vec<usize> = own.iter().map(|slide| strata[*slide]).collect();
        let folds = patient_folds(&patients, &strata, inner, self.settings.seed ^ 0x1e5)?;
        let part = |of: usize, equal: bool| {
            let chosen = own.iter().zip(&folds).filter(|(_, fold)| (**fold == of) == equal);
            chosen.map(|(slide, _)| *slide).collect::<Vec<_>>()
        };
        let all = (0..inner).map(|fold| Parts {
            train: part(fold, false),
            validation: part(fold, true),
            test: Vec::new(),
        });
        Ok(all.collect())
    }

    fn train(
        &self,
        what: &str,
        parts: &Parts,
        candidate: usize,
        checkpoint: &Path,
    ) -> Result<(super::TrainedSlideHead, PathBuf)> {
        let path = checkpoint.with_extension("safetensors");
        let data = SlideTrainingData {
            bags: self.bags,
            targets: &self.cohort.targets,
            purpose: &self.cohort.purpose,
        };
        let watch = SlideTrainingWatch {
            checkpoint: Some(&path),
            progress: &|record| (self.watch.progress)(what, record),
            stop: self.watch.stop,
        };
        let settings = &self.settings.candidates[candidate];
        let trained = train_slide_head(&data, parts, settings, &watch)?;
        let end = TrainingEnd {
            passes: trained.history.len(),
            best: trained.best_epoch,
            validation_loss: trained.validation_loss,
        };
        (self.watch.finished)(what, &end);
        Ok((trained, path))
    }
}

fn losses_were_made(folder: &Path) -> bool {
    folder.join("inner").is_dir()
}

fn remove(path: &Path) -> Result<()> {
    if path.exists() { fs::remove_file(path).map_err(at(path)) } else { Ok(()) }
}

/// What is said of a slide: probabilities, the value, or the risk.
pub(crate) fn said(head: &SlideHead, mut output: Vec<f32>, temperature: f64) -> Vec<f64> {
    match &head.purpose {
        SlidePurpose::Classification { .. } => {
            softmax(&mut output, temperature as f32);
            output.into_iter().map(f64::from).collect()
        }
        SlidePurpose::Regression { mean, deviation } => {
            vec![mean + deviation * f64::from(output[0])]
        }
        SlidePurpose::Survival => vec![f64::from(output[0])],
    }
}

pub(super) fn predicted(
    cohort: &Cohort,
    slide: usize,
    fold: Option<&str>,
    said: Vec<f64>,
) -> PredictedSlide {
    let row = &cohort.rows[slide];
    PredictedSlide {
        slide: row.slide.clone(),
        patient: row.patient.clone(),
        site: row.site.clone(),
        scanner: row.scanner.clone(),
        fold: fold.map(str::to_owned),
        truth: cohort.targets[slide],
        said,
    }
}
