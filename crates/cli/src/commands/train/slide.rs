//! `bianque train slide`: heads of slides from kept features and a table of labels.

use std::{fmt::Write, path::PathBuf};

use anyhow::Context;
use bianque_lesion::{
    Cohort, CohortSettings, Experiment, ExperimentSettings, ExperimentWatch, FeatureFacts,
    FeatureFolder, FoldReport, LabelColumns, LabelTable, RESEARCH_USE, SlideEvaluation,
    SlideEvaluationSettings, SlideHeadKind, SlidePurpose, SlideQuestion, SlideSplit,
    SlideTrainingSettings, run_experiment,
};
use serde::Serialize;

use super::slide_task;
use crate::{
    arguments::{Question, TrainSlideArguments},
    commands::{
        Outcome,
        evaluate_slides::{self, Document, Likeness, ModelDocument},
        write_file,
    },
    interrupt,
    terminal::Terminal,
};

/// What was done, with what: enough to do it again.
#[derive(Serialize)]
struct Manifest<'a> {
    schema: &'static str,
    notice: &'static str,
    program: &'static str,
    question: SlideQuestion,
    labels: String,
    slides: usize,
    patients: usize,
    encoder: &'a bianque_core::Producer,
    recipe_digest: String,
    tile_px: u32,
    tile_mpp: f64,
    settings: &'a ExperimentSettings,
    parts: &'a [FoldReport],
    licence: &'a str,
    trained_on: &'a str,
    warnings: &'a [String],
}

pub(super) fn run(arguments: &TrainSlideArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let features = FeatureFolder::scan_all(&arguments.features)?;
    let columns = LabelColumns::parse(&arguments.cohort.column)?;
    let asked = question(arguments.question);
    let table = LabelTable::read(&arguments.cohort.labels, asked, &columns)?;
    let joined = CohortSettings {
        classes: arguments.classes.clone(),
        allow_missing: arguments.cohort.allow_missing,
    };
    let cohort = Cohort::join(&table, &features, asked, &joined)?;
    terminal.note(&format!(
        "{} slides of {} patients, features of {} {}",
        cohort.rows.len(),
        cohort.patients.len(),
        features.facts().encoder.name,
        features.facts().encoder.version
    ));
    if let Some(classes) = counted(&cohort) {
        terminal.note(&classes);
    }
    let settings = settings(arguments)?;
    let stop = interrupt::flag()?;
    let bar = terminal.progress("passes", arguments.epochs as u64);
    let watch = ExperimentWatch {
        progress: &|what, record| {
            bar.set_message(what.to_owned());
            bar.set_position(record.epoch as u64);
        },
        finished: &|what, trained| {
            terminal.note(&format!(
                "{what}: {} passes, the best {} with validation loss {:.4}",
                trained.passes, trained.best, trained.validation_loss
            ));
        },
        stop: &stop,
    };
    let made = run_experiment(&cohort, &features, &settings, &arguments.out, &watch);
    bar.finish_and_clear();
    let made = made?;
    let measured = SlideEvaluationSettings { seed: arguments.seed, ..Default::default() };
    let mut evaluation = SlideEvaluation::measure(&made.predictions, &measured)?;
    if !arguments.ordered {
        evaluation.forget_order();
    }
    let likeness = Likeness::between_sites(&made.predictions, &features, &measured, terminal)?;
    let heads = made.folds.iter().map(|fold| fold.head_digest);
    let licence = Some(arguments.licence.as_str());
    let model = ModelDocument::of_run(&arguments.out, heads, licence, features.facts());
    let document = Document::of(&model, &evaluation, &likeness);
    evaluate_slides::write(&arguments.out, &document)?;
    let manifest = manifest(arguments, &cohort, features.facts(), &settings, &made);
    let path = |name: &str| -> PathBuf { arguments.out.join(name) };
    write_file(&path("manifest.json"), &serde_json::to_vec_pretty(&manifest)?)?;
    let prose = card(&manifest, &evaluation)?;
    write_file(&path("CARD.md"), prose.as_bytes())?;
    let finished = slide_task::Finished {
        cohort: &cohort,
        features: &features,
        made: &made,
        evaluation: &evaluation,
        prose: &prose,
    };
    let task = slide_task::write(arguments, &finished, terminal)?;
    let mut text = format!("wrote {}\n", arguments.out.display());
    text.extend(task);
    for warning in &made.warnings {
        writeln!(text, "note: {warning}")?;
    }
    text.push_str(&evaluate_slides::text(&document)?);
    terminal.result(&document, &text)?;
    Ok(Outcome::Done)
}

/// The classes in their order, with their slides; of two the last is what an AUROC is of.
fn counted(cohort: &Cohort) -> Option<String> {
    let SlidePurpose::Classification { classes } = &cohort.purpose else { return None };
    let strata = cohort.strata();
    let count = |class: usize| strata.iter().filter(|stratum| **stratum == class).count();
    let named = classes.iter().enumerate().map(|(class, name)| format!("{name} {}", count(class)));
    let named = named.collect::<Vec<_>>().join(", ");
    let positive = match classes.as_slice() {
        [_, positive] => format!("; '{positive}' is the positive one (--classes sets the order)"),
        _ => String::new(),
    };
    Some(format!("slides by class: {named}{positive}"))
}

/// What the arguments ask of a slide.
pub(crate) fn question(question: Question) -> SlideQuestion {
    match question {
        Question::Class => SlideQuestion::Class,
        Question::Value => SlideQuestion::Value,
        Question::Survival => SlideQuestion::Survival,
    }
}

