//! Training on slides with annotated regions.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bianque_lesion::{
    AnnotationMap, FeatureMatrix, MppRange, Parts, SlideRequest, TrainingData, group_folds,
    label_tiles, random_folds, slide_features, train_head,
};
use bianque_quality::{TissueSettings, find_tissue};
use bianque_slide::OpenOptions;
use bianque_vision::Encoder;

use super::{
    card::Material,
    task::{self, Made},
};
use crate::{
    arguments::TrainSlidesArguments,
    commands::evaluate_lesions::read,
    interrupt,
    models::Models,
    terminal::{Terminal, shown_on},
};

const FOLDS: usize = 5;
/// Slides from which on whole slides are held out.
const SLIDES_TO_HOLD_OUT: usize = 5;
/// Smallest share of tissue in a training tile.
const TISSUE_SHARE: f64 = 0.35;

/// Labelled tiles of all slides.
struct Examples {
    features: FeatureMatrix,
    labels: Vec<usize>,
    slides: Vec<usize>,
    /// Microns per level-0 pixel of each slide.
    mpp: Vec<f64>,
}

pub(super) fn train(
    arguments: &TrainSlidesArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Made> {
    let (encoder_folder, encoder) = task::encoder(&arguments.head, models, terminal)?;
    let (classes, map) = labels(arguments)?;
    let mut examples = Examples {
        features: FeatureMatrix::new(encoder.dimension(), Vec::new())?,
        labels: Vec::new(),
        slides: Vec::new(),
        mpp: Vec::new(),
    };
    for (index, pair) in arguments.slides.iter().enumerate() {
        let (slide, annotations) =
            pair.rsplit_once('=').with_context(|| format!("'{pair}': expected SLIDE=GEOJSON"))?;
        terminal.note(&format!("[{}/{}] {slide}", index + 1, arguments.slides.len()));
        let part = (Path::new(slide), Path::new(annotations), index);
        add_slide(arguments, part, encoder.as_ref(), &map, &mut examples, terminal)
            .with_context(|| format!("slide {slide}"))?;
    }
    let whole_slides = arguments.slides.len() >= SLIDES_TO_HOLD_OUT;
    let parts = if whole_slides {
        let groups = &examples.slides;
        Parts::from_folds(&group_folds(groups, FOLDS, arguments.head.seed)?, FOLDS, 0)?
    } else {
        terminal.note(
            "fewer than five slides: tiles are held out at random, so the figures flatter the head",
        );
        let folds = random_folds(&examples.labels, FOLDS, arguments.head.seed)?;
        Parts::from_folds(&folds, FOLDS, 0)?
    };
    let data = TrainingData {
        features: &examples.features,
        varied: &[],
        labels: &examples.labels,
        classes: &classes,
    };
    let trained = train_head(&data, &parts, &task::settings(&arguments.head))?;
    let how = if whole_slides {
        "a fifth of the slides"
    } else {
        "a fifth of the tiles, drawn at random: their neighbours trained the head"
    };
    let material = Material {
        held_out: format!("{how}; these tiles neither trained nor calibrated the head"),
        tiles: None,
        slides: Some(arguments.slides.len() as u64),
        mpp: MppRange::around_slides(examples.mpp.iter().copied()),
    };
    let encoder = encoder.as_ref();
    task::save(&arguments.head, &classes, &encoder_folder, encoder, trained, &material)
}

/// Labels from harmless to grave: the background first, then the map's in their order.
fn labels(arguments: &TrainSlidesArguments) -> anyhow::Result<(Vec<String>, AnnotationMap)> {
    let mut classes: Vec<String> = arguments.background.iter().cloned().collect();
    let mut map =
        AnnotationMap { classes: Vec::new(), background: arguments.background.as_ref().map(|_| 0) };
    for pair in &arguments.map {
        let (class, label) = pair
            .split_once('=')
            .with_context(|| format!("--map '{pair}': expected CLASS=LABEL"))?;
        let index = classes.iter().position(|known| known == label).unwrap_or_else(|| {
            classes.push(label.to_owned());
            classes.len() - 1
        });
        map.classes.push((class.to_owned(), index));
    }
    ensure!(classes.len() > 1, "one label only: name another, or the tissue's with --background");
    Ok((classes, map))
}

fn add_slide(
    arguments: &TrainSlidesArguments,
    (path, annotations, index): (&Path, &Path, usize),
    encoder: &dyn Encoder,
    map: &AnnotationMap,
    examples: &mut Examples,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let options = OpenOptions { mpp: arguments.mpp, ..OpenOptions::default() };
    let slide = bianque_slide::open(path, &options)?;
    let tissue = find_tissue(slide.as_ref(), &TissueSettings::default())?;
    let digest = bianque_slide::content_digest(path)?;
    let file: Option<PathBuf> = arguments
        .features
        .as_ref()
        .map(|folder| folder.join(format!("{}.safetensors", digest.short())));
    if let Some(folder) = &arguments.features {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let bar = terminal.progress("tiles", 0);
    let extraction = slide_features(
        &SlideRequest {
            slide: slide.as_ref(),
            identity: &digest.to_string(),
            tissue: &tissue,
            tissue_share: TISSUE_SHARE,
            steps: 1,
            encoder,
        },
        file.as_deref(),
        &shown_on(&bar),
        &*interrupt::flag()?,
    )?;
    bar.finish_and_clear();
    let labelled = label_tiles(&extraction.features, &read(annotations)?, map)?;
    for warning in extraction.warnings.iter().chain(&labelled.warnings) {
        terminal.note(warning);
    }
    examples.features.append(&extraction.features.matrix()?.select(&labelled.tiles))?;
    examples.slides.extend(std::iter::repeat_n(index, labelled.labels.len()));
    examples.labels.extend(labelled.labels);
    examples.mpp.extend(slide.facts().mpp.as_ref().map(bianque_core::Mpp::mean));
    Ok(())
}
