//! `bianque evaluate tiles`: a task on tiles of known class.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use anyhow::Context;
use bianque_lesion::{
    ClassMap, ClassificationMetrics, ExtractSettings, Predictions, Probabilities, RESEARCH_USE,
    SlideEvaluation, SlideEvaluationSettings, StainRobustness, StainStrengths, Task, TileFeatures,
    TileFile, TileFolder, TileGrouping, TileGroups, list_parts, stain_robustness, stained_features,
    tiles_of_each_class,
};
use serde::Serialize;

use super::{
    Outcome,
    encode_tiles::encode_tiles,
    evaluate_slides::{self, Likeness, ModelDocument},
    run::LoadedTask,
    train::write_metrics,
    write_file,
};
use crate::{
    arguments::EvaluateTilesArguments,
    interrupt,
    models::Models,
    report::{ProducerDocument, slides_page},
    terminal::Terminal,
};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    task: String,
    task_digest: String,
    encoder: ProducerDocument,
    /// The same as in an evaluation of slides.
    model: &'a ModelDocument,
    /// Tiles that could not be read.
    broken: usize,
    #[serde(flatten)]
    metrics: &'a ClassificationMetrics,
    /// How it is known which tiles belong together.
    grouped_by: TileGrouping,
    /// Measures with intervals, calibration and abstention, in the form of an evaluation of slides:
    /// its slides are these tiles, its patients their groups.
    evaluation: &'a SlideEvaluation,
    /// What becomes of the tiles when their stain is varied.
    stain_robustness: Option<&'a StainRobustness>,
}

/// What the page of an evaluation shows of tiles.
#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    document: evaluate_slides::Document<'a>,
    stain_robustness: Option<&'a StainRobustness>,
}

pub(crate) fn run(
    arguments: &EvaluateTilesArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let loaded = LoadedTask::load(models, &arguments.task, &arguments.used, terminal)?;
    let classes = loaded.task.class_names();
    let map = arguments.map.as_deref().map(str::parse::<ClassMap>).transpose()?;
    let folder = TileFolder::scan_groups(&arguments.tiles, map.as_ref())?.ordered(&classes)?;
    let settings = ExtractSettings { cache: arguments.features.as_deref(), jitter: None };
    let tiles = encode_tiles(&folder, loaded.encoder.as_ref(), &settings, terminal)?;
    let rows: Vec<usize> = match &arguments.split {
        Some(list) => list_parts(list, &tiles.names())?.0.test,
        None => (0..tiles.files.len()).collect(),
    };
    let unchecked = refuse_seen(&loaded.task, &tiles, &rows)?;
    let labels: Vec<usize> = rows.iter().map(|row| tiles.files[*row].class).collect();
    let names: Vec<String> = rows.iter().map(|row| tiles.files[*row].name.clone()).collect();
    let features = tiles.features.select(&rows);
    let probabilities = loaded.task.head.probabilities(&features, loaded.task.temperature)?;
    let metrics = ClassificationMetrics::measure(&probabilities, &labels, &classes)?;
    let judged = Judged { names: &names, labels: &labels, probabilities: &probabilities };
    let (grouping, mut predictions, mut evaluation) = judged.measure(arguments, &classes)?;
    evaluation.warnings.extend(unchecked);
    let stain = match arguments.stain_robustness {
        Some(most) => {
            let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let used = |file: &TileFile| names.contains(file.name.as_str());
            let subject = Subject { loaded: &loaded, folder: &folder };
            Some(subject.stain(arguments, most, used, terminal)?)
        }
        None => None,
    };
    let (head, encoder) = (loaded.task.producer(), loaded.encoder.producer());
    let model = ModelDocument::of_tiles(&head, encoder);
    predictions.encoder = Some(encoder.clone());
    let document = Document {
        schema: "bianque.tile-evaluation/1",
        notice: RESEARCH_USE,
        task: format!("{} {}", loaded.task.name, loaded.task.version),
        task_digest: loaded.task.head_digest.to_string(),
        encoder: encoder.into(),
        model: &model,
        broken: tiles.broken.len(),
        metrics: &metrics,
        grouped_by: grouping,
        evaluation: &evaluation,
        stain_robustness: stain.as_ref(),
    };
    if let Some(out) = &arguments.out {
        write(out, &document, &predictions)?;
    }
    terminal.result(&document, &text(&document)?)?;
    Ok(if tiles.broken.is_empty() { Outcome::Done } else { Outcome::Failed })
}

/// Refuses to measure a head on tiles that made it. Gives what to say where that cannot be known.
fn refuse_seen(
    task: &Task,
    tiles: &TileFeatures,
    rows: &[usize],
) -> anyhow::Result<Option<String>> {
    let Some(seen) = &task.training_tiles else {
        return Ok(Some(format!(
            "the task {} does not say which tiles it was trained on: whether some of these are among \
             them could not be checked",
            task.name
        )));
    };
    let again: Vec<usize> =
        rows.iter().copied().filter(|row| seen.contains(&tiles.digests[*row])).collect();
    let Some(first) = again.first() else { return Ok(None) };
    anyhow::bail!(
        "{} of these {} tiles trained or calibrated the task {}, such as '{}': what it says of them \
         flatters it. Measure it on other tiles, or with --split on the part 'test' of the list that \
         it was trained with; the figures of the part that its training held out are in its card \
         (`bianque task card`)",
        again.len(),
        rows.len(),
        task.name,
        tiles.files[*first].name
    )
}

