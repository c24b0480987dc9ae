//! Ways in which a slide is cut into tiles, and the order in which all of them are read.

use std::{ops::Range, time::Instant};

use bianque_core::RgbImage;
use bianque_slide::{Slide, SlideError};

use super::{
    grid::{Cell, TileGrid, tissue_cells},
    output::{STRETCH, UNIT},
    pass::PassRequest,
    store::LeftOut,
};
use crate::error::{LesionError, Result};

/// Tiles of one size and resolution; several encoders may want the same.
pub(super) struct Cut {
    pub(super) grid: TileGrid,
    pub(super) cells: Vec<Cell>,
    /// The encoders that want it.
    pub(super) lanes: Vec<usize>,
}

/// Some neighbouring tiles of a cut: what one thread reads at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) cut: usize,
    pub(super) stretch: usize,
    /// Which one of the stretch's units.
    pub(super) unit: usize,
    /// Which of the cut's cells.
    pub(super) cells: Range<usize>,
}

/// A job's tiles as pictures.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) job: Job,
    /// The tiles that could be read.
    pub(super) cells: Vec<Cell>,
    pub(super) images: Vec<RgbImage>,
    pub(super) left_out: Vec<LeftOut>,
    /// Time that reading took.
    pub(super) nanos: u64,
}

/// How a slide is cut for a pass.
pub(super) struct Cuts {
    pub(super) cuts: Vec<Cut>,
    /// Per encoder, its cut.
    pub(super) of_encoder: Vec<usize>,
}

impl Cuts {
    /// Lays each encoder's grid over the slide; equal tiles become one cut.
    pub(super) fn of(request: &PassRequest<'_>) -> Result<Self> {
        let slide = request.slide.facts();
        let mpp = slide.mpp.as_ref().ok_or(SlideError::NoMpp)?;
        let (mut cuts, mut of_encoder) = (Vec::<Cut>::new(), Vec::new());
        for (lane, encoder) in request.encoders.iter().enumerate() {
            let share = encoder.tissue_share;
            if !(0.0..=1.0).contains(&share) {
                let what = format!("a tissue share of {share} is not 0 to 1");
                return Err(LesionError::Setting(what));
            }
            let input = &encoder.encoder.recipe().input;
            let grid = TileGrid::over(slide.bounds(), mpp, input.size, input.mpp, encoder.steps)?;
            let cells = match encoder.only {
                Some(cells) => checked(cells, &grid)?,
                None => tissue_cells(&grid, request.tissue, share),
            };
            let same = cuts.iter().position(|cut| cut.grid == grid && cut.cells == cells);
            let cut = same.unwrap_or(cuts.len());
            match cuts.get_mut(cut) {
                Some(cut) => cut.lanes.push(lane),
                None => cuts.push(Cut { grid, cells, lanes: vec![lane] }),
            }
            of_encoder.push(cut);
        }
        Ok(Self { cuts, of_encoder })
    }
}

fn checked(cells: &[Cell], grid: &TileGrid) -> Result<Vec<Cell>> {
    let inside = |cell: &Cell| cell.row < grid.rows() && cell.column < grid.columns();
    if cells.iter().all(inside) && cells.is_sorted_by(|a, b| a < b) {
        Ok(cells.to_vec())
    } else {
        Err(LesionError::Data("chosen tiles must lie in the grid, in raster order".into()))
    }
}

/// What has to be read, from the top of the slide to its foot: cuts that need the same part of
/// the slide follow each other while the slide still holds that part decoded.
pub(super) fn jobs(cuts: &[Cut], wanted: impl Fn(usize, usize) -> bool) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (cut, Cut { cells, .. }) in cuts.iter().enumerate() {
        for start in (0..cells.len()).step_by(UNIT) {
            let (stretch, within) = (start / STRETCH, start % STRETCH);
            if wanted(cut, stretch) {
                let cells = start..cells.len().min(start + UNIT);
                jobs.push(Job { cut, stretch, unit: within / UNIT, cells });
            }
        }
    }
    let top = |job: &Job| {
        let Cut { grid, cells, .. } = &cuts[job.cut];
        grid.origin(cells[job.cells.start]).y
    };
    // Stable: within a cut the order stays that of its cells.
    jobs.sort_by(|a, b| top(a).total_cmp(&top(b)));
    jobs
}

/// Reads a job's tiles. A tile that is broken in the file is left out.
///
/// # Errors
/// What concerns the whole slide.
pub(super) fn read(slide: &dyn Slide, cut: &Cut, job: Job) -> Result<Unit> {
    let start = Instant::now();
    let (edge, mpp) = (cut.grid.tile_px(), cut.grid.mpp());
    let (mut cells, mut images, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for cell in &cut.cells[job.cells.clone()] {
        match slide.read_at_mpp(cut.grid.origin(*cell), mpp, edge, edge) {
            Ok(image) => {
                cells.push(*cell);
                images.push(image);
            }
            // What lies in the file as a tile may be broken; all else concerns the whole slide.
            Err(error @ (SlideError::Tile { .. } | SlideError::Broken { .. })) => {
                left_out.push(LeftOut { cell: *cell, why: error.to_string() });
            }
            Err(error) => return Err(error.into()),
        }
    }
    let nanos = start.elapsed().as_nanos() as u64;
    Ok(Unit { job, cells, images, left_out, nanos })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide_features::grid_tests::grid;

    #[test]
    fn cuts_are_read_side_by_side_from_top_to_foot() {
        let cut = |steps| {
            let grid = grid(448 * 4, 448 * 40, steps);
            Cut { cells: grid.cells().collect(), grid, lanes: vec![0] }
        };
        let cuts = [cut(1), cut(2)];
        let jobs = jobs(&cuts, |_, _| true);
        let tops: Vec<f64> = jobs
            .iter()
            .map(|j| cuts[j.cut].grid.origin(cuts[j.cut].cells[j.cells.start]).y)
            .collect();
        assert!(tops.is_sorted());
        for (index, cut) in cuts.iter().enumerate() {
            let mut read: Vec<usize> = jobs
                .iter()
                .filter(|job| job.cut == index)
                .flat_map(|job| job.cells.clone())
                .collect();
            assert!(read.is_sorted());
            read.dedup();
            assert_eq!(read.len(), cut.cells.len());
        }
    }

    #[test]
    fn stretches_that_nobody_wants_are_not_read() {
        let grid = grid(448 * 64, 448 * 32, 1);
        let cuts = [Cut { cells: grid.cells().collect(), grid, lanes: vec![0] }];
        let jobs = jobs(&cuts, |_, stretch| stretch == 1);
        assert_eq!(jobs.len(), 1024 / UNIT);
        assert!(jobs.iter().all(|job| job.cells.start >= 1024 && job.stretch == 1));
        assert_eq!(jobs[3].unit, 3);
    }
}
