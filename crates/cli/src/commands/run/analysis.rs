//! Slide → tissue → features → probabilities → regions.

use std::time::Instant;

use bianque_core::{Digest, Level0, Mpp, PixelRect};
use bianque_lesion::{
    LesionError, ProbabilityMap, Region, SlideExtraction, SlideRequest, TissueMap, find_regions,
    slide_features, tissue_cells,
};
use bianque_quality::{Check, Tissue, check_slide};
use bianque_slide::{OpenOptions, Slide, SlideError};

use super::{LoadedTask, SlideRun};
use crate::{interrupt, terminal::Terminal};

/// Smallest share of tissue in a grid cell that takes part in the map.
const CELL_TISSUE: f64 = 0.1;

/// Into how many parts a grid cell's edge is cut for outlines, and how much of a part is tissue.
const FINENESS: u32 = 4;
const FINE_CELL_TISSUE: f64 = 0.5;

/// The file in the output folder that keeps the features.
const FEATURES_FILE: &str = "features.safetensors";

/// Everything that is known after a run, still in memory.
pub(super) struct Analysis {
    pub(super) slide: Box<dyn Slide>,
    pub(super) mpp: Mpp,
    pub(super) digest: Digest,
    pub(super) tissue: Tissue,
    pub(super) check: Check,
    /// Tiles with tissue that were left out because something is wrong with it.
    pub(super) flawed_tiles: usize,
    pub(super) extraction: SlideExtraction,
    pub(super) map: ProbabilityMap,
    pub(super) regions: Vec<Region>,
    /// Wall seconds by step, and summed worker seconds of decoding and encoding.
    pub(super) seconds: Vec<(&'static str, f64)>,
    pub(super) warnings: Vec<String>,
}

pub(super) fn analyse(
    request: &SlideRun<'_>,
    loaded: &LoadedTask,
    terminal: &Terminal,
) -> anyhow::Result<Analysis> {
    let mut clock = Clock::default();
    let options = OpenOptions { mpp: request.mpp, ..OpenOptions::default() };
    let slide = bianque_slide::open(request.slide, &options)?;
    let mpp = slide.facts().mpp.clone().ok_or(SlideError::NoMpp)?;
    let digest = bianque_slide::content_digest(request.slide)?;
    clock.lap("open_and_digest");
    let mut check = check_slide(slide.as_ref(), request.check);
    let Some(tissue) = check.tissue.take() else {
        let why = check.findings.first().map_or("unreadable", |finding| finding.note.as_str());
        anyhow::bail!("the slide cannot be judged: {why}");
    };
    clock.lap("check");
    let wanted = loaded.encoder.recipe().input.mpp;
    let too_coarse = mpp.mean() > COARSEST * wanted;
    let good = GoodTissue { tissue: &tissue, check: &check, too_coarse };
    let extraction = extract(request, loaded, terminal, &*slide, digest, &good)?;
    clock.lap("features");
    let features = &extraction.features;
    let (tiles, share) = (&features.facts.grid, loaded.task.tiles.tissue);
    let with_tissue = tissue_cells(tiles, &tissue, share).len();
    let good_tiles = tissue_cells(tiles, &good, share).len();
    let flawed_tiles = if too_coarse { 0 } else { with_tissue.saturating_sub(good_tiles) };
    let probabilities =
        loaded.task.head.probabilities(&features.matrix()?, loaded.task.temperature)?;
    let grid = &features.facts.grid;
    let map = ProbabilityMap::from_tiles(grid, features.cells(), &probabilities, |cell| {
        tissue.tissue_fraction(grid.cell_rect(cell)) >= CELL_TISSUE
    })?;
    let map = map.refined(FINENESS, |grid, cell| {
        tissue.tissue_fraction(grid.cell_rect(cell)) >= FINE_CELL_TISSUE
    });
    let tiles: Vec<_> = features.cells().iter().map(|cell| cell.refined(map.fineness())).collect();
    let regions =
        find_regions(&map, &tiles, &probabilities, &loaded.task.lesions(), &loaded.task.regions)?;
    clock.lap("regions");
    let mut warnings = slide.facts().warnings.clone();
    warnings.extend(tissue.warnings.iter().map(ToString::to_string));
    warnings.extend(extraction.warnings.iter().cloned());
    if too_coarse {
        warnings.push(format!(
            "the slide has {:.1} um/px, the model needs {wanted:.2}: nothing was judged; scan at a \
             higher power, or give --mpp if the file states a wrong scale",
            mpp.mean()
        ));
    } else if flawed_tiles > 0 {
        warnings.push(format!(
            "{flawed_tiles} tiles lie where the check found the tissue wanting and were left out"
        ));
    }
    let scale = mpp.mean() / grid.mpp();
    if scale > 1.2 && !too_coarse {
        warnings.push(format!(
            "the slide has {:.2} um/px, the model was made for {:.2}: tiles are enlarged and the \
             result is doubtful",
            mpp.mean(),
            grid.mpp()
        ));
    }
    Ok(Analysis {
        slide,
        mpp,
        digest,
        flawed_tiles,
        tissue,
        check,
        map,
        regions,
        seconds: clock.laps,
        warnings,
        extraction,
    })
}

fn extract(
    request: &SlideRun<'_>,
    loaded: &LoadedTask,
    terminal: &Terminal,
    slide: &dyn Slide,
    digest: Digest,
    tissue: &dyn TissueMap,
) -> anyhow::Result<SlideExtraction> {
    let file = request.out.join(FEATURES_FILE);
    if request.fresh && file.exists() {
        std::fs::remove_file(&file)?;
    }
    let bar = terminal.progress("tiles", 0);
    let identity = digest.to_string();
    let features = SlideRequest {
        slide,
        identity: &identity,
        tissue,
        tissue_share: loaded.task.tiles.tissue,
        steps: loaded.task.tiles.steps,
        encoder: loaded.encoder.as_ref(),
    };
    let flag = interrupt::flag()?;
    let result = slide_features(
        &features,
        Some(&file),
        &|progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
        },
        &flag,
    );
    bar.finish_and_clear();
    match result {
        Err(LesionError::Cancelled) => {
            anyhow::bail!("interrupted; finished tiles are kept, the same command goes on")
        }
        result => Ok(result?),
    }
}

/// Tissue without the places on which something is wrong.
struct GoodTissue<'a> {
    tissue: &'a Tissue,
    check: &'a Check,
    /// The slide has too little detail for the model: none of it is judged.
    too_coarse: bool,
}

/// A slide with more microns per pixel than this times the model's has lost what the model sees.
const COARSEST: f64 = 3.0;

/// A tile of which this share is flawed is left out.
const MOST_FLAWED: f64 = 0.3;

impl TissueMap for GoodTissue<'_> {
    fn tissue_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        if self.too_coarse || self.check.flawed_fraction(rect) >= MOST_FLAWED {
            return 0.0;
        }
        self.tissue.tissue_fraction(rect)
    }

    fn ink_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        self.tissue.ink_fraction(rect)
    }
}

struct Clock {
    last: Instant,
    laps: Vec<(&'static str, f64)>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }
}

impl Clock {
    fn lap(&mut self, name: &'static str) {
        self.laps.push((name, self.last.elapsed().as_secs_f64()));
        self.last = Instant::now();
    }
}
