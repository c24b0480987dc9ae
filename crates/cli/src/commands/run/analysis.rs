//! Slide → tissue → features → probabilities → regions.

use std::time::Instant;

use anyhow::Context;
use bianque_lesion::{
    EncoderRequest, LesionError, PassRequest, Probabilities, ProbabilityMap, ReadAhead, Region,
    SlideExtraction, SlideFeatures, TileGrid, TokenLogits, encode_slide, find_regions,
    tissue_cells,
};

use super::{
    LoadedTask, Prepared, RunPlan, SlideRun,
    plan::{Lane, PlannedTask},
    prepare::{PassFiles, encoder_requests},
    second::SecondStageFacts,
};
use crate::{
    interrupt,
    terminal::{Terminal, shown_on},
};

/// Smallest share of tissue in a grid cell that takes part in the map.
const CELL_TISSUE: f64 = 0.1;

/// Into how many parts a grid cell's edge is cut for outlines, and how much of a part is tissue.
const FINENESS: u32 = 4;
const FINE_CELL_TISSUE: f64 = 0.5;

/// How much the tokens say of where in a tile its lesion lies; the rest is interpolated.
const TOKEN_SHARE: f32 = 0.5;

/// What is known of one task on one slide, still in memory.
pub(super) struct Analysis<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) extraction: &'a SlideExtraction,
    /// Tiles with tissue that were left out because something is wrong with it.
    pub(super) flawed_tiles: usize,
    pub(super) map: ProbabilityMap,
    pub(super) regions: Vec<Region>,
    /// Whether outlines follow the tokens' probabilities.
    pub(super) by_tokens: bool,
    /// What a second encoder has judged again, where one did.
    pub(super) second: Option<SecondStageFacts>,
    /// Wall seconds by step.
    pub(super) seconds: Vec<(&'static str, f64)>,
    pub(super) warnings: Vec<String>,
}

/// Encodes a slide for every lane in one pass.
pub(super) fn extract(
    request: &SlideRun<'_>,
    plan: &RunPlan,
    prepared: &Prepared,
    ahead: ReadAhead,
    terminal: &Terminal,
) -> anyhow::Result<Vec<SlideExtraction>> {
    let files = PassFiles::of(request, plan);
    for file in files.all().filter(|file| request.fresh && file.exists()) {
        std::fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    let tokens = files.token_requests(plan);
    let encoders = encoder_requests(prepared, plan, &files, &tokens);
    encode(prepared, &encoders, ahead, "tiles", terminal)
}

/// One pass over a slide, with a bar.
pub(super) fn encode(
    prepared: &Prepared,
    encoders: &[EncoderRequest<'_>],
    ahead: ReadAhead,
    what: &str,
    terminal: &Terminal,
) -> anyhow::Result<Vec<SlideExtraction>> {
    let bar = terminal.progress(what, 0);
    let pass = PassRequest {
        slide: prepared.slide.as_ref(),
        identity: &prepared.digest.to_string(),
        tissue: &prepared.good_tissue(),
        encoders,
    };
    let flag = interrupt::flag()?;
    let result = encode_slide(&pass, ahead, &shown_on(&bar), &flag);
    bar.finish_and_clear();
    match result {
        Err(LesionError::Cancelled) => {
            anyhow::bail!("interrupted; finished tiles are kept, the same command goes on")
        }
        result => Ok(result?),
    }
}

/// The head's calibrated probabilities of every tile.
pub(super) fn probabilities(
    loaded: &LoadedTask,
    features: &SlideFeatures,
) -> anyhow::Result<Probabilities> {
    Ok(loaded.task.head.probabilities(&features.matrix()?, loaded.task.temperature)?)
}

/// What a task's judgement rests on.
pub(super) struct Evidence<'a> {
    pub(super) planned: &'a PlannedTask,
    pub(super) lane: &'a Lane,
    pub(super) prepared: &'a Prepared,
    pub(super) extraction: &'a SlideExtraction,
    /// Logits of tokens, where outlines follow them.
    pub(super) tokens: Option<&'a SlideFeatures>,
}

/// Judges a task's features; `again` marks the tiles whose probabilities a second encoder gave.
pub(super) fn judge<'a>(
    evidence: &Evidence<'a>,
    probabilities: &Probabilities,
    again: &[bool],
) -> anyhow::Result<Analysis<'a>> {
    let start = Instant::now();
    let Evidence { planned, lane, prepared, extraction, tokens } = *evidence;
    let loaded = &planned.loaded;
    let (features, tissue) = (&extraction.features, &prepared.tissue);
    let grid = &features.facts.grid;
    let map =
        ProbabilityMap::from_judged_tiles(grid, features.cells(), probabilities, again, |cell| {
            tissue.tissue_fraction(grid.cell_rect(cell)) >= CELL_TISSUE
        })?;
    let (map, by_tokens) = refined(&map, loaded, prepared, tokens)?;
    let tiles: Vec<_> = features.cells().iter().map(|cell| cell.refined(map.fineness())).collect();
    let regions =
        find_regions(&map, &tiles, probabilities, &loaded.task.lesions(), &loaded.task.regions)?;
    let flawed_tiles = flawed_tiles(lane, prepared, features);
    let mut seconds = prepared.seconds.clone();
    let timing = &extraction.timing;
    let other = timing.wall_seconds - timing.compute_seconds - timing.waiting_seconds;
    seconds.push(("features_compute", timing.compute_seconds));
    seconds.push(("features_waiting", timing.waiting_seconds));
    seconds.push(("features_files", other.max(0.0)));
    seconds.push(("regions", start.elapsed().as_secs_f64()));
    let mut warnings = warnings(prepared, lane, extraction, flawed_tiles);
    warnings.extend(planned.outline_note.clone());
    if planned.by_tokens && tokens.is_some() && !by_tokens {
        let what = "outlines are interpolated between tiles: the slide is too large for a map of \
                    tokens";
        warnings.push(what.into());
    }
    Ok(Analysis {
        warnings,
        prepared,
        extraction,
        flawed_tiles,
        map,
        regions,
        by_tokens,
        second: None,
        seconds,
    })
}

