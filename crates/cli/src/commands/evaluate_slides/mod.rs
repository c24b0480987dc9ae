//! `bianque evaluate slides`: predictions of slides against the truth.

mod likeness;
mod model;
mod text;

use std::path::{Path, PathBuf};

use anyhow::Context;
use bianque_lesion::{
    Cohort, CohortSettings, FeatureFolder, FeatureMatrix, LabelColumns, LabelTable, Predictions,
    RESEARCH_USE, ShippedAbstention, SlideComparison, SlideEvaluation, SlideEvaluationSettings,
    SlideLimits, SlidePurpose, SlideQuestion, TriedHeads, predict_with_run, run_purpose,
};
use serde::Serialize;

pub(crate) use self::{
    likeness::Likeness,
    model::ModelDocument,
    text::{figures, measured, text},
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
    model: &'a ModelDocument,
    #[serde(flatten)]
    evaluation: &'a SlideEvaluation,
    /// Present where a task's or a run's own rule was tried: its thresholds, nothing fitted here.
    #[serde(skip_serializing_if = "Option::is_none")]
    abstention_as_shipped: Option<&'a ShippedAbstention>,
    comparison: Option<&'a SlideComparison>,
    #[serde(flatten)]
    likeness: &'a Likeness,
}

impl<'a> Document<'a> {
    pub(crate) fn of(
        model: &'a ModelDocument,
        evaluation: &'a SlideEvaluation,
        likeness: &'a Likeness,
    ) -> Self {
        Self {
            schema: "bianque.slide-evaluation/1",
            notice: RESEARCH_USE,
            program: env!("CARGO_PKG_VERSION"),
            model,
            evaluation,
            abstention_as_shipped: None,
            comparison: None,
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
    let subject = Subject::of(arguments, run.as_deref(), features.as_ref(), terminal)?;
    let Subject { model, predictions, tried } = &subject;
    let mut evaluation = SlideEvaluation::measure(predictions, &settings)?;
    let mut comparison = match &arguments.against {
        Some(path) => {
            let other = Predictions::read(path)?;
            Some(SlideComparison::measure(predictions, &other, &settings)?)
        }
        None => None,
    };
    if !arguments.ordered {
        evaluation.forget_order();
        comparison.iter_mut().for_each(SlideComparison::forget_order);
    }
    let mut likeness = match &features {
        Some(features) => Likeness::between_sites(predictions, features, &settings, terminal)?,
        None => Likeness::default(),
    };
    let mut shipped = None;
    if let (Some(run), Some(features), Some(tried)) = (&run, &features, tried) {
        let vectors = likeness::vectors(predictions, features)?;
        likeness.measure_from_run(run, predictions, &vectors, &settings, terminal)?;
        shipped = as_shipped(run, tried, &vectors, terminal)?;
    }
    let document = Document {
        abstention_as_shipped: shipped.as_ref(),
        comparison: comparison.as_ref(),
        ..Document::of(model, &evaluation, &likeness)
    };
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        write(out, &document)?;
        if arguments.run.is_some() {
            predictions.write(&out.join("predictions.csv"))?;
        }
        likeness.write_distances(&out.join("distances.csv"), predictions)?;
    }
    terminal.result(&document, &text(&document)?)?;
    Ok(Outcome::Done)
}

/// What is measured, and whose answers these are.
struct Subject {
    model: ModelDocument,
    predictions: Predictions,
    /// What each head says, where heads were tried.
    tried: Option<TriedHeads>,
}

impl Subject {
    fn of(
        arguments: &EvaluateSlidesArguments,
        run: Option<&Path>,
        features: Option<&FeatureFolder>,
        terminal: &Terminal,
    ) -> anyhow::Result<Self> {
        if let Some(path) = &arguments.predictions {
            let predictions = Predictions::read(path)?;
            let model = ModelDocument::of_predictions(path, &predictions);
            return Ok(Self { model, predictions, tried: None });
        }
        let (Some(run), Some(features)) = (run, features) else {
            anyhow::bail!("--run needs --features and --labels");
        };
        let tried = tried(arguments, run, features, terminal)?;
        Ok(Self {
            model: ModelDocument::tried(run, &tried, features.facts()),
            predictions: tried.predictions.clone(),
            tried: Some(tried),
        })
    }
}

/// What comes of the rule that a run's task ships; says why where it has none.
fn as_shipped(
    run: &Path,
    tried: &TriedHeads,
    vectors: &FeatureMatrix,
    terminal: &Terminal,
) -> anyhow::Result<Option<ShippedAbstention>> {
    if !matches!(tried.predictions.purpose, SlidePurpose::Classification { .. }) {
        return Ok(None);
    }
    let limits = SlideLimits::of(run)?;
    let Some(rule) = &limits.abstention else {
        terminal.note("abstention as shipped is not measured: the task never abstains by a rule");
        return Ok(None);
    };
    let beyond = limits.familiarity.as_ref().map(|known| {
        (0..vectors.rows())
            .map(|slide| known.distance(vectors.row(slide)) > known.limit)
            .collect::<Vec<bool>>()
    });
    Ok(ShippedAbstention::measure(rule, tried, beyond.as_deref()))
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
) -> anyhow::Result<TriedHeads> {
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
