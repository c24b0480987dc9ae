//! The first tiles of the next slide, read while this one is computed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    cut::{Cut, Cuts, Job, Unit, jobs, read},
    grid::TileGrid,
    pass::{PassRequest, readers},
};
use crate::error::{LesionError, Result};

/// Tiles that were read before their pass began. They serve the pass only where it cuts the slide
/// in the same way.
#[derive(Debug, Default)]
pub struct ReadAhead(Vec<(TileGrid, Unit)>);

impl ReadAhead {
    /// How many tiles there are.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.0.iter().map(|(_, unit)| unit.cells.len()).sum()
    }

    /// A job's tiles, if they are here.
    pub(super) fn take(&mut self, cut: &Cut, job: &Job) -> Option<Unit> {
        let place = self.0.iter().position(|(grid, unit)| {
            let left_out = unit.left_out.iter().map(|left| left.cell);
            let mut cells: Vec<_> = unit.cells.iter().copied().chain(left_out).collect();
            cells.sort_unstable();
            *grid == cut.grid && cells == cut.cells[job.cells.clone()]
        })?;
        let (_, unit) = self.0.swap_remove(place);
        Some(Unit { job: job.clone(), ..unit })
    }
}

/// Reads the first tiles of a pass: as many as its threads take at once. None where an earlier
/// run's features lie, which will serve.
///
/// # Errors
/// When the slide cannot be read, a setting is out of range, or `cancel` was set.
pub fn read_ahead(request: &PassRequest<'_>, cancel: &AtomicBool) -> Result<ReadAhead> {
    let is_kept = |file: Option<&std::path::Path>| file.is_some_and(std::path::Path::exists);
    if request.encoders.iter().all(|encoder| is_kept(encoder.file)) {
        return Ok(ReadAhead::default());
    }
    let cuts = Cuts::of(request)?.cuts;
    let mut ahead = Vec::new();
    for job in jobs(&cuts, |_, _| true).into_iter().take(2 * readers()) {
        if cancel.load(Ordering::Relaxed) {
            return Err(LesionError::Cancelled);
        }
        let cut = &cuts[job.cut];
        ahead.push((cut.grid.clone(), read(request.slide, cut, job)?));
    }
    Ok(ReadAhead(ahead))
}
