//! From a trained head to a task's folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bianque_core::Digest;
use bianque_lesion::{
    EncoderReference, HeadSettings, Label, MlpSettings, NeighbourSettings, PrototypeSettings,
    RegionSettings, Task, TileSettings, TrainedHead, TrainingReport, head_to_bytes, recipe_digest,
};
use bianque_vision::Encoder;

use super::card::{self, Material};
use crate::{
    arguments::{HeadArguments, HeadKind},
    commands::run::load_encoder,
    models::Models,
    terminal::Terminal,
};

/// Colours from harmless to grave, where none are given.
const COLORS: [[u8; 3]; 6] =
    [[76, 143, 106], [224, 160, 48], [200, 48, 60], [112, 72, 160], [44, 110, 170], [120, 80, 50]];
/// Smallest share of tissue in a tile that is judged.
const TISSUE_SHARE: f64 = 0.35;
/// Positions along a tile's edge.
const STEPS: u32 = 2;

/// What a training made.
pub(super) struct Made {
    pub(super) folder: PathBuf,
    pub(super) report: TrainingReport,
}

/// Loads the encoder that the arguments name; gives its folder too.
pub(super) fn encoder(
    arguments: &HeadArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<(PathBuf, Box<dyn Encoder>)> {
    let folder = models.encoder(&arguments.encoder)?;
    let loaded = load_encoder(&folder, arguments.device)?;
    if let Some(note) = &loaded.note {
        terminal.note(note);
    }
    Ok((folder, loaded.encoder))
}

/// How the head is trained.
pub(super) fn settings(arguments: &HeadArguments) -> HeadSettings {
    match arguments.head {
        HeadKind::Linear => HeadSettings::default(),
        HeadKind::Mlp => {
            HeadSettings::Mlp(MlpSettings { seed: arguments.seed, ..MlpSettings::default() })
        }
        HeadKind::Knn => {
            let seed = arguments.seed;
            HeadSettings::Neighbours(NeighbourSettings { seed, ..NeighbourSettings::default() })
        }
        HeadKind::Prototypes => {
            let seed = arguments.seed;
            HeadSettings::Prototypes(PrototypeSettings { seed, ..PrototypeSettings::default() })
        }
    }
}

/// Writes the task's folder, card and all.
pub(super) fn save(
    arguments: &HeadArguments,
    classes: &[String],
    encoder_folder: &Path,
    encoder: &dyn Encoder,
    trained: TrainedHead,
    material: &Material,
) -> anyhow::Result<Made> {
    for lesion in &arguments.lesions {
        let known = classes.join(", ");
        ensure!(classes.contains(lesion), "--lesions {lesion}: the labels are {known}");
    }
    let input = &encoder.recipe().input;
    let producer = encoder.producer();
    let digest = producer.digest.context("the encoder has no digest of its weights")?;
    let folder = arguments.out.join(&arguments.name);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let bytes = head_to_bytes(&trained.head).map_err(anyhow::Error::msg)?;
    let task = Task {
        name: arguments.name.clone(),
        version: arguments.version.clone(),
        title: arguments.title.clone().unwrap_or_else(|| arguments.name.clone()),
        title_zh: None,
        organ: arguments.organ.clone(),
        encoder: EncoderReference {
            path: path_from(&folder, encoder_folder)?,
            name: producer.name.clone(),
            version: producer.version.clone(),
            digest,
            recipe_digest: Some(recipe_digest(encoder.recipe())),
        },
        tiles: TileSettings {
            size: input.size,
            mpp: input.mpp,
            steps: STEPS,
            tissue: TISSUE_SHARE,
        },
        labels: labels(arguments, classes)?,
        regions: RegionSettings::for_tile(f64::from(input.size) * input.mpp),
        temperature: trained.temperature,
        intended_use: arguments.intended_use.clone(),
        licence: arguments.licence.clone(),
        trained_on: arguments.trained_on.clone(),
        measured: serde_json::to_value(&trained.report)?,
        training_tiles: material.tiles.clone(),
        head_digest: Digest::of(&bytes),
        head: trained.head,
    };
    let card = card::of_tiles(arguments, &task, material, &trained.report);
    task.save(&folder)?;
    card.save(&folder)?;
    Ok(Made { folder, report: trained.report })
}

fn labels(arguments: &HeadArguments, classes: &[String]) -> anyhow::Result<Vec<Label>> {
    let given = &arguments.colors;
    ensure!(
        given.is_empty() || given.len() == classes.len(),
        "{} --colors for {} labels",
        given.len(),
        classes.len()
    );
    classes
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let color = match given.get(index) {
                Some(text) => color(text)?,
                None => COLORS[index % COLORS.len()],
            };
            let mut title = name.clone();
            if let Some(first) = title.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let lesion = arguments.lesions.contains(name);
            Ok(Label { name: name.clone(), title, title_zh: None, lesion, color })
        })
        .collect()
}

fn color(text: &str) -> anyhow::Result<[u8; 3]> {
    let value = u32::from_str_radix(text.trim_start_matches('#'), 16)
        .ok()
        .filter(|_| text.trim_start_matches('#').len() == 6)
        .with_context(|| format!("'{text}' is no colour: give RRGGBB, such as C8303C"))?;
    let [_, red, green, blue] = value.to_be_bytes();
    Ok([red, green, blue])
}

/// `to` as seen from the folder `from`, so that both can be moved together; absolute where they
/// have nothing in common.
fn path_from(from: &Path, to: &Path) -> anyhow::Result<String> {
    let absolute = |path: &Path| {
        path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
    };
    let (from, to) = (absolute(from)?, absolute(to)?);
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let mut relative = PathBuf::new();
    for _ in from.components().skip(shared) {
        relative.push("..");
    }
    to.components().skip(shared).for_each(|part| relative.push(part));
    let path = if shared > 1 { relative } else { to };
    Ok(path.to_string_lossy().replace('\\', "/"))
}
