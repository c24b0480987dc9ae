//! Training on a folder per class.

use bianque_lesion::{
    ClassMap, ExtractSettings, Parts, SeenTiles, StainJitter, TileFeatures, TileFolder,
    TrainingData, colour_cluster_folds, list_parts, random_folds, train_head,
};

use super::{
    card::Material,
    task::{self, Made},
};
use crate::{
    arguments::{Holdout, TrainTilesArguments},
    commands::encode_tiles::encode_tiles,
    models::Models,
    terminal::Terminal,
};

const FOLDS: usize = 5;
/// Most relative change and shift of a stain's amount in a varied copy.
const STAIN_SCALE: f32 = 0.4;
const STAIN_SHIFT: f32 = 0.1;

pub(super) fn train(
    arguments: &TrainTilesArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Made> {
    let (encoder_folder, encoder) = task::encoder(&arguments.head, models, terminal)?;
    let map = arguments.map.as_deref().map(str::parse::<ClassMap>).transpose()?;
    let folder = TileFolder::scan(&arguments.tiles, map.as_ref())?;
    let jitter = (arguments.stain_copies > 0).then_some(StainJitter {
        copies: arguments.stain_copies,
        scale: STAIN_SCALE,
        shift: STAIN_SHIFT,
        seed: arguments.head.seed,
    });
    let settings = ExtractSettings { cache: arguments.features.as_deref(), jitter };
    let tiles = encode_tiles(&folder, encoder.as_ref(), &settings, terminal)?;
    let labels = tiles.labels();
    let parts = parts(arguments, &tiles, &labels, terminal)?;
    let data = TrainingData {
        features: &tiles.features,
        varied: &tiles.varied,
        labels: &labels,
        classes: &tiles.classes,
    };
    let trained = train_head(&data, &parts, &task::settings(&arguments.head))?;
    let seen = parts.train.iter().chain(&parts.validation).map(|row| &tiles.digests[*row]);
    let material = Material {
        held_out: held_out(arguments),
        tiles: Some(SeenTiles::of(seen)),
        slides: None,
        mpp: None,
    };
    let encoder = encoder.as_ref();
    task::save(&arguments.head, &tiles.classes, &encoder_folder, encoder, trained, &material)
}

/// What the figures were measured on, for the card.
fn held_out(arguments: &TrainTilesArguments) -> String {
    let how = match (&arguments.split, arguments.holdout) {
        (Some(_), _) => "the part 'test' of a list of files",
        (None, Holdout::Colour) => "whole colour clusters of each class",
        (None, Holdout::Random) => {
            "a fifth of the tiles, drawn at random: tiles of one patient may stand on both sides"
        }
    };
    format!("{how}; these tiles neither trained nor calibrated the head")
}

fn parts(
    arguments: &TrainTilesArguments,
    tiles: &TileFeatures,
    labels: &[usize],
    terminal: &Terminal,
) -> anyhow::Result<Parts> {
    if let Some(list) = &arguments.split {
        let (parts, missing) = list_parts(list, &tiles.names())?;
        if !missing.is_empty() {
            terminal.note(&format!("{} tiles are not in the list: left out", missing.len()));
        }
        return Ok(parts);
    }
    let seed = arguments.head.seed;
    let folds = match arguments.holdout {
        Holdout::Colour => colour_cluster_folds(labels, &tiles.colours, FOLDS, seed)?,
        Holdout::Random => random_folds(labels, FOLDS, seed)?,
    };
    Ok(Parts::from_folds(&folds, FOLDS, 0)?)
}
