//! A slide's tiles through the encoder.
//!
//! Every thread decodes a batch of neighbouring tiles and encodes it itself. Decoding is a tenth
//! of encoding for the smallest encoder, so a queue between decoding and encoding threads would
//! only move the waiting; and without one the order of work, and so the result, is fixed.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    time::Instant,
};

use bianque_core::{Digest, RgbImage};
use bianque_slide::{Slide, SlideError};
use bianque_vision::Encoder;
use half::f16;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    grid::{Cell, TileGrid, TissueMap, tissue_cells},
    shards::{Shards, plan},
    store::{FeatureFacts, LeftOut, SlideFeatures},
};
use crate::{
    error::{LesionError, Result},
    task::recipe_digest,
    tiles::Progress,
};

/// Tiles decoded and encoded together by one thread.
const BATCH: usize = 16;
/// Tiles of a stretch that is kept when a run is interrupted.
const STRETCH: usize = 1024;
/// Warnings about single tiles that are spelled out.
const SPELLED_OUT: usize = 5;

/// What is to be encoded, and how.
#[derive(Copy, Clone)]
pub struct SlideRequest<'a> {
    /// The slide; it must state microns per pixel, or be opened with the user's.
    pub slide: &'a dyn Slide,
    /// The slide's digest, or what else names its content.
    pub identity: &'a str,
    /// Where tissue is.
    pub tissue: &'a dyn TissueMap,
    /// Smallest share of tissue in a tile that is encoded.
    pub tissue_share: f64,
    /// Tile positions along a tile's edge: 1 tiles meet, 2 they overlap by half.
    pub steps: u32,
    /// The encoder; its recipe says how tiles are cut.
    pub encoder: &'a dyn Encoder,
}

/// Where the time went.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds spent reading and decoding, summed over threads.
    pub decode_seconds: f64,
    /// Seconds spent in the encoder, summed over threads.
    pub encode_seconds: f64,
    /// Seconds from start to end.
    pub wall_seconds: f64,
    /// Tiles that were encoded in this run.
    pub tiles: usize,
}

/// A slide's features and how they came about.
#[derive(Clone, Debug)]
pub struct SlideExtraction {
    /// The features.
    pub features: SlideFeatures,
    /// Where the time went.
    pub timing: Timing,
    /// Tiles that an earlier run had finished.
    pub reused: usize,
    /// What a person should know: tiles left out with their place, a slide without any.
    pub warnings: Vec<String>,
}

/// Encodes the tissue tiles of a slide. With a `file` the features are kept there; a file with the
/// same slide, encoder and settings is used as it is, and an interrupted run is continued.
///
/// A tile that does not decode is left out and named in the warnings.
///
/// # Errors
/// When the slide cannot be read at all, the encoder fails, the file cannot be written, a setting
/// is out of range, or `cancel` was set: then what was finished is kept.
pub fn slide_features(
    request: &SlideRequest<'_>,
    file: Option<&Path>,
    progress: &(dyn Fn(Progress) + Sync),
    cancel: &AtomicBool,
) -> Result<SlideExtraction> {
    let start = Instant::now();
    let (facts, cells) = prepare(request)?;
    let plan = plan(&facts, &cells);
    let mut warnings = Vec::new();
    if let Some(features) = kept(file, plan, &mut warnings) {
        progress(Progress { done: cells.len(), total: cells.len() });
        let reused = features.cells.len();
        return Ok(finished(features, Timing::default(), reused, warnings, start));
    }
    let shards = file.map(|file| Shards::open(file, plan)).transpose()?;
    let run = Run {
        request,
        grid: &facts.grid,
        progress,
        cancel,
        done: AtomicUsize::new(0),
        total: cells.len(),
        decode_nanos: AtomicU64::new(0),
        encode_nanos: AtomicU64::new(0),
    };
    let mut features = SlideFeatures { facts: facts.clone(), cells: vec![], values: vec![] };
    let mut reused = 0;
    for (index, stretch) in cells.chunks(STRETCH).enumerate() {
        let earlier = shards.as_ref().map(|shards| shards.read(index)).transpose()?.flatten();
        let part = match earlier.filter(|part| part.facts.grid == facts.grid) {
            Some(part) => {
                reused += part.cells.len();
                run.advance(stretch.len());
                part
            }
            None => {
                let part = run.stretch(stretch, &facts)?;
                if let Some(shards) = &shards {
                    shards.write(index, &part)?;
                }
                part
            }
        };
        features.extend(part);
    }
    if let (Some(file), Some(shards)) = (file, shards) {
        features.write(file)?;
        shards.remove()?;
    }
    let timing = run.timing(features.cells.len() - reused);
    Ok(finished(features, timing, reused, warnings, start))
}

