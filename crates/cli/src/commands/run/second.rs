//! The second stage: a larger encoder judges again where the first one is least sure.

use std::path::Path;

use bianque_lesion::{
    Cell, EncoderRequest, FeatureMatrix, Probabilities, ReadAhead, SecondLook, SlideExtraction,
    SlideFeatures, TileGrid, Timing,
};

use super::{
    LoadedTask, Prepared, SlideRun,
    analysis::{encode, probabilities},
    plan::SecondStage,
};
use crate::terminal::Terminal;

/// In how many rounds results are refined.
const ROUNDS: usize = 3;

/// What a second encoder did on a slide.
#[derive(Clone, Debug)]
pub(super) struct SecondStageFacts {
    /// Places of the first encoder's tiles that it has judged so far: indices, the most telling
    /// first.
    pub(super) places: Vec<usize>,
    /// How many places it is to judge.
    pub(super) planned: usize,
    /// Tiles of its own that it has seen.
    pub(super) tiles: usize,
    /// Places for whose tiles `--second-tiles` left no room.
    pub(super) skipped: usize,
    pub(super) timing: Timing,
}

/// The first stage's result, to be refined.
pub(super) struct FirstStage<'a> {
    pub(super) extraction: &'a SlideExtraction,
    pub(super) probabilities: &'a Probabilities,
}

/// Has the second encoder judge the most telling places, round by round. After each round `show`
/// gets the refined probabilities, which tiles were judged again, and what was done so far.
pub(super) fn refine(
    request: &SlideRun<'_>,
    stage: &SecondStage,
    prepared: &Prepared,
    first: &FirstStage<'_>,
    terminal: &Terminal,
    mut show: impl FnMut(&Probabilities, &[bool], SecondStageFacts) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let loaded = &stage.loaded;
    let input = &loaded.encoder.recipe().input;
    let bounds = prepared.slide.facts().bounds();
    let steps = loaded.task.tiles.steps;
    let grid = TileGrid::over(bounds, &prepared.mpp, input.size, input.mpp, steps)?;
    let features = &first.extraction.features;
    let look = SecondLook::plan(features, first.probabilities, &grid, stage.budget)?;
    let planned = look.places().len();
    let file = request.out.join(format!("features-{}-second.safetensors", input_name(loaded)));
    if request.fresh && file.exists() {
        std::fs::remove_file(&file)?;
    }
    let mut found = Found::default();
    // What an earlier run has kept is there at once; else results come in rounds.
    let rounds = if file.exists() { 1 } else { ROUNDS };
    for round in 1..=rounds {
        let places = planned * round / rounds;
        let cells = look.cells(0..places);
        let wanted: Vec<Cell> = cells.iter().filter(|cell| !found.has(cell)).copied().collect();
        let keep = (rounds == 1).then_some(file.as_path());
        found.add(encode_some(loaded, prepared, &wanted, keep, terminal)?)?;
        let second = probabilities(loaded, found.features()?)?;
        let cells = found.features()?.cells();
        let (refined, judged) = look.refined(places, first.probabilities, (cells, &second))?;
        let done = look.places()[..places].iter().copied();
        let facts = SecondStageFacts {
            places: done.filter(|place| judged[*place]).collect(),
            planned,
            tiles: cells.len(),
            skipped: look.skipped(),
            timing: found.timing,
        };
        show(&refined, &judged, facts)?;
    }
    if rounds > 1 {
        found.features()?.write(&file)?;
    }
    Ok(())
}

fn input_name(loaded: &LoadedTask) -> &str {
    &loaded.encoder.recipe().name
}

fn encode_some(
    loaded: &LoadedTask,
    prepared: &Prepared,
    cells: &[Cell],
    file: Option<&Path>,
    terminal: &Terminal,
) -> anyhow::Result<SlideExtraction> {
    let request = EncoderRequest {
        encoder: loaded.encoder.as_ref(),
        steps: loaded.task.tiles.steps,
        tissue_share: loaded.task.tiles.tissue,
        only: Some(cells),
        file,
        tokens: &[],
    };
    let mut found = encode(prepared, &[request], ReadAhead::default(), "second encoder", terminal)?;
    found.pop().ok_or_else(|| anyhow::anyhow!("the second encoder gave nothing"))
}

/// The second encoder's features so far.
#[derive(Default)]
struct Found {
    features: Option<SlideFeatures>,
    timing: Timing,
}

impl Found {
    fn features(&self) -> anyhow::Result<&SlideFeatures> {
        self.features.as_ref().ok_or_else(|| anyhow::anyhow!("the second encoder gave nothing"))
    }

    fn has(&self, cell: &Cell) -> bool {
        self.features.as_ref().is_some_and(|own| {
            let is_left_out = own.facts.left_out.iter().any(|left| left.cell == *cell);
            is_left_out || own.cells().binary_search(cell).is_ok()
        })
    }

    fn add(&mut self, extraction: SlideExtraction) -> anyhow::Result<()> {
        self.timing = self.timing.and(extraction.timing);
        let Some(own) = self.features.take() else {
            self.features = Some(extraction.features);
            return Ok(());
        };
        let later = extraction.features;
        let mut rows: Vec<(Cell, Vec<f32>)> = Vec::new();
        for part in [&own, &later] {
            let matrix = part.matrix()?;
            rows.extend(
                part.cells().iter().enumerate().map(|(at, c)| (*c, matrix.row(at).to_vec())),
            );
        }
        rows.sort_by_key(|(cell, _)| *cell);
        let mut facts = own.facts;
        facts.left_out.extend(later.facts.left_out);
        facts.left_out.sort_by_key(|left| left.cell);
        let cells = rows.iter().map(|(cell, _)| *cell).collect();
        let values = rows.into_iter().flat_map(|(_, vector)| vector).collect();
        let vectors = FeatureMatrix::new(facts.dimension, values)?;
        self.features = Some(SlideFeatures::new(facts, cells, &vectors)?);
        Ok(())
    }
}
