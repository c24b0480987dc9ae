//! `bianque evaluate slides`: predictions of slides against the truth.

mod likeness;
mod text;

use std::path::{Path, PathBuf};

use anyhow::Context;
use bianque_lesion::{
    Cohort, CohortSettings, FeatureFolder, LabelColumns, LabelTable, Predictions, RESEARCH_USE,
    SlideComparison, SlideEvaluation, SlideEvaluationSettings, SlidePurpose, SlideQuestion,
    predict_with_run, run_purpose,
};
use serde::Serialize;

pub(crate) use self::{
    likeness::Likeness,
    text::{figures, text},
};
use super::{Outcome, write_file};
use crate::{
    arguments::EvaluateSlidesArguments, interrupt, models::Models, report::slides_page,
    task_package::TaskPackage, terminal::Terminal,
};

/// What was measured: `evaluation.json`, and what the page shows.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    program: &'static str,
    #[serde(flatten)]
    evaluation: &'a SlideEvaluation,
    comparison: Option<&'a SlideComparison>,
    #[serde(flatten)]
    likeness: &'a Likeness,
}

impl<'a> Document<'a> {
    pub(crate) fn of(
        evaluation: &'a SlideEvaluation,
        comparison: Option<&'a SlideComparison>,
        likeness: &'a Likeness,
    ) -> Self {
        Self {
            schema: "bianque.slide-evaluation/1",
            notice: RESEARCH_USE,
            program: env!("CARGO_PKG_VERSION"),
            evaluation,
            comparison,
            likeness,
        }
    }
}

pub(crate) fn run(
    arguments: &EvaluateSlidesArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let settings = SlideEvaluationSettings {
        rounds: arguments.rounds,
        alpha: arguments.alpha,
        seed: arguments.seed,
    };
    let run = arguments.run.as_deref().map(|run| heads(run, models)).transpose()?;
    let named = !arguments.features.is_empty();
    let features = named.then(|| FeatureFolder::scan_all(&arguments.features)).transpose()?;
    let predictions = match (&arguments.predictions, &run, &features) {
        (Some(path), _, _) => Predictions::read(path)?,
        (None, Some(run), Some(features)) => tried(arguments, run, features, terminal)?,
        (None, _, _) => anyhow::bail!("--run needs --features and --labels"),
    };
    let evaluation = SlideEvaluation::measure(&predictions, &settings)?;
    let comparison = match &arguments.against {
        Some(path) => {
            let other = Predictions::read(path)?;
            Some(SlideComparison::measure(&predictions, &other, &settings)?)
        }
        None => None,
    };
    let mut likeness = match &features {
        Some(features) => Likeness::between_sites(&predictions, features, &settings, terminal)?,
        None => Likeness::default(),
    };
    if let (Some(run), Some(features)) = (&run, &features) {
        likeness.measure_from_run(run, &predictions, features, &settings, terminal)?;
    }
    let document = Document::of(&evaluation, comparison.as_ref(), &likeness);
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        write(out, &document)?;
        if arguments.run.is_some() {
            predictions.write(&out.join("predictions.csv"))?;
        }
        likeness.write_distances(&out.join("distances.csv"), &predictions)?;
    }
    terminal.result(&document, &text(&document)?)?;
    Ok(Outcome::Done)
}

/// The folder with the heads: a run's, or a task's by its folder or name.
fn heads(named: &Path, models: &Models) -> anyhow::Result<PathBuf> {
    match named.to_str() {
        Some(name) if !named.exists() => {
            let place = models.task(name).context("--run is neither a run's folder nor a task")?;
            // What was changed since it was installed is refused here too.
            TaskPackage::of(&place, models)?;
            Ok(place.folder)
        }
        _ => Ok(named.to_owned()),
    }
}

/// What a run says of slides that it was not about.
fn tried(
    arguments: &EvaluateSlidesArguments,
    run: &Path,
    features: &FeatureFolder,
    terminal: &Terminal,
) -> anyhow::Result<Predictions> {
    let labels = arguments.labels.as_deref().context("--run needs --labels")?;
    let (question, classes) = match run_purpose(run)? {
        SlidePurpose::Classification { classes } => (SlideQuestion::Class, classes),
        SlidePurpose::Regression { .. } => (SlideQuestion::Value, Vec::new()),
        SlidePurpose::Survival => (SlideQuestion::Survival, Vec::new()),
    };
    let settings = CohortSettings { classes, allow_missing: arguments.allow_missing };
    let table = LabelTable::read(labels, question, &LabelColumns::parse(&arguments.column)?)?;
    let cohort = Cohort::join(&table, features, question, &settings)?;
    for warning in &cohort.warnings {
        terminal.note(warning);
    }
    Ok(predict_with_run(run, &cohort, features, &*interrupt::flag()?)?)
}

/// Writes `evaluation.json` and `evaluation.html`.
pub(crate) fn write(folder: &Path, document: &Document<'_>) -> anyhow::Result<()> {
    write_file(&folder.join("evaluation.json"), &serde_json::to_vec_pretty(document)?)?;
    write_file(&folder.join("evaluation.html"), slides_page(document)?.as_bytes())
}