/// What decides the result: facts and tiles.
fn prepare(request: &SlideRequest<'_>) -> Result<(FeatureFacts, Vec<Cell>)> {
    let recipe = request.encoder.recipe();
    if !(0.0..=1.0).contains(&request.tissue_share) {
        let share = request.tissue_share;
        return Err(LesionError::Setting(format!("a tissue share of {share} is not 0 to 1")));
    }
    let slide = request.slide.facts();
    let mpp = slide.mpp.as_ref().ok_or(SlideError::NoMpp)?;
    let input = &recipe.input;
    let grid = TileGrid::over(slide.bounds(), mpp, input.size, input.mpp, request.steps)?;
    let cells = tissue_cells(&grid, request.tissue, request.tissue_share);
    let facts = FeatureFacts {
        schema: 1,
        slide: request.identity.to_owned(),
        mpp: mpp.clone(),
        grid,
        tissue: request.tissue_share,
        encoder: request.encoder.producer().clone(),
        recipe_digest: recipe_digest(recipe),
        dimension: request.encoder.dimension(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        left_out: Vec::new(),
    };
    Ok((facts, cells))
}

/// The features of an earlier run, where they are what this run would make.
fn kept(
    file: Option<&Path>,
    plan_now: Digest,
    warnings: &mut Vec<String>,
) -> Option<SlideFeatures> {
    let file = file.filter(|file| file.exists())?;
    match SlideFeatures::read(file) {
        Ok(features) => {
            // Tiles that were left out belong to the plan as well.
            let mut cells = features.cells.clone();
            cells.extend(features.facts.left_out.iter().map(|left| left.cell));
            cells.sort_unstable();
            let same = plan(&features.facts, &cells) == plan_now;
            same.then_some(features)
        }
        Err(error) => {
            warnings.push(format!("earlier features are made again: {error}"));
            None
        }
    }
}

fn finished(
    features: SlideFeatures,
    mut timing: Timing,
    reused: usize,
    mut warnings: Vec<String>,
    start: Instant,
) -> SlideExtraction {
    timing.wall_seconds = start.elapsed().as_secs_f64();
    let left_out = &features.facts.left_out;
    for left in left_out.iter().take(SPELLED_OUT) {
        let rect = features.facts.grid.tile_rect(left.cell);
        warnings.push(format!("the tile at x {}, y {} was left out: {}", rect.x, rect.y, left.why));
    }
    if left_out.len() > SPELLED_OUT {
        warnings.push(format!("{} tiles were left out in all", left_out.len()));
    }
    if features.cells.is_empty() {
        warnings.push(if left_out.is_empty() {
            "no tile has enough tissue: nothing was judged".to_owned()
        } else {
            "no tile could be read: nothing was judged".to_owned()
        });
    }
    SlideExtraction { features, timing, reused, warnings }
}

/// A run over a slide.
struct Run<'a> {
    request: &'a SlideRequest<'a>,
    grid: &'a TileGrid,
    progress: &'a (dyn Fn(Progress) + Sync),
    cancel: &'a AtomicBool,
    done: AtomicUsize,
    total: usize,
    decode_nanos: AtomicU64,
    encode_nanos: AtomicU64,
}

/// A batch's tiles that have features, and those that have none.
type Batch = (Vec<Cell>, Vec<f16>, Vec<LeftOut>);