fn settings(arguments: &TrainSlideArguments) -> anyhow::Result<ExperimentSettings> {
    let split = match arguments.split.as_str() {
        "holdout" => SlideSplit::Holdout,
        "cv" => SlideSplit::CrossValidation { folds: arguments.folds },
        "nested" => SlideSplit::Nested { folds: arguments.folds, inner: arguments.inner_folds },
        "sites" => SlideSplit::Sites,
        file => SlideSplit::List { path: file.into() },
    };
    if let SlideSplit::List { path } = &split {
        let known = "holdout, cv, nested or sites, nor a file";
        anyhow::ensure!(path.is_file(), "--split {}: neither {known}", path.display());
    }
    let survival = arguments.question == Question::Survival;
    let mut candidates = Vec::new();
    for head in heads(arguments)? {
        for rate in &arguments.learning_rate {
            let usual = SlideTrainingSettings::for_head(head.clone(), survival);
            candidates.push(SlideTrainingSettings {
                tiles: arguments.tiles,
                batch: arguments.batch.unwrap_or(usual.batch),
                learning_rate: *rate,
                epochs: arguments.epochs,
                patience: arguments.patience,
                balance: !arguments.no_class_weights,
                standardise: !arguments.no_standardise,
                seed: arguments.seed,
                ..usual
            });
        }
    }
    Ok(ExperimentSettings { candidates, split, seed: arguments.seed })
}

/// Every head that is to be tried, with every share of dropout where it drops something.
fn heads(arguments: &TrainSlideArguments) -> anyhow::Result<Vec<SlideHeadKind>> {
    let mut all = Vec::new();
    for name in &arguments.head {
        let mut head = SlideHeadKind::named(name).with_context(|| {
            format!("--head {name}: the heads are {}", SlideHeadKind::NAMES.join(", "))
        })?;
        if arguments.dropout.is_empty() || head.dropout_mut().is_none() {
            all.push(head);
            continue;
        }
        for share in &arguments.dropout {
            if let Some(dropout) = head.dropout_mut() {
                *dropout = *share;
            }
            all.push(head.clone());
        }
    }
    Ok(all)
}

fn manifest<'a>(
    arguments: &'a TrainSlideArguments,
    cohort: &Cohort,
    facts: &'a FeatureFacts,
    settings: &'a ExperimentSettings,
    made: &'a Experiment,
) -> Manifest<'a> {
    Manifest {
        schema: "bianque.slide-training/1",
        notice: RESEARCH_USE,
        program: env!("CARGO_PKG_VERSION"),
        question: question(arguments.question),
        labels: arguments.cohort.labels.display().to_string(),
        slides: cohort.rows.len(),
        patients: cohort.patients.len(),
        encoder: &facts.encoder,
        recipe_digest: facts.recipe_digest.to_string(),
        tile_px: facts.grid.tile_px(),
        tile_mpp: facts.grid.mpp(),
        settings,
        parts: &made.folds,
        licence: &arguments.licence,
        trained_on: &arguments.trained_on,
        warnings: &made.warnings,
    }
}

/// What a person must know before using the heads.
fn card(manifest: &Manifest<'_>, evaluation: &SlideEvaluation) -> Result<String, std::fmt::Error> {
    let mut text = String::from("# Heads of slides\n\n");
    writeln!(text, "{}\n", manifest.notice)?;
    writeln!(text, "- **Use**: research, until a site has validated them on its own slides.")?;
    writeln!(text, "- **Says**: {} of a slide", evaluation.question)?;
    if !evaluation.classes.is_empty() {
        writeln!(text, "- **Classes**: {}", evaluation.classes.join(", "))?;
    }
    let encoder = manifest.encoder;
    let licence = encoder.licence.as_deref().unwrap_or("not stated");
    let digest = encoder.digest.map_or("no digest".to_owned(), |digest| digest.to_string());
    writeln!(
        text,
        "- **Features**: {} {} ({licence}), {digest}, tiles of {} px at {} µm/px; no other",
        encoder.name, encoder.version, manifest.tile_px, manifest.tile_mpp
    )?;
    writeln!(text, "- **Trained on**: {}", manifest.trained_on)?;
    writeln!(text, "- **Slides**: {} of {} patients", manifest.slides, manifest.patients)?;
    writeln!(text, "- **Held out**: {}", manifest.settings.split)?;
    writeln!(text, "- **Licence of the heads**: {}", manifest.licence)?;
    writeln!(
        text,
        "\n## Measured\n\nOn slides whose patients the judging head had not seen, with"
    )?;
    writeln!(
        text,
        "95 % intervals over patients.\n\n| measure | value | interval |\n|---|---|---|"
    )?;
    for measure in &evaluation.measures {
        let (value, interval) = evaluate_slides::figures(measure.estimate);
        writeln!(text, "| {} | {value} | {interval} |", measure.name)?;
    }
    for group in &evaluation.groups {
        let (value, interval) = group
            .measures
            .first()
            .map(|measure| evaluate_slides::figures(measure.estimate))
            .unwrap_or_default();
        let name = group.measures.first().map_or("", |measure| measure.name.as_str());
        writeln!(text, "| {name}, {} {} | {value} | {interval} |", group.group, group.name)?;
    }
    text.push_str("\n## Know before use\n\n");
    text.push_str("- Attention explains a head; it is not where a lesion is.\n");
    for warning in manifest.warnings.iter().chain(&evaluation.warnings) {
        writeln!(text, "- {warning}")?;
    }
    Ok(text)
}