/// What a task says of tiles, and what is true.
struct Judged<'a> {
    names: &'a [String],
    labels: &'a [usize],
    probabilities: &'a Probabilities,
}

impl Judged<'_> {
    /// Measures the tiles as slides are measured, with intervals over what belongs together.
    fn measure(
        &self,
        arguments: &EvaluateTilesArguments,
        classes: &[String],
    ) -> anyhow::Result<(TileGrouping, Predictions, SlideEvaluation)> {
        let groups = match &arguments.groups {
            Some(table) => TileGroups::read(table, self.names)?,
            None => TileGroups::of_names(self.names),
        };
        let predictions =
            groups.predictions(self.names, self.labels, self.probabilities, classes)?;
        let settings = SlideEvaluationSettings {
            rounds: arguments.rounds,
            seed: arguments.seed,
            ..SlideEvaluationSettings::default()
        };
        let mut evaluation = SlideEvaluation::measure_as(&predictions, &settings, groups.unit())?;
        if !arguments.ordered {
            evaluation.forget_order();
        }
        if groups.by() == TileGrouping::Tiles {
            let what = "intervals take tiles as independent; several may be of one patient, so the \
                        true intervals are wider: name the patients with --groups";
            evaluation.warnings.push(what.into());
        }
        Ok((groups.by(), predictions, evaluation))
    }
}

/// Writes `evaluation.json`, `evaluation.html` and `predictions.csv`.
fn write(out: &Path, document: &Document<'_>, predictions: &Predictions) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    write_file(&out.join("evaluation.json"), &serde_json::to_vec_pretty(document)?)?;
    let likeness = Likeness::default();
    let page = Page {
        document: evaluate_slides::Document::of(document.model, document.evaluation, &likeness),
        stain_robustness: document.stain_robustness,
    };
    write_file(&out.join("evaluation.html"), slides_page(&page)?.as_bytes())?;
    Ok(predictions.write(&out.join("predictions.csv"))?)
}

fn text(document: &Document<'_>) -> anyhow::Result<String> {
    let mut text = format!("{}\n", document.model.text());
    write_metrics(&mut text, document.metrics)?;
    if let Some(stain) = document.stain_robustness {
        write_stain(&mut text, stain)?;
    }
    let likeness = Likeness::default();
    let as_slides = evaluate_slides::Document::of(document.model, document.evaluation, &likeness);
    text.push_str(&evaluate_slides::measured(&as_slides)?);
    Ok(text)
}

/// A task and the tiles that it is tried on.
struct Subject<'a> {
    loaded: &'a LoadedTask,
    folder: &'a TileFolder,
}

impl Subject<'_> {
    /// What becomes of some of the tiles when their stain is varied.
    fn stain(
        &self,
        arguments: &EvaluateTilesArguments,
        most: usize,
        used: impl Fn(&TileFile) -> bool,
        terminal: &Terminal,
    ) -> anyhow::Result<StainRobustness> {
        let chosen = tiles_of_each_class(self.folder, most, arguments.seed, used);
        let strengths =
            StainStrengths { sigmas: arguments.stain_sigmas.clone(), seed: arguments.seed };
        let bar = terminal.progress("stained tiles", chosen.len() as u64);
        let stained = stained_features(
            self.folder,
            &chosen,
            self.loaded.encoder.as_ref(),
            &strengths,
            &|progress| bar.set_position(progress.done as u64),
            &*interrupt::flag()?,
        )?;
        bar.finish_and_clear();
        let task = &self.loaded.task;
        let classes = task.class_names();
        Ok(stain_robustness(&task.head, task.temperature, &stained, &classes)?)
    }
}

fn write_stain(text: &mut String, stain: &StainRobustness) -> std::fmt::Result {
    writeln!(text, "stain varied, {} tiles (deviation of the logarithm of density)", stain.tiles)?;
    writeln!(
        text,
        "  {:>5}  {:>17}  {:>5}  {:>16}  {:>18}  {:>6}  {:>10}",
        "sigma",
        "balanced accuracy",
        "AUROC",
        "verdicts changed",
        "probability change",
        "cosine",
        "told apart"
    )?;
    let or_none = |value: Option<f64>| value.map_or("none".into(), |value| format!("{value:.3}"));
    for step in &stain.steps {
        writeln!(
            text,
            "  {:>5.2}  {:>17.3}  {:>5}  {:>16.3}  {:>18.3}  {:>6.3}  {:>10}",
            step.sigma,
            step.balanced_accuracy,
            or_none(step.auroc),
            step.changed,
            step.probability_change,
            step.cosine,
            or_none(step.told_apart)
        )?;
    }
    Ok(())
}
