//! `bianque evaluate slides`: predictions of slides against the truth.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use anyhow::Context;
use bianque_lesion::{
    Cohort, CohortSettings, Estimate, FeatureFolder, LabelTable, Predictions, RESEARCH_USE,
    SiteShift, SlideComparison, SlideEvaluation, SlideEvaluationSettings, SlidePurpose,
    SlideQuestion, mean_features, predict_with_run, run_purpose, site_shift,
};
use serde::Serialize;

use super::{Outcome, write_file};
use crate::{
    arguments::EvaluateSlidesArguments, interrupt, report::slides_page, terminal::Terminal,
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
    site_shift: Option<&'a SiteShift>,
}

impl<'a> Document<'a> {
    pub(crate) fn of(
        evaluation: &'a SlideEvaluation,
        comparison: Option<&'a SlideComparison>,
        site_shift: Option<&'a SiteShift>,
    ) -> Self {
        Self {
            schema: "bianque.slide-evaluation/1",
            notice: RESEARCH_USE,
            program: env!("CARGO_PKG_VERSION"),
            evaluation,
            comparison,
            site_shift,
        }
    }
}

pub(crate) fn run(
    arguments: &EvaluateSlidesArguments,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let settings = SlideEvaluationSettings {
        rounds: arguments.rounds,
        alpha: arguments.alpha,
        seed: arguments.seed,
    };
    let features = arguments.features.as_deref().map(FeatureFolder::scan).transpose()?;
    let predictions = match (&arguments.predictions, &features) {
        (Some(path), _) => Predictions::read(path)?,
        (None, Some(features)) => tried(arguments, features, terminal)?,
        (None, None) => anyhow::bail!("--run needs --features and --labels"),
    };
    let evaluation = SlideEvaluation::measure(&predictions, &settings)?;
    let comparison = match &arguments.against {
        Some(path) => {
            let other = Predictions::read(path)?;
            Some(SlideComparison::measure(&predictions, &other, &settings)?)
        }
        None => None,
    };
    let shift = match &features {
        Some(features) => shift(&predictions, features, &settings, terminal)?,
        None => None,
    };
    let document = Document::of(&evaluation, comparison.as_ref(), shift.as_ref());
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        write(out, &document)?;
        if arguments.run.is_some() {
            predictions.write(&out.join("predictions.csv"))?;
        }
    }
    terminal.result(&document, &text(&document)?)?;
    Ok(Outcome::Done)
}

/// What a run says of slides that it was not about.
fn tried(
    arguments: &EvaluateSlidesArguments,
    features: &FeatureFolder,
    terminal: &Terminal,
) -> anyhow::Result<Predictions> {
    let run = arguments.run.as_deref().context("--run names the run's folder")?;
    let labels = arguments.labels.as_deref().context("--run needs --labels")?;
    let (question, classes) = match run_purpose(run)? {
        SlidePurpose::Classification { classes } => (SlideQuestion::Class, classes),
        SlidePurpose::Regression { .. } => (SlideQuestion::Value, Vec::new()),
        SlidePurpose::Survival => (SlideQuestion::Survival, Vec::new()),
    };
    let settings = CohortSettings { classes, allow_missing: arguments.allow_missing };
    let table = LabelTable::read(labels)?;
    let cohort = Cohort::join(&table, features, question, &settings)?;
    for warning in &cohort.warnings {
        terminal.note(warning);
    }
    Ok(predict_with_run(run, &cohort, features, &*interrupt::flag()?)?)
}

