//! `bianque evaluate tiles`: a task on tiles of known class.

use bianque_lesion::{
    ClassMap, ClassificationMetrics, ExtractSettings, RESEARCH_USE, TileFolder, list_parts,
    tile_features,
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
    let document = Document {
        schema: "bianque.tile-evaluation/1",
        notice: RESEARCH_USE,
        task: format!("{} {}", loaded.task.name, loaded.task.version),
        task_digest: loaded.task.head_digest.to_string(),
        encoder_digest: loaded.encoder.producer().digest.map(|digest| digest.to_string()),
        broken: tiles.broken.len(),
        metrics: &metrics,
    };
    let mut text = format!("{}\n", document.task);
    write_metrics(&mut text, &metrics)?;
    text.push_str(RESEARCH_USE);
    terminal.result(&document, &text)?;
    Ok(if tiles.broken.is_empty() { Outcome::Done } else { Outcome::Failed })
}
