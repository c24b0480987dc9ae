//! `bianque evaluate tiles`: a task on tiles of known class.

use std::{collections::BTreeSet, fmt::Write};

use bianque_lesion::{
    ClassMap, ClassificationMetrics, ExtractSettings, RESEARCH_USE, StainRobustness,
    StainStrengths, TileFile, TileFolder, list_parts, stain_robustness, stained_features,
    tile_features, tiles_of_each_class,
};
use serde::Serialize;

use super::{Outcome, run::LoadedTask, train::write_metrics};
use crate::{arguments::EvaluateTilesArguments, interrupt, models::Models, terminal::Terminal};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    task: String,
    task_digest: String,
    encoder_digest: Option<String>,
    /// Tiles that could not be read.
    broken: usize,
    #[serde(flatten)]
    metrics: &'a ClassificationMetrics,
    /// What becomes of the tiles when their stain is varied.
    stain_robustness: Option<&'a StainRobustness>,
}

pub(crate) fn run(
    arguments: &EvaluateTilesArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let loaded = LoadedTask::load(models, &arguments.task)?;
    let map = arguments.map.as_deref().map(str::parse::<ClassMap>).transpose()?;
    let folder = TileFolder::scan(&arguments.tiles, map.as_ref())?;
    let folder = folder.ordered(&loaded.task.class_names())?;
    let bar = terminal.progress("tiles", 0);
    let tiles = tile_features(
        &folder,
        loaded.encoder.as_ref(),
        &ExtractSettings { cache: arguments.features.as_deref(), jitter: None },
        &|progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
        },
        &*interrupt::flag()?,
    )?;
    bar.finish_and_clear();
    for broken in &tiles.broken {
        terminal.note(&format!("left out {}: {}", broken.name, broken.why));
    }
    for warning in &tiles.warnings {
        terminal.note(warning);
    }
    let rows: Vec<usize> = match &arguments.split {
        Some(list) => list_parts(list, &tiles.names())?.0.test,
        None => (0..tiles.files.len()).collect(),
    };
    let labels: Vec<usize> = rows.iter().map(|row| tiles.files[*row].class).collect();
    let features = tiles.features.select(&rows);
    let probabilities = loaded.task.head.probabilities(&features, loaded.task.temperature)?;
    let metrics =
        ClassificationMetrics::measure(&probabilities, &labels, &loaded.task.class_names())?;
    let stain = match arguments.stain_robustness {
        Some(most) => {
            let names: BTreeSet<&str> =
                rows.iter().map(|row| tiles.files[*row].name.as_str()).collect();
            let used = |file: &TileFile| names.contains(file.name.as_str());
            let subject = Subject { loaded: &loaded, folder: &folder };
            Some(subject.stain(arguments, most, used, terminal)?)
        }
        None => None,
    };
    let document = Document {
        schema: "bianque.tile-evaluation/1",
        notice: RESEARCH_USE,
        task: format!("{} {}", loaded.task.name, loaded.task.version),
        task_digest: loaded.task.head_digest.to_string(),
        encoder_digest: loaded.encoder.producer().digest.map(|digest| digest.to_string()),
        broken: tiles.broken.len(),
        metrics: &metrics,
        stain_robustness: stain.as_ref(),
    };
    let mut text = format!("{}\n", document.task);
    write_metrics(&mut text, &metrics)?;
    if let Some(stain) = &stain {
        write_stain(&mut text, stain)?;
    }
    text.push_str(RESEARCH_USE);
    terminal.result(&document, &text)?;
    Ok(if tiles.broken.is_empty() { Outcome::Done } else { Outcome::Failed })
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
