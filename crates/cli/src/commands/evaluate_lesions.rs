//! `bianque evaluate lesions`: found regions against known ones.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use bianque_core::geojson::{self, Feature};
use bianque_lesion::{
    Estimate, LesionEvaluation, LesionSettings, RESEARCH_USE, SlideLesions, evaluate_lesions,
};
use serde::Serialize;

use super::{Outcome, write_file};
use crate::{arguments::EvaluateLesionsArguments, report::lesions_page, terminal::Terminal};

/// What was measured: `evaluation.json`, and what the page shows.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    program: &'static str,
    #[serde(flatten)]
    evaluation: &'a LesionEvaluation,
}

pub(crate) fn run(
    arguments: &EvaluateLesionsArguments,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    ensure!(
        arguments.truth.len() == arguments.regions.len(),
        "{} --truth and {} --regions: they are paired in their order, one pair a slide",
        arguments.truth.len(),
        arguments.regions.len()
    );
    let slides = arguments
        .truth
        .iter()
        .zip(&arguments.regions)
        .map(|(truth, regions)| {
            let name = truth.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok(SlideLesions { name, truth: read(truth)?, regions: read(&regions_file(regions))? })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let settings = LesionSettings {
        truth_classes: arguments.truth_class.iter().cloned().collect(),
        region_classes: arguments.region_class.iter().cloned().collect(),
        mpp: arguments.mpp,
        rounds: arguments.rounds,
        seed: arguments.seed,
        ..LesionSettings::default()
    };
    let evaluation = evaluate_lesions(&slides, &settings)?;
    let document = Document {
        schema: "bianque.lesion-evaluation/1",
        notice: RESEARCH_USE,
        program: env!("CARGO_PKG_VERSION"),
        evaluation: &evaluation,
    };
    if let Some(out) = &arguments.out {
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        write_file(&out.join("evaluation.json"), &serde_json::to_vec_pretty(&document)?)?;
        write_file(&out.join("evaluation.html"), lesions_page(&document)?.as_bytes())?;
    }
    terminal.result(&document, &text(&evaluation)?)?;
    Ok(Outcome::Done)
}

/// A run's output folder stands for the regions in it.
fn regions_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("regions.geojson") } else { path.to_owned() }
}

/// Reads the features of a GeoJSON file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Feature>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    geojson::decode(&text).with_context(|| format!("{} is no GeoJSON", path.display()))
}

/// The figures for people.
pub(crate) fn text(evaluation: &LesionEvaluation) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let froc = &evaluation.froc;
    let found = evaluation.lesions.iter().filter(|lesion| lesion.confidence.is_some()).count();
    writeln!(text, "lesions        {found} of {} found", froc.lesions)?;
    let intervals = evaluation.intervals.as_ref();
    for (index, class) in evaluation.by_size.iter().enumerate() {
        let recall = intervals.and_then(|own| *own.recall_by_size.get(index)?);
        let interval = interval(recall);
        writeln!(text, "  {:<24} {} of {}{interval}", class.name, class.found, class.lesions)?;
    }
    writeln!(
        text,
        "detections     {}, outside every lesion {}",
        evaluation.detections, evaluation.false_positives
    )?;
    let at: Vec<String> =
        froc.sensitivities.iter().map(|sensitivity| format!("{sensitivity:.3}")).collect();
    writeln!(
        text,
        "FROC           {:.3}{} (CAMELYON16; at 1/4 1/2 1 2 4 8 false positives a slide:",
        froc.score,
        interval(intervals.and_then(|own| own.score))
    )?;
    writeln!(text, "               {})", at.join(" "))?;
    let or_none = |value: Option<f64>| value.map_or("none".into(), |value| format!("{value:.3}"));
    writeln!(
        text,
        "overlap        Dice {}{}, IoU {}",
        or_none(evaluation.overlap.dice),
        interval(intervals.and_then(|own| own.dice)),
        or_none(evaluation.overlap.iou)
    )?;
    if intervals.is_some() {
        writeln!(text, "intervals      95 %, {} slides resampled", froc.slides)?;
    }
    for warning in &evaluation.warnings {
        writeln!(text, "note           {warning}")?;
    }
    Ok(text)
}

/// An interval behind its value; nothing where there is none.
fn interval(estimate: Option<Estimate>) -> String {
    let ends = estimate.and_then(|own| own.low.zip(own.high));
    ends.map(|(low, high)| format!(" [{low:.3} to {high:.3}]")).unwrap_or_default()
}