impl Run<'_> {
    fn stretch(&self, cells: &[Cell], facts: &FeatureFacts) -> Result<SlideFeatures> {
        let batches: Vec<Batch> =
            cells.par_chunks(BATCH).map(|cells| self.batch(cells)).collect::<Result<_>>()?;
        let mut part = SlideFeatures { facts: facts.clone(), cells: vec![], values: vec![] };
        for (cells, values, left_out) in batches {
            part.cells.extend(cells);
            part.values.extend(values);
            part.facts.left_out.extend(left_out);
        }
        Ok(part)
    }

    fn batch(&self, cells: &[Cell]) -> Result<Batch> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(LesionError::Cancelled);
        }
        let start = Instant::now();
        let mut left_out = Vec::new();
        let (mut readable, mut images) = (Vec::new(), Vec::new());
        for cell in cells {
            match self.read(*cell) {
                Ok(image) => {
                    readable.push(*cell);
                    images.push(image);
                }
                // What lies in the file as a tile may be broken; all else concerns the whole slide.
                Err(error @ (SlideError::Tile { .. } | SlideError::Broken { .. })) => {
                    left_out.push(LeftOut { cell: *cell, why: error.to_string() });
                }
                Err(error) => return Err(error.into()),
            }
        }
        let decoded = Instant::now();
        let dimension = self.request.encoder.dimension();
        let mut vectors = vec![0.0_f32; images.len() * dimension];
        if !images.is_empty() {
            self.request.encoder.encode(&images, &mut vectors)?;
        }
        let nanos = |from: Instant, to: Instant| to.duration_since(from).as_nanos() as u64;
        self.decode_nanos.fetch_add(nanos(start, decoded), Ordering::Relaxed);
        self.encode_nanos.fetch_add(nanos(decoded, Instant::now()), Ordering::Relaxed);
        let (mut whole, mut values) = (Vec::new(), Vec::new());
        for (cell, vector) in readable.into_iter().zip(vectors.chunks_exact(dimension.max(1))) {
            let halves: Vec<f16> = vector.iter().map(|value| f16::from_f32(*value)).collect();
            if halves.iter().all(|value| value.is_finite()) {
                whole.push(cell);
                values.extend(halves);
            } else {
                let why = "its features are not finite or exceed half precision".to_owned();
                left_out.push(LeftOut { cell, why });
            }
        }
        left_out.sort_by_key(|left| left.cell);
        self.advance(cells.len());
        Ok((whole, values, left_out))
    }

    fn read(&self, cell: Cell) -> std::result::Result<RgbImage, SlideError> {
        let edge = self.grid.tile_px();
        self.request.slide.read_at_mpp(self.grid.origin(cell), self.grid.mpp(), edge, edge)
    }

    fn advance(&self, tiles: usize) {
        let done = self.done.fetch_add(tiles, Ordering::Relaxed) + tiles;
        (self.progress)(Progress { done, total: self.total });
    }

    fn timing(&self, tiles: usize) -> Timing {
        let seconds = |nanos: &AtomicU64| nanos.load(Ordering::Relaxed) as f64 / 1e9;
        Timing {
            decode_seconds: seconds(&self.decode_nanos),
            encode_seconds: seconds(&self.encode_nanos),
            wall_seconds: 0.0,
            tiles,
        }
    }
}

#[cfg(test)]
mod tests {
    use bianque_core::{Level0, PixelRect};

    use super::*;
    use crate::{
        fakes::{MeanColourEncoder, PaintedSlide},
        slide_features::TissueEverywhere,
    };

    fn paint(x: i64, y: i64) -> [u8; 3] {
        [(x / 64 % 256) as u8, (y / 64 % 256) as u8, 128]
    }

