//! What one encoder has to make of a slide in a pass, and what it has made.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use bianque_core::Digest;
use half::f16;

use super::{
    grid::Cell,
    shards::{Shards, plan},
    store::{FeatureFacts, LeftOut, SlideFeatures},
};
use crate::error::{LesionError, Result};

/// Tiles of a stretch that is kept when a run is interrupted.
pub(super) const STRETCH: usize = 1024;
/// Tiles that are read together by one thread, and the smallest part of a stretch.
pub(super) const UNIT: usize = 16;

/// Vectors of a unit's tiles, and the tiles that have none.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) cells: Vec<Cell>,
    pub(super) values: Vec<f16>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Batch {
    /// Takes the vectors of some tiles at half precision; what does not fit is left out.
    pub(super) fn of(cells: &[Cell], vectors: &[f32], mut left_out: Vec<LeftOut>) -> Self {
        let mut batch = Self::default();
        let width = vectors.len() / cells.len().max(1);
        for (cell, vector) in cells.iter().zip(vectors.chunks_exact(width.max(1))) {
            let halves = vector.iter().map(|value| f16::from_f32(*value));
            if halves.clone().all(f16::is_finite) {
                batch.cells.push(*cell);
                batch.values.extend(halves);
            } else {
                let why = "its features are not finite or exceed half precision".to_owned();
                left_out.push(LeftOut { cell: *cell, why });
            }
        }
        left_out.sort_by_key(|left| left.cell);
        batch.left_out = left_out;
        batch
    }
}

/// One features file in the making: stretch by stretch, in whatever order units are finished.
pub(super) struct Output<'a> {
    facts: FeatureFacts,
    tiles: usize,
    file: Option<&'a Path>,
    shards: Option<Shards>,
    /// Everything, where an earlier run has made it.
    kept: Option<SlideFeatures>,
    /// Which stretches were still to be made when the pass began.
    wanted: Vec<bool>,
    stretches: Mutex<Vec<Stretch>>,
    reused: usize,
    warnings: Vec<String>,
}

enum Stretch {
    Done(Box<SlideFeatures>),
    Open { units: Vec<Option<Batch>>, left: usize },
}

impl<'a> Output<'a> {
    /// Looks for what earlier runs have left of the same plan.
    ///
    /// # Errors
    /// When the folder beside the file cannot be used.
    pub(super) fn open(
        facts: FeatureFacts,
        cells: &[Cell],
        file: Option<&'a Path>,
    ) -> Result<Self> {
        let plan = plan(&facts, cells);
        let mut warnings = Vec::new();
        let kept = kept(file, plan, &mut warnings);
        let mut output = Self {
            facts,
            tiles: cells.len(),
            file,
            shards: None,
            wanted: vec![false; cells.len().div_ceil(STRETCH)],
            stretches: Mutex::default(),
            reused: kept.as_ref().map_or(0, |kept| kept.cells().len()),
            kept,
            warnings,
        };
        if output.kept.is_none() {
            output.shards = file.map(|file| Shards::open(file, plan)).transpose()?;
            output.look_for_stretches(cells)?;
        }
        Ok(output)
    }

    fn look_for_stretches(&mut self, cells: &[Cell]) -> Result<()> {
        let mut stretches = Vec::new();
        for (index, part) in cells.chunks(STRETCH).enumerate() {
            let earlier = self.shards.as_ref().map(|shards| shards.read(index)).transpose()?;
            match earlier.flatten().filter(|found| found.facts.grid == self.facts.grid) {
                Some(found) => {
                    self.reused += found.cells().len();
                    stretches.push(Stretch::Done(Box::new(found)));
                }
                None => {
                    self.wanted[index] = true;
                    let left = part.len().div_ceil(UNIT);
                    let units = std::iter::repeat_with(|| None).take(left).collect();
                    stretches.push(Stretch::Open { units, left });
                }
            }
        }
        self.stretches = Mutex::new(stretches);
        Ok(())
    }

    /// Whether a stretch had still to be made when the pass began.
    pub(super) fn wants(&self, stretch: usize) -> bool {
        self.wanted.get(stretch).copied().unwrap_or(false)
    }

    /// Tiles of stretches that need not be made.
    pub(super) fn tiles_done(&self) -> usize {
        let length = |index: usize| STRETCH.min(self.tiles - index * STRETCH);
        (0..self.wanted.len()).filter(|index| !self.wanted[*index]).map(length).sum()
    }

    /// Takes a finished unit; the last one of a stretch has the stretch kept on disk.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(super) fn add(&self, stretch: usize, unit: usize, batch: Batch) -> Result<()> {
        let Some(units) = self.place(stretch, unit, batch) else { return Ok(()) };
        let mut part = SlideFeatures { facts: self.facts.clone(), cells: vec![], values: vec![] };
        for batch in units.into_iter().flatten() {
            part.cells.extend(batch.cells);
            part.values.extend(batch.values);
            part.facts.left_out.extend(batch.left_out);
        }
        if let Some(shards) = &self.shards {
            shards.write(stretch, &part)?;
        }
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        stretches[stretch] = Stretch::Done(Box::new(part));
        Ok(())
    }

    /// Puts a unit in its place; gives all of the stretch's once it is whole.
    fn place(&self, stretch: usize, unit: usize, batch: Batch) -> Option<Vec<Option<Batch>>> {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Stretch::Open { units, left }) = stretches.get_mut(stretch) else { return None };
        if units[unit].replace(batch).is_none() {
            *left -= 1;
        }
        (*left == 0).then(|| std::mem::take(units))
    }

    /// Everything in raster order, with how many tiles earlier runs had made; written to the file
    /// where there is one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(self) -> Result<(SlideFeatures, usize, Vec<String>)> {
        if let Some(kept) = self.kept {
            return Ok((kept, self.reused, self.warnings));
        }
        let mut features = SlideFeatures { facts: self.facts, cells: vec![], values: vec![] };
        let stretches = self.stretches.into_inner().unwrap_or_else(PoisonError::into_inner);
        for stretch in stretches {
            match stretch {
                Stretch::Done(part) => features.extend(*part),
                Stretch::Open { .. } => {
                    return Err(LesionError::Data("a stretch of tiles was not finished".into()));
                }
            }
        }
        if let (Some(file), Some(shards)) = (self.file, self.shards) {
            features.write(file)?;
            shards.remove()?;
        }
        Ok((features, self.reused, self.warnings))
    }
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