/// Whether the site can be told from the features, where sites are known; says why where not.
pub(crate) fn shift(
    predictions: &Predictions,
    features: &FeatureFolder,
    settings: &SlideEvaluationSettings,
    terminal: &Terminal,
) -> anyhow::Result<Option<SiteShift>> {
    let (mut places, mut sites, mut patients) = (Vec::new(), Vec::new(), Vec::new());
    let mut numbers = BTreeMap::new();
    for slide in &predictions.slides {
        if let (Some(site), Some(place)) = (&slide.site, features.find(&slide.slide)) {
            places.push(place);
            sites.push(site.clone());
            let next = numbers.len();
            patients.push(*numbers.entry(slide.patient.as_str()).or_insert(next));
        }
    }
    if sites.is_empty() {
        return Ok(None);
    }
    let vectors = mean_features(&features.bags(&places), &*interrupt::flag()?)?;
    match site_shift(&vectors, &sites, &patients, settings.rounds, settings.seed) {
        Ok(found) => Ok(Some(found)),
        Err(bianque_lesion::LesionError::Data(why)) => {
            terminal.note(&format!("site shift is not measured: {why}"));
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}

/// Writes `evaluation.json` and `evaluation.html`.
pub(crate) fn write(folder: &Path, document: &Document<'_>) -> anyhow::Result<()> {
    write_file(&folder.join("evaluation.json"), &serde_json::to_vec_pretty(document)?)?;
    write_file(&folder.join("evaluation.html"), slides_page(document)?.as_bytes())
}

/// A measure and its interval for people.
pub(crate) fn figures(estimate: Option<Estimate>) -> (String, String) {
    let Some(Estimate { value, low, high }) = estimate else {
        return ("none".into(), String::new());
    };
    let interval = low.zip(high).map(|(low, high)| format!("{low:.3} to {high:.3}"));
    (format!("{value:.3}"), interval.unwrap_or_default())
}

/// The figures for people.
pub(crate) fn text(document: &Document<'_>) -> Result<String, std::fmt::Error> {
    let evaluation = document.evaluation;
    let mut text = format!("{} slides of {} patients\n", evaluation.slides, evaluation.patients);
    for measure in &evaluation.measures {
        let (value, interval) = figures(measure.estimate);
        writeln!(text, "  {:<22} {value}  {interval}", measure.name)?;
    }
    for group in &evaluation.groups {
        if let Some(measure) = group.measures.first() {
            let (value, interval) = figures(measure.estimate);
            let name = format!("{} {}", group.group, group.name);
            let slides = group.slides;
            writeln!(text, "  {name:<22} {value}  {interval}  {} ({slides} slides)", measure.name)?;
        }
    }
    if let Some(calibration) = &evaluation.calibration {
        writeln!(
            text,
            "  {:<22} {:.3}; by temperature {:.3}, isotonic {:.3} (on other patients)",
            "ECE", calibration.given.ece, calibration.temperature.ece, calibration.isotonic.ece
        )?;
    }
    if let Some(abstention) = &evaluation.abstention {
        let groups = abstention.other_patients.iter().filter(|group| group.group != "class");
        for group in groups {
            let broken = if group.broken { "  PROMISE BROKEN" } else { "" };
            let name = format!("abstention {} {}", group.group, group.name);
            writeln!(
                text,
                "  {name:<22} {:.3} covered, {} of {} decided, {} wrong{broken}",
                group.coverage, group.decided, group.slides, group.wrong
            )?;
        }
    }
    if let Some(shift) = document.site_shift {
        let (value, interval) = figures(shift.balanced_accuracy);
        let chance = shift.chance;
        writeln!(
            text,
            "  {:<22} {value}  {interval}  (chance {chance:.3})",
            "site told by features"
        )?;
    }
    if let Some(comparison) = document.comparison {
        compared(&mut text, comparison)?;
    }
    for warning in &evaluation.warnings {
        writeln!(text, "note: {warning}")?;
    }
    text.push_str(RESEARCH_USE);
    Ok(text)
}

fn compared(text: &mut String, comparison: &SlideComparison) -> std::fmt::Result {
    writeln!(text, "first minus second model, on {} slides:", comparison.slides)?;
    for measure in &comparison.measures {
        let estimate = measure.difference.map(|value| Estimate {
            value,
            low: measure.low,
            high: measure.high,
        });
        let (value, interval) = figures(estimate);
        let p = measure.p.map_or(String::new(), |p| format!("p {p:.3}"));
        writeln!(text, "  {:<22} {value}  {interval}  {p}", measure.name)?;
    }
    for class in &comparison.delong {
        let test = &class.test;
        let (name, difference, p) = (&class.class, test.difference, test.p);
        writeln!(text, "  DeLong, {name:<14} {difference:.3}  p {p:.3}")?;
    }
    if let Some(test) = &comparison.mcnemar {
        let (first, second, p) = (test.only_first, test.only_second, test.p);
        writeln!(text, "  McNemar                {first} / {second} only one right  p {p:.3}")?;
    }
    for warning in &comparison.warnings {
        writeln!(text, "note: {warning}")?;
    }
    Ok(())
}