    fn run(
        slide: &PaintedSlide,
        encoder: &MeanColourEncoder,
        file: Option<&Path>,
        cancel: &AtomicBool,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<SlideExtraction> {
        let request = SlideRequest {
            slide,
            identity: "slide",
            tissue: &TissueEverywhere,
            tissue_share: 0.25,
            steps: 2,
            encoder,
        };
        slide_features(&request, file, progress, cancel)
    }

    fn quiet(
        slide: &PaintedSlide,
        encoder: &MeanColourEncoder,
        file: Option<&Path>,
    ) -> SlideExtraction {
        run(slide, encoder, file, &AtomicBool::new(false), &|_| ()).unwrap()
    }

    #[test]
    fn tiles_are_read_where_the_grid_says() {
        // Tiles of 8 px at 1 um: 16 level-0 px, stride 8.
        let slide = PaintedSlide::new(256, 128, paint);
        let encoder = MeanColourEncoder::new(8);
        let found = quiet(&slide, &encoder, None);
        assert_eq!(found.features.cells().len(), 32 * 16);
        let matrix = found.features.matrix().unwrap();
        let at = found.features.cells().iter().position(|c| (c.row, c.column) == (8, 16)).unwrap();
        assert!((matrix.row(at)[0] - 2.0 / 255.0).abs() < 1e-3);
        assert!((matrix.row(at)[1] - 1.0 / 255.0).abs() < 1e-3);
        assert_eq!(found.timing.tiles, 512);
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn the_same_slide_gives_the_same_bytes_whether_interrupted_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, resumed) =
            (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
        let slide = PaintedSlide::new(512, 512, paint);
        let encoder = MeanColourEncoder::new(8);
        quiet(&slide, &encoder, Some(&whole));
        let cancel = AtomicBool::new(false);
        let stop = |progress: Progress| {
            if progress.done >= 2000 {
                cancel.store(true, Ordering::Relaxed);
            }
        };
        let error = run(&slide, &encoder, Some(&resumed), &cancel, &stop).unwrap_err();
        assert!(matches!(error, LesionError::Cancelled));
        assert!(!resumed.exists());
        let before = slide.reads();
        let second = quiet(&slide, &encoder, Some(&resumed));
        assert_eq!(second.reused, 1024);
        assert_eq!(slide.reads() - before, 4096 - 1024);
        assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&resumed).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn finished_features_are_used_again_and_other_settings_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.safetensors");
        let slide =
            PaintedSlide::new(64, 64, paint).with_broken(PixelRect::<Level0>::new(0, 0, 8, 8));
        let first = quiet(&slide, &MeanColourEncoder::new(8), Some(&file));
        let reads = slide.reads();
        let again = quiet(&slide, &MeanColourEncoder::new(8), Some(&file));
        assert_eq!((slide.reads(), again.reused), (reads, first.features.cells().len()));
        assert_eq!(again.features, first.features);
        assert_eq!(quiet(&slide, &MeanColourEncoder::new(4), Some(&file)).reused, 0);
        std::fs::write(&file, b"nonsense").unwrap();
        let made = quiet(&slide, &MeanColourEncoder::new(8), Some(&file));
        assert!(made.warnings[0].contains("made again"), "{:?}", made.warnings);
        assert_eq!(made.features, first.features);
    }

    #[test]
    fn a_broken_tile_is_left_out_with_its_place() {
        let slide =
            PaintedSlide::new(64, 64, paint).with_broken(PixelRect::<Level0>::new(40, 40, 4, 4));
        let found = quiet(&slide, &MeanColourEncoder::new(8), None);
        assert_eq!(found.features.facts.left_out.len(), 4);
        assert_eq!(found.features.cells().len(), 60);
        assert!(found.warnings[0].contains("x 32, y 32"), "{:?}", found.warnings);
    }

    #[test]
    fn a_slide_with_nothing_to_judge_is_a_finding_and_no_error() {
        struct Glass;
        impl TissueMap for Glass {
            fn tissue_fraction(&self, _: PixelRect<Level0>) -> f64 {
                0.0
            }
            fn ink_fraction(&self, _: PixelRect<Level0>) -> f64 {
                0.0
            }
        }
        let (slide, encoder) = (PaintedSlide::new(64, 64, paint), MeanColourEncoder::new(8));
        let request = SlideRequest {
            slide: &slide,
            identity: "slide",
            tissue: &Glass,
            tissue_share: 0.25,
            steps: 1,
            encoder: &encoder,
        };
        let run = AtomicBool::new(false);
        let found = slide_features(&request, None, &|_| (), &run).unwrap();
        assert!(found.features.cells().is_empty());
        assert_eq!(found.warnings, ["no tile has enough tissue: nothing was judged"]);
        let everything = PixelRect::<Level0>::new(0, 0, 64, 64);
        let broken = PaintedSlide::new(64, 64, paint).with_broken(everything);
        let found = quiet(&broken, &encoder, None);
        assert!(found.warnings.last().unwrap().contains("no tile could be read"));
        let wrong = SlideRequest { tissue_share: f64::NAN, ..request };
        assert!(slide_features(&wrong, None, &|_| (), &run).is_err());
    }
}