/// The map on finer cells, and whether it follows tokens.
fn refined(
    map: &ProbabilityMap,
    loaded: &LoadedTask,
    prepared: &Prepared,
    tokens: Option<&SlideFeatures>,
) -> anyhow::Result<(ProbabilityMap, bool)> {
    let is_tissue = |grid: &TileGrid, cell| {
        prepared.tissue.tissue_fraction(grid.cell_rect(cell)) >= FINE_CELL_TISSUE
    };
    if let (Some(logits), Some(grid)) = (tokens, loaded.encoder.tokens()) {
        let temperature = loaded.task.temperature;
        let tokens = TokenLogits { logits, edge: grid.edge, temperature };
        if let Some(map) = map.refined_by_tokens(&tokens, TOKEN_SHARE, is_tissue)? {
            return Ok((map, true));
        }
    }
    Ok((map.refined(FINENESS, is_tissue), false))
}

/// Tiles with tissue that were left out because something is wrong with it.
fn flawed_tiles(lane: &Lane, prepared: &Prepared, features: &SlideFeatures) -> usize {
    if prepared.is_too_coarse(lane.encoder.recipe().input.mpp) {
        return 0;
    }
    let (grid, share) = (&features.facts.grid, lane.tissue_share);
    let with_tissue = tissue_cells(grid, &prepared.tissue, share).len();
    with_tissue.saturating_sub(tissue_cells(grid, &prepared.good_tissue(), share).len())
}

fn warnings(
    prepared: &Prepared,
    lane: &Lane,
    extraction: &SlideExtraction,
    flawed_tiles: usize,
) -> Vec<String> {
    let mpp = prepared.mpp.mean();
    let wanted = lane.encoder.recipe().input.mpp;
    let mut warnings = prepared.slide.facts().warnings.clone();
    warnings.extend(prepared.tissue.warnings.iter().map(ToString::to_string));
    warnings.extend(extraction.warnings.iter().cloned());
    let too_coarse = prepared.is_too_coarse(wanted);
    if too_coarse {
        warnings.push(format!(
            "the slide has {mpp:.1} um/px, the model needs {wanted:.2}: nothing was judged; scan \
             at a higher power, or give --mpp if the file states a wrong scale"
        ));
    } else if flawed_tiles > 0 {
        warnings.push(format!(
            "{flawed_tiles} tiles lie where the check found the tissue wanting and were left out"
        ));
    }
    if mpp / wanted > 1.2 && !too_coarse {
        warnings.push(format!(
            "the slide has {mpp:.2} um/px, the model was made for {wanted:.2}: tiles are enlarged \
             and the result is doubtful"
        ));
    }
    warnings
}
